// A driver talks through a virtio console as it does on QEMU.
#include "tests/systemc/device_witness.h"

namespace hvsim::sim {
namespace {

TEST(ConsoleDevice, LooksToItsDriverAsOnQemu) {
  Config config;
  config.machine.mode = TimingMode::functional;
  config.machine.devices.console.present = true;
  config.machine.devices.console.typed.script = {
      {.expect = "shout?\n", .send = "hello there, this is long\n"}, {.after_us = 3000, .send = "and more!"}};
  const RunResult result = run_here("console", config);
  EXPECT_EQ(result.virtio_console, "what shall I shout?\nHELLO THERE, THIS IS LONG\nAND MORE!");
  EXPECT_GT(result.cycles, 3'000'000u);

  const std::string log = testing::TempDir() + "console_device_serial.log";
  const std::string shouted =
      qemu("console",
           "-serial file:" + log +
               " -chardev stdio,id=c -device virtio-serial-device,bus=virtio-mmio-bus.7 "
               "-device virtconsole,chardev=c",
           "sleep 1; printf 'hello there, this is long\\nand more!'");
  if (!shouted.empty()) {
    EXPECT_EQ(result.virtio_console, shouted);
    EXPECT_EQ(result.console, tests::slurp(log));
  }
  std::remove(log.c_str());
}

}  // namespace
}  // namespace hvsim::sim
