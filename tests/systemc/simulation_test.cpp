// A whole machine runs a bare-metal program to its end, and every cycle of every hart is accounted for.
#include "sim/simulation.h"

#include <string>

#include "tests/systemc/main.h"

namespace hvsim::sim {
namespace {

struct Silent final : Progress {
  void advanced(isa::Cycles, std::uint64_t) override {}
  void console(std::string_view text) override { seen += text; }
  std::string seen;
};

TEST(Simulation, RunsHelloOnFourHartsAndAccountsForEveryCycle) {
  Config config;
  config.machine.harts = 4;
  config.limits.max_cycles = 100'000'000;
  ImagePaths images;
  images.image = HVSIM_WORKLOADS "/hello-bare.elf";
  Silent progress;
  const auto result = simulate(config, images, progress);
  ASSERT_TRUE(result) << result.error().line;
  EXPECT_EQ(result->stop, StopReason::finished) << result->stop_detail;
  EXPECT_EQ(result->guest_exit_code, 0u);
  EXPECT_NE(result->console.find("checksum 81fe92a3b1d0bcfa"), std::string::npos)
      << "the checksum that QEMU prints for the same image";
  EXPECT_EQ(progress.seen, result->console);

  ASSERT_EQ(result->harts.size(), 4u);
  for (const HartStats& hart : result->harts) {
    isa::Cycles cells = 0;
    for (const CpiRow& row : result->cpi)
      if (row.hart == hart.hart)
        for (const auto cycles : row.components) cells += cycles;
    EXPECT_EQ(cells, hart.cycles) << "hart " << hart.hart;
  }
  EXPECT_GT(result->harts[3].idle_cycles, result->harts[3].cycles / 2) << "a parked hart sleeps";
}

}  // namespace
}  // namespace hvsim::sim
