// Software resets the machine: it boots again, and finds what it finds on QEMU.
#include "tests/systemc/device_witness.h"

namespace hvsim::sim {
namespace {

TEST(Reset, BootsAgainAsOnQemu) {
  Config config;
  config.machine.harts = 2;
  config.limits.on_reset = OnReset::restart;
  const RunResult result = run_here("reset", config);
  EXPECT_NE(result.console.find("boot 00000003 00000029\n"), std::string::npos);
  const std::string witness = qemu("reset", "-smp 2 -serial stdio", "true");
  if (!witness.empty()) {
    EXPECT_EQ(result.console, witness);
  }
}

}  // namespace
}  // namespace hvsim::sim
