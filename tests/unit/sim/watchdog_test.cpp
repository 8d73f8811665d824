// The watchdog finds machines that go round in circles, and never cries wolf.
#include "sim/watchdog.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>

#include "models/cpu/isa/csr.h"
#include "tests/unit/engine/program.h"

namespace hvsim::sim {
namespace {

namespace as = cpu::test::as;

constexpr std::uint64_t kRam = 0x8000'0000, kData = kRam + 0x2000;
constexpr isa::Cycles kPeriod = 10'000, kQuantum = 1000;

// Each hart has a program of its own; x5 points to common data, x10 to the UART.
struct Rig {
  explicit Rig(std::initializer_list<std::initializer_list<std::uint32_t>> programs,
               isa::Cycles period = kPeriod) {
    MachineConfig config;
    config.harts = static_cast<unsigned>(programs.size());
    config.mode = TimingMode::functional;
    machine = std::move(Machine::build(config, 1, false, [](std::uint8_t) {}).value());
    unsigned hart = 0;
    for (const auto& program : programs) {
      std::uint64_t address = kRam + hart * 0x100;
      auto& state = machine->hart(hart++).hart_state();
      state.pc = address;
      state.x[5] = kData;
      state.x[10] = map::uart.value;
      for (const std::uint32_t word : program) {
        machine->memory().write(isa::Hpa{address}, word);
        address += 4;
      }
    }
    for (unsigned i = 0; i < machine->harts(); ++i) machine->hart(i).state_changed();
    watchdog = std::make_unique<Watchdog>(*machine, period);
  }

  // How many turns of all harts it takes until the watchdog barks; 0: it does not.
  unsigned turns_until_alarm(unsigned most = 2000) {
    for (unsigned turn = 1; turn <= most; ++turn)
      for (unsigned i = 0; i < machine->harts(); ++i) {
        if (machine->shell(i).asleep) continue;
        const cpu::Stop why = machine->hart(i).run(kQuantum, true).stop;
        machine->shell(i).asleep = why == cpu::Stop::wait_for_interrupt;
        if (watchdog->ran(i, why)) return turn;
      }
    return 0;
  }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<Watchdog> watchdog;
};

TEST(Watchdog, FindsAJumpToItself) {
  Rig rig({{as::self}});
  const unsigned turns = rig.turns_until_alarm();
  EXPECT_GE(turns, kPeriod / kQuantum);
  EXPECT_LE(turns, kPeriod / kQuantum + 5);
}

TEST(Watchdog, FindsALoopWhoseLengthDoesNotDivideTheQuantum) {
  Rig rig({{as::nop, as::branch(0, 0, 0, 8), as::nop, as::nop, as::nop, as::branch(1, 0, 0, 8),
            as::addi(6, 0, 3), as::branch(0, 0, 0, -28)}});
  EXPECT_NE(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, FindsHartsThatWaitForEachOthersFlags) {
  Rig rig({{as::ld(6, 5, 0), as::branch(0, 6, 0, -4), as::self},
           {as::ld(6, 5, 8), as::branch(0, 6, 0, -4), as::self}});
  EXPECT_NE(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, FindsALoopThatStoresWhatIsThere) {
  Rig rig({{as::addi(6, 0, 7), as::sd(6, 5, 0), as::ld(7, 5, 0), as::branch(0, 0, 0, -8)}});
  EXPECT_NE(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, CountsSleepersAsStandingStillWhenNothingCanWakeThem) {
  Rig rig({{as::self}, {as::wfi, as::self}});
  EXPECT_NE(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, SaysWhereEachHartStands) {
  Rig rig({{as::self}, {as::wfi, as::self}});
  rig.turns_until_alarm();
  EXPECT_EQ(where_harts_stand(*rig.machine, {"spin", ""}),
            " hart 0 at pc 0x80000000 <spin> in M-mode goes round in circles;"
            " hart 1 at pc 0x80000104 in M-mode sleeps: of what mie 0x0 enables nothing is pending");
}

TEST(Watchdog, IsSilentWhenItIsOff) {
  Rig rig({{as::self}}, 0);
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, LetsALongLoopOverRegistersCount) {
  Rig rig({{as::addi(6, 6, 1), as::branch(0, 0, 0, -4)}});
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, LetsAHartWaitForAnotherThatWorks) {
  Rig rig({{as::ld(6, 5, 0), as::branch(0, 6, 0, -4), as::self},
           {as::addi(7, 7, 1), as::sd(7, 5, 8), as::branch(0, 0, 0, -8)}});
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

// A store there and one back: the states at the ends of runs repeat, and another hart might see between.
TEST(Watchdog, LetsAHartTakeAndGiveBackALock) {
  Rig rig({{as::addi(7, 0, 1), as::sd(7, 5, 0), as::sd(0, 5, 0), as::branch(0, 0, 0, -12)},
           {as::ld(6, 5, 0), as::branch(0, 6, 0, -4), as::self}});
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, LetsALoopPollTheTime) {
  Rig rig({{as::csrr(6, isa::csr::time), as::addi(6, 0, 0), as::branch(0, 0, 0, -8)}});
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, LetsALoopPollADevice) {
  Rig rig({{as::i_type(0x03, 4, 6, 10, 5) /* lbu x6, 5(x10) */, as::addi(6, 0, 0), as::branch(0, 0, 0, -8)}});
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
}

TEST(Watchdog, LetsALoopWaitForAnArmedTimer) {
  Rig rig({{as::self}});
  auto& state = rig.machine->hart(0).hart_state();
  state.csr.mie = isa::bit(isa::Interrupt::machine_timer);
  state.mtimecmp = 1'000'000;
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
  state.csr.mie = 0;
  EXPECT_NE(rig.turns_until_alarm(), 0u) << "a timer that cannot interrupt changes nothing";
}

TEST(Watchdog, LetsALoopWaitForADevicesAppointment) {
  Rig rig({{as::self}});
  Agenda& agenda = rig.machine->agenda();
  const unsigned entry = agenda.add([] {});
  agenda.arm(entry, 1'000'000'000);
  EXPECT_EQ(rig.turns_until_alarm(), 0u);
  agenda.disarm(entry);
  EXPECT_NE(rig.turns_until_alarm(), 0u);
}

}  // namespace
}  // namespace hvsim::sim
