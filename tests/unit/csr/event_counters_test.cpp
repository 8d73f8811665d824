// Zihpm and Sscofpmf: what the counters count, when not, and what an overflow does.
#include "models/cpu/event_counters.h"

#include "models/cpu/interrupts.h"
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

constexpr unsigned kCounter = csr::mhpmcounter3, kEvent = csr::mhpmevent3;
constexpr std::uint64_t kCycles = 1, kInstructions = 2, kTraps = 0x20001;
constexpr std::uint64_t kLcofi = bit(isa::Interrupt::counter_overflow);

// Time passes as the engine lets it: what happened is booked before the mode changes.
void change_mode(TestHart& hart, isa::Mode mode) {
  settle_event_counters(hart);
  hart.mode = mode;
}

TEST(EventCounters, CountTheirEventFromTheMomentItIsSelected) {
  TestHart hart;
  hart.cycle = 1000;
  hart.set(kEvent, kCycles);
  hart.cycle += 70;
  EXPECT_EQ(hart.get(kCounter), 70u);
  hart.events[static_cast<std::size_t>(Event::traps)] = 5;
  hart.set(kEvent + 1, kTraps);
  hart.events[static_cast<std::size_t>(Event::traps)] = 8;
  EXPECT_EQ(hart.get(kCounter + 1), 3u);
  EXPECT_EQ(hart.get(csr::hpmcounter3), 70u);
}

TEST(EventCounters, ChangingTheEventKeepsTheValue) {
  TestHart hart;
  hart.set(kEvent, kCycles);
  hart.cycle = 40;
  hart.retired = 1000;
  hart.set(kEvent, kInstructions);
  hart.retired = 1002;
  EXPECT_EQ(hart.get(kCounter), 42u);
  hart.set(kEvent, 0);
  hart.cycle = hart.retired = 9999;
  EXPECT_EQ(hart.get(kCounter), 42u);
  EXPECT_EQ(hart.active_counters, 0u);
}

// "CSR Instructions": a write to instret takes the place of the instruction's own increment.
TEST(EventCounters, AWrittenCounterHoldsTheValueForTheNextInstruction) {
  TestHart hart;
  hart.set(kEvent, kInstructions);
  hart.retired = 17;
  hart.set(kCounter, 500);
  ++hart.retired;  // the writing instruction
  EXPECT_EQ(hart.get(kCounter), 500u);
  ++hart.retired;
  EXPECT_EQ(hart.get(kCounter), 501u);
}

TEST(EventCounters, StandStillWhileInhibited) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::mcountinhibit, kAllOnes), 0xFFFFFFFDu);  // TM does not exist
  hart.set(kEvent, kCycles);
  hart.cycle = 10;
  EXPECT_EQ(hart.get(kCounter), 0u);
  hart.set(csr::mcountinhibit, 0);
  hart.cycle = 25;
  hart.set(csr::mcountinhibit, 8);
  hart.cycle = 99;
  EXPECT_EQ(hart.get(kCounter), 15u);
}

// Sscofpmf, "Machine Performance Monitoring Event Selector (mhpmevent) Registers".
TEST(EventCounters, EachFilterStopsCountingInItsModeAlone) {
  const std::pair<isa::Mode, std::uint64_t> filters[] = {
      {kM, csr::kMinh}, {kHs, csr::kSinh}, {kU, csr::kUinh}, {kVs, csr::kVsinh}, {kVu, csr::kVuinh}};
  for (const auto& [filtered, bit] : filters) {
    TestHart hart;
    hart.set(kEvent, kCycles | bit);
    std::uint64_t right = 0;
    for (isa::Mode mode : kAllModes) {
      change_mode(hart, mode);
      hart.cycle += 100;
      if (mode != filtered) right += 100;
    }
    change_mode(hart, kM);
    EXPECT_EQ(hart.get(kCounter), right);
  }
}

TEST(EventCounters, OverflowSetsOfAndAsksForAnInterruptOnce) {
  TestHart hart;
  hart.set(kEvent, kCycles);
  hart.set(kCounter, kAllOnes - 9);
  hart.cycle = 9;
  settle_event_counters(hart);
  EXPECT_EQ(hart.get(csr::scountovf), 0u);
  EXPECT_EQ(next_overflow_cycle(hart, true), 10u);
  hart.cycle = 12;
  settle_event_counters(hart);
  EXPECT_EQ(hart.get(kCounter), 2u);
  EXPECT_EQ(hart.get(kEvent), kCycles | csr::kOf);
  EXPECT_EQ(hart.get(csr::scountovf), 8u);
  EXPECT_EQ(hart.get(csr::mip), kLcofi);
  hart.set(csr::mip, 0);
  hart.set(kCounter, kAllOnes);  // with OF set there is no other request
  hart.cycle += 10;
  settle_event_counters(hart);
  EXPECT_EQ(hart.get(csr::mip), 0u);
}

TEST(EventCounters, WritesNeverOverflow) {
  TestHart hart;
  hart.set(kEvent, kCycles);
  hart.set(kCounter, kAllOnes);
  hart.set(kCounter, 0);
  EXPECT_EQ(hart.get(kEvent), kCycles);
  EXPECT_EQ(hart.get(csr::mip), 0u);
}

TEST(EventCounters, WithoutSscofpmfThereIsNoOverflowAndNoFilter) {
  TestHart hart;
  hart.isa_config.sscofpmf = false;
  EXPECT_EQ(hart.set_and_get(kEvent, kAllOnes), (std::uint64_t{1} << 56) - 1);
  EXPECT_EQ(hart.reads(csr::scountovf), kIllegal);
  EXPECT_EQ(hart.set_and_get(csr::mie, kAllOnes) & kLcofi, 0u);
  EXPECT_EQ(hart.set_and_get(csr::mideleg, kAllOnes) & kLcofi, 0u);
  hart.set(kEvent, kCycles);
  hart.set(kCounter, kAllOnes);
  hart.cycle = 5;
  settle_event_counters(hart);
  EXPECT_EQ(hart.get(csr::mip), 0u);
}

TEST(EventCounters, WithoutHThereAreNoGuestFilters) {
  TestHart hart;
  hart.isa_config.h = false;
  EXPECT_EQ(hart.set_and_get(kEvent, csr::kVsinh | csr::kVuinh | csr::kUinh), csr::kUinh);
}

TEST(Scountovf, ShowsWhatTheCounterEnablesShow) {
  TestHart hart;
  for (unsigned i : {3u, 4u, 31u}) hart.set(csr::mhpmevent3 + i - 3, csr::kOf);
  EXPECT_EQ(hart.get(csr::scountovf), 0x8000'0018u);
  hart.csr.mcounteren = 0x18;
  hart.csr.hcounteren = 0x8000'0010;
  EXPECT_EQ(hart.in(kHs).get(csr::scountovf), 0x18u);
  EXPECT_EQ(hart.in(kVs).get(csr::scountovf), 0x10u);
  EXPECT_EQ(hart.in(kU).reads(csr::scountovf), kIllegal);
  EXPECT_EQ(hart.in(kVu).reads(csr::scountovf), kVirtual);
  EXPECT_EQ(hart.in(kM).writes(csr::scountovf), kIllegal);
}

TEST(CounterOverflowInterrupt, IsDelegatedToHsModeAndComesLast) {
  TestHart hart(kHs);
  hart.csr.mideleg = kLcofi | bit(isa::Interrupt::supervisor_timer);
  hart.csr.mstatus = csr::kSie;
  EXPECT_EQ(hart.set_and_get(csr::sie, kAllOnes), kLcofi | bit(isa::Interrupt::supervisor_timer));
  hart.csr.mip = kLcofi | bit(isa::Interrupt::supervisor_timer);
  EXPECT_EQ(hart.get(csr::sip), hart.csr.mip);
  EXPECT_EQ(next_interrupt(hart)->code, 5u);
  hart.csr.mip = kLcofi;
  EXPECT_EQ(next_interrupt(hart)->code, 13u);
  hart.set(csr::sip, 0);
  EXPECT_FALSE(next_interrupt(hart));
}

// Without Shlcofideleg it goes no further.
TEST(CounterOverflowInterrupt, IsNotAGuests) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hideleg, kAllOnes) & kLcofi, 0u);
  EXPECT_EQ(hart.set_and_get(csr::hvip, kAllOnes) & kLcofi, 0u);
}

}  // namespace
}  // namespace hvsim::cpu::testing
