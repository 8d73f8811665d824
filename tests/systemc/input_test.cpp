// UART input by interrupts and the clock's alarm, as on QEMU.
#include "tests/systemc/device_witness.h"

namespace hvsim::sim {
namespace {

TEST(Input, ReachesADriverAsOnQemu) {
  Config config;
  config.machine.console.script = {
      {.expect = "name? ", .send = "world\n"},
      {.expect = "name? ", .after_us = 5000, .send = "virtual machine, which is longer than a FIFO\n"},
      {.expect = "name? ", .send = "end\n"}};
  const RunResult result = run_here("input", config);
  EXPECT_NE(result.console.find("hello world\nname? hello virtual machine, which is longer than a FIFO\n"),
            std::string::npos);
  // 5 ms of the typist's, 3 ms until the alarm, and little else.
  EXPECT_GT(result.cycles, 8'000'000u);
  EXPECT_LT(result.cycles, 9'000'000u);
  const std::string witness =
      qemu("input", "-serial stdio",
           "sleep 1; printf 'world\\nvirtual machine, which is longer than a FIFO\\nend\\n'");
  if (!witness.empty()) {
    EXPECT_EQ(result.console, witness);
  }
}

}  // namespace
}  // namespace hvsim::sim
