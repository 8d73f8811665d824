// WFI: a sleeping machine jumps to its timer, and one that nothing can wake is reported.
#include "models/cpu/isa/csr.h"
#include "sim/bus_module.h"
#include "sim/hart_module.h"
#include "sim/machine.h"
#include "sim/memory_module.h"
#include "sim/recorder.h"
#include "sim/simulation.h"
#include "sim/turns_module.h"
#include "tests/systemc/main.h"

namespace hvsim::sim {
namespace {

// Two harts. Hart 0: WFI with the timer at tick 5, then WFI for ever. Hart 1: the same with tick 9.
TEST(Sleep, HartsWakeAtTheirTimersToTheCycleAndThenForEverSleep) {
  Config config;
  config.machine.harts = 2;
  config.machine.mode = TimingMode::functional;
  auto built = Machine::build(config.machine, 1, false, [](std::uint8_t) {});
  ASSERT_TRUE(built) << built.error();
  Machine& machine = **built;
  constexpr std::uint32_t kWfi = 0x1050'0073, kClearMie = 0x3040'1073 /* csrw mie, x0 */,
                          kJumpBack = 0xFFDF'F06F;
  const std::uint32_t program[] = {kWfi, kClearMie, kWfi, kJumpBack};
  machine.memory().write(isa::Hpa{0x8000'0000}, program);

  Recorder recorder(machine, config);
  MemoryModule memory("memory", machine.memory());
  BusModule bus("bus");
  bus.attach(machine.memory().ram_base(), machine.memory().ram_bytes(), memory.socket);
  std::vector<std::unique_ptr<HartModule>> harts;
  sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
  TurnsModule turns("turns", machine.turns(), machine.agenda(), sc_core::sc_time(1, sc_core::SC_NS));
  for (unsigned i = 0; i < 2; ++i) {
    auto& state = machine.hart(i).hart_state();
    state.pc = 0x8000'0000;
    state.csr.mie = isa::bit(isa::Interrupt::machine_timer);
    state.mtimecmp = i == 0 ? 5 : 9;
    machine.hart(i).state_changed();
    harts.push_back(
        std::make_unique<HartModule>(i == 0 ? "hart0" : "hart1", machine,
                                     HartModule::Settings{.hart = i,
                                                          .quantum = 1000,
                                                          .turns = turns,
                                                          .recorder = recorder,
                                                          .host = nullptr,
                                                          .limit_reached = [](cpu::Stop) { return false; },
                                                          .unexpected_trap = [] {}}));
    harts.back()->socket.bind(bus.from);
  }
  sc_core::sc_start();

  EXPECT_TRUE(harts[0]->asleep());
  EXPECT_TRUE(harts[1]->asleep());
  // 100 cycles per tick; the second WFI and what is before it retire right after the timer.
  EXPECT_EQ(machine.hart(0).hart_state().cycle, 502u);
  EXPECT_EQ(machine.hart(1).hart_state().cycle, 902u);
  EXPECT_EQ(machine.hart(1).hart_state().retired, 3u);
}

}  // namespace
}  // namespace hvsim::sim
