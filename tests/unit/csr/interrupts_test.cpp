// Which interrupt is taken, when timers come due, what ends WFI.
#include "models/cpu/interrupts.h"

#include <limits>

#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

using isa::Interrupt;
constexpr std::uint64_t kAllInterrupts = 0x1EEE;
constexpr isa::Cycles kNever = std::numeric_limits<isa::Cycles>::max();

int taken(const HartState& hart) {
  const auto trap = next_interrupt(hart);
  if (!trap) return -1;
  EXPECT_TRUE(trap->interrupt);
  return trap->code;
}

TestHart with_pending(std::uint64_t bits, isa::Mode mode) {
  TestHart hart(mode);
  hart.csr.mie = kAllInterrupts;
  hart.lines = bits & ~std::uint64_t{0x444};
  hart.csr.hvip = bits & 0x444;
  return hart;
}

TEST(Interrupts, NoneIsTakenUnlessLocallyEnabled) {
  TestHart hart = with_pending(kAllInterrupts, kU);
  hart.csr.mie = 0;
  EXPECT_EQ(taken(hart), -1);
  EXPECT_FALSE(wfi_wakes(hart));
}

// "MEI, MSI, MTI, SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI"
TEST(Interrupts, MachineDestinationFollowsTheManualsOrder) {
  TestHart hart = with_pending(kAllInterrupts & ~0x1444u, kU);
  for (int expected : {11, 3, 7, 9, 1, 5}) {
    EXPECT_EQ(taken(hart), expected);
    hart.lines &= ~(std::uint64_t{1} << expected);
  }
  EXPECT_EQ(taken(hart), -1);
}

TEST(Interrupts, HsDestinationFollowsTheManualsOrder) {
  TestHart hart = with_pending(kAllInterrupts & ~0x888u, kU);
  hart.csr.mideleg = 0x222;
  for (int expected : {9, 1, 5, 12, 10, 2, 6}) {
    EXPECT_EQ(taken(hart), expected);
    hart.lines &= ~(std::uint64_t{1} << expected);
    hart.csr.hvip &= ~(std::uint64_t{1} << expected);
  }
  EXPECT_EQ(taken(hart), -1);
}

TEST(Interrupts, VsDestinationFollowsTheManualsOrder) {
  TestHart hart = with_pending(0x444, kVu);
  hart.csr.hideleg = 0x444;
  for (int expected : {10, 2, 6}) {
    EXPECT_EQ(taken(hart), expected);
    hart.csr.hvip &= ~(std::uint64_t{1} << expected);
  }
}

TEST(Interrupts, TheMorePrivilegedDestinationComesFirst) {
  TestHart hart =
      with_pending(bit(Interrupt::supervisor_timer) | bit(Interrupt::supervisor_external) | 0x400, kVs);
  hart.csr.vsstatus = csr::kSie;
  hart.csr.hideleg = 0x444;
  hart.csr.mideleg = bit(Interrupt::supervisor_external);
  EXPECT_EQ(taken(hart), 5);  // to M
  hart.csr.mideleg = 0x222;
  EXPECT_EQ(taken(hart), 9);  // to HS
  hart.lines = 0;
  EXPECT_EQ(taken(hart), 10);  // to VS
}

TEST(Interrupts, MachineInterruptsNeedMieInMachineModeOnly) {
  TestHart hart = with_pending(bit(Interrupt::machine_timer), kM);
  EXPECT_EQ(taken(hart), -1);
  hart.csr.mstatus = csr::kMie;
  EXPECT_EQ(taken(hart), 7);
  hart.csr.mstatus = 0;
  for (isa::Mode mode : {kHs, kU, kVs, kVu}) EXPECT_EQ(taken(hart.in(mode)), 7);
}

TEST(Interrupts, SupervisorInterruptsNeedSieInHsModeOnlyAndNeverInterruptMachineMode) {
  TestHart hart = with_pending(bit(Interrupt::supervisor_software), kM);
  hart.csr.mideleg = 0x222;
  hart.csr.mstatus = csr::kMie | csr::kSie;
  EXPECT_EQ(taken(hart), -1);
  EXPECT_EQ(taken(hart.in(kHs)), 1);
  hart.csr.mstatus = 0;
  EXPECT_EQ(taken(hart), -1);
  for (isa::Mode mode : {kU, kVs, kVu}) EXPECT_EQ(taken(hart.in(mode)), 1);
}

// H "Privilege Modes": VS-mode interrupts are globally disabled outside the guest.
TEST(Interrupts, InterruptsHandedToVsModeAreTakenOnlyInTheGuest) {
  TestHart hart = with_pending(0x40, kVs);
  hart.csr.hideleg = 0x444;
  hart.csr.mstatus = csr::kSie | csr::kMie;
  EXPECT_EQ(taken(hart), -1);
  hart.csr.vsstatus = csr::kSie;
  EXPECT_EQ(taken(hart), 6);
  for (isa::Mode mode : {kM, kHs, kU}) EXPECT_EQ(taken(hart.in(mode)), -1);
  hart.csr.vsstatus = 0;
  EXPECT_EQ(taken(hart.in(kVu)), 6);
}

TEST(Interrupts, VirtualInterruptsNotHandedOnGoToHsMode) {
  TestHart hart = with_pending(0x40, kVs);
  EXPECT_EQ(taken(hart), 6);
  hart.in(kHs);
  EXPECT_EQ(taken(hart), -1);
  hart.csr.mstatus = csr::kSie;
  EXPECT_EQ(taken(hart), 6);
}

// "unaffected by the global interrupt bits ... and the delegation register"
TEST(Wfi, WakesOnALocallyEnabledInterruptWhateverTheGlobalEnables) {
  for (isa::Mode mode : kAllModes) {
    TestHart hart = with_pending(0x40, mode);
    hart.csr.hideleg = 0x444;
    EXPECT_TRUE(wfi_wakes(hart));
    hart.csr.mie = ~std::uint64_t{0x40} & kAllInterrupts;
    EXPECT_FALSE(wfi_wakes(hart));
  }
}

TEST(Timers, TheNextOneIsTheEarliestThatIsEnabledAndNotYetDue) {
  TestHart hart;
  hart.cycles_per_tick = 100;
  hart.cycle = 1050;  // tick 10
  EXPECT_EQ(next_timer_cycle(hart), kNever);
  hart.mtimecmp = 30;
  EXPECT_EQ(next_timer_cycle(hart), kNever);  // MTIE is clear
  hart.csr.mie = kAllInterrupts;
  EXPECT_EQ(next_timer_cycle(hart), 3000u);
  hart.csr.stimecmp = 20;
  EXPECT_EQ(next_timer_cycle(hart), 3000u);  // no STCE, no comparison
  hart.csr.menvcfg = csr::kStce;
  EXPECT_EQ(next_timer_cycle(hart), 2000u);
  hart.csr.henvcfg = csr::kStce;
  hart.csr.htimedelta = 1000;
  hart.csr.vstimecmp = 1015;
  EXPECT_EQ(next_timer_cycle(hart), 1500u);
  hart.csr.vstimecmp = 1010;  // due already
  EXPECT_EQ(next_timer_cycle(hart), 2000u);
}

TEST(Timers, ComeTrueExactlyAtTheCycleForetold) {
  TestHart hart;
  hart.csr.mie = kAllInterrupts;
  hart.cycles_per_tick = 7;
  hart.time_offset = 1000;
  hart.cycle = 12;
  hart.mtimecmp = 1005;
  const isa::Cycles at = next_timer_cycle(hart);
  hart.cycle = at - 1;
  EXPECT_EQ(pending(hart), 0u);
  hart.cycle = at;
  EXPECT_EQ(pending(hart), bit(Interrupt::machine_timer));
}

TEST(Timers, OnesTooFarAwayNeverCome) {
  TestHart hart;
  hart.csr.mie = kAllInterrupts;
  hart.mtimecmp = kAllOnes - 1;
  EXPECT_EQ(next_timer_cycle(hart), kNever);
}

TEST(Timers, ANegativeTimeDeltaWrapsAround) {
  TestHart hart;
  hart.csr.menvcfg = hart.csr.henvcfg = csr::kStce;
  hart.csr.mie = kAllInterrupts;
  hart.cycle = 100 * hart.cycles_per_tick;
  hart.csr.htimedelta = static_cast<std::uint64_t>(-100);
  hart.csr.vstimecmp = 5;
  EXPECT_EQ(next_timer_cycle(hart), 105 * hart.cycles_per_tick);
}

}  // namespace
}  // namespace hvsim::cpu::testing
