// Debuggers stop harts exactly where they ask, and leave no trace where they do not.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

DebugPoints breaks(std::initializer_list<std::uint64_t> at) {
  DebugPoints points;
  for (const std::uint64_t pc : at) points.breakpoints.push_back({.pc = pc});
  points.changed();
  return points;
}

DebugPoints watch(std::uint64_t address, std::uint64_t bytes, bool reads, bool writes) {
  DebugPoints points;
  points.watchpoints = {{.address = address, .bytes = bytes, .reads = reads, .writes = writes}};
  points.changed();
  return points;
}

template <class Rig>
void put_loop(Rig& rig) {
  rig.put(kRam, {as::addi(1, 0, 100), as::addi(2, 2, 1), as::addi(3, 3, 1), as::addi(1, 1, -1),
                 as::bne(1, 0, -12), as::self});
}

TEST(Debug, ABreakpointStopsBeforeItsInstructionEvenInABlockThatHasRun) {
  auto rig = functional();
  put_loop(*rig);
  rig->hart.run(9, false);  // the loop is decoded, chained and has run twice
  ASSERT_EQ(rig->state().x[2], 2u);
  const DebugPoints points = breaks({kRam + 8});
  rig->hart.set_debug_points(&points);
  for (std::uint64_t turn = 3; turn < 6; ++turn) {
    EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::breakpoint);
    EXPECT_EQ(rig->state().pc, kRam + 8);
    EXPECT_EQ(rig->state().x[2], turn);
    EXPECT_EQ(rig->state().x[3], turn - 1) << "the instruction at the breakpoint has not run";
    EXPECT_EQ(rig->hart.run(1000, false).elapsed, 0u) << "it is still there";
    rig->hart.step(false);
    EXPECT_EQ(rig->state().x[3], turn);
  }
  rig->hart.set_debug_points(nullptr);
  EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::budget);
  EXPECT_EQ(rig->state().x[2], 100u);
}

TEST(Debug, ABreakpointSurvivesFenceIAndBlocksThatWereSteppedThrough) {
  auto rig = functional();
  const DebugPoints points = breaks({kRam + 8});
  rig->put(kRam, {as::addi(2, 2, 1), as::fence_i, as::addi(3, 3, 1), as::branch(0, 0, 0, -12)});
  rig->hart.set_debug_points(&points);
  rig->hart.step(false);
  rig->hart.step(false);
  for (std::uint64_t turn = 1; turn < 4; ++turn) {
    EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::breakpoint);
    EXPECT_EQ(rig->state().x[2], turn);
    rig->hart.step(false);
  }
}

TEST(Debug, AnotherAddressWithTheSamePageOffsetDoesNotStop) {
  auto rig = functional();
  put_loop(*rig);
  const DebugPoints points = breaks({kRam + 8 + isa::kPageBytes});
  rig->hart.set_debug_points(&points);
  EXPECT_EQ(rig->hart.run(450, false).stop, Stop::budget);
  EXPECT_EQ(rig->state().x[2], 100u);
}

TEST(Debug, StepsGoOneInstructionAtATimeThroughWhatRunsOtherwise) {
  auto rig = functional();
  auto whole = functional();
  put_loop(*rig);
  put_loop(*whole);
  whole->hart.run(401, false);
  for (unsigned i = 0; i < 401; ++i) {
    const RunResult ran = rig->hart.step(false);
    ASSERT_EQ(ran.retired, 1u);
  }
  EXPECT_EQ(rig->state().x, whole->state().x);
  EXPECT_EQ(rig->state().pc, whole->state().pc);
  EXPECT_EQ(rig->state().cycle, whole->state().cycle);
}

TEST(Debug, AStepOntoAnEcallEndsAtTheHandler) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->put(kRam, {as::ecall});
  EXPECT_EQ(rig->hart.step(false).retired, 0u);
  EXPECT_EQ(rig->state().pc, kRam + 0x100);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::ecall_from_m));
}

TEST(Debug, AStepTakesAPendingInterruptAndNothingElse) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().csr.mstatus = isa::csr::kMie;
  rig->state().csr.mie = isa::bit(isa::Interrupt::machine_software);
  rig->put(kRam, {as::addi(1, 0, 1)});
  rig->hart.set_line(isa::Interrupt::machine_software, true);
  rig->hart.step(false);
  EXPECT_EQ(rig->state().pc, kRam + 0x100);
  EXPECT_EQ(rig->state().x[1], 0u);
}

TEST(Debug, AStepOntoWfiSaysThatTheHartSleeps) {
  auto rig = functional();
  rig->put(kRam, {as::wfi});
  EXPECT_EQ(rig->hart.step(false).stop, Stop::wait_for_interrupt);
  EXPECT_EQ(rig->state().pc, kRam + 4);
}

TEST(Debug, AWriteWatchpointStopsRightBehindTheStoreThoughThePageWasInUse) {
  auto rig = functional();
  rig->put(kRam, {as::addi(6, 0, 1), as::sd(6, 5, 0), as::sd(6, 5, 8), as::addi(2, 0, 1), as::self});
  rig->state().x[5] = kRam + 0x1000;
  rig->hart.run(2, false);
  rig->state().pc = kRam;
  rig->state().x[2] = 0;
  rig->hart.state_changed();
  const DebugPoints points = watch(kRam + 0x100A, 2, false, true);
  rig->hart.set_debug_points(&points);
  EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::watchpoint);
  EXPECT_EQ(rig->state().pc, kRam + 12);
  EXPECT_EQ(rig->state().x[2], 0u);
  const auto hit = rig->hart.take_watch_hit();
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->address, kRam + 0x100A);
  EXPECT_TRUE(hit->write);
  EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::budget) << "each access stops once";
}

TEST(Debug, AReadWatchpointTellsLoadsFromStores) {
  auto rig = functional();
  rig->put(kRam, {as::addi(6, 0, 1), as::sd(6, 5, 0), as::ld(7, 5, 0), as::self});
  rig->state().x[5] = kRam + 0x1000;
  const DebugPoints points = watch(kRam + 0x1000, 8, true, false);
  rig->hart.set_debug_points(&points);
  EXPECT_EQ(rig->hart.run(1000, false).stop, Stop::watchpoint);
  EXPECT_EQ(rig->state().pc, kRam + 12);
  EXPECT_EQ(rig->state().x[7], 1u);
  EXPECT_FALSE(rig->hart.take_watch_hit()->write);
}

TEST(Debug, AnAccessThatTrapsHitsNoWatchpoint) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().x[5] = 0x5000'0000;  // nothing is there
  rig->put(kRam, {as::ld(7, 5, 0)});
  rig->put(kRam + 0x100, {as::self});
  const DebugPoints points = watch(0x5000'0000, 8, true, true);
  rig->hart.set_debug_points(&points);
  EXPECT_EQ(rig->hart.run(100, false).stop, Stop::budget);
  EXPECT_EQ(rig->state().csr.mepc, kRam);
}

TEST(Debug, StatisticsOfATimedRunAreThoseOfARunThatNeverHadPoints) {
  auto plain = timed();
  auto debugged = timed();
  for (auto* rig : {plain.get(), debugged.get()}) {
    put_loop(*rig);
    rig->hart.run(50, false);
  }
  const DebugPoints points = breaks({kRam + 0x800});
  debugged->hart.set_debug_points(&points);
  for (auto* rig : {plain.get(), debugged.get()}) {
    rig->hart.run(2000, false);
    rig->hart.settle_statistics();
  }
  EXPECT_EQ(debugged->state().cycle, plain->state().cycle);
  EXPECT_EQ(debugged->state().retired, plain->state().retired);
  EXPECT_EQ(debugged->caches->l1i_stats(0).accesses, plain->caches->l1i_stats(0).accesses);
}

struct WitnessCase {
  const char* what;
  std::initializer_list<std::uint32_t> loop;
  bool progress;
};

TEST(Debug, AWitnessSeesChangesOfMemoryAndLooksAtTime) {
  const WitnessCase cases[] = {
      {"stores of what was there", {as::sd(6, 5, 0), as::branch(0, 0, 0, -4)}, false},
      {"loads", {as::ld(6, 5, 8), as::branch(0, 0, 0, -4)}, false},
      {"a counter in memory", {as::addi(6, 6, 1), as::sd(6, 5, 0), as::branch(0, 0, 0, -8)}, true},
      {"a value there and back", {as::sd(5, 5, 0), as::sd(6, 5, 0), as::branch(0, 0, 0, -8)}, true},
      {"reading cycle", {as::csrr(7, isa::csr::cycle), as::branch(0, 0, 0, -4)}, true},
      {"reading mip", {as::csrr(7, isa::csr::mip), as::branch(0, 0, 0, -4)}, true},
      {"reading mscratch", {as::csrr(7, isa::csr::mscratch), as::branch(0, 0, 0, -4)}, false}};
  for (const WitnessCase& c : cases) {
    auto rig = functional();
    rig->put(kRam, c.loop);
    rig->state().x[5] = kRam + 0x1000;
    rig->hart.run(6, false);  // everything is decoded and in level zero
    if (c.loop.size() == 3) rig->hart.run(rig->state().pc == kRam ? 1 : 3, false);
    ProgressWitness witness;
    rig->hart.set_witness(&witness);
    rig->hart.run(300, false);
    rig->hart.set_witness(nullptr);
    EXPECT_EQ(witness.progress(), c.progress) << c.what;
  }
}

// Told of some instructions; may keep one from beginning.
struct Looker final : Observer {
  void trapped(const HartState&, const TrapSeen&) override {}
  bool begins(const HartState& hart, const StepSeen& seen) override {
    pcs.push_back(seen.pc);
    counts.push_back(hart.x[2]);
    if (looked) looked();
    return goes_on;
  }
  std::vector<std::uint64_t> pcs, counts;
  std::function<void()> looked;
  bool goes_on = true;
};

TEST(Debug, ObservedInstructionsAreAnnouncedWhereverABlockHasThemAndCostNothing) {
  Looker looker;
  HartConfig config;
  config.observer = &looker;
  auto rig = detailed(20, {}, config);
  auto alone = detailed();
  for (auto* each : {&rig, &alone}) put_loop(**each);
  rig->hart.run(150, false);
  alone->hart.run(150, false);  // the loop is decoded, chained and has run
  ASSERT_TRUE(looker.pcs.empty());
  const std::uint64_t before = rig->state().x[2];
  ObservedCode code;
  code.add(kRam + 8);
  rig->hart.observe(code);
  for (auto* each : {&rig, &alone}) (*each)->hart.run(100, false);
  const std::uint64_t between = rig->state().x[2];
  ASSERT_GT(between, before + 3);
  EXPECT_EQ(looker.pcs, std::vector<std::uint64_t>(looker.pcs.size(), kRam + 8));
  EXPECT_NEAR(static_cast<double>(looker.pcs.size()), static_cast<double>(between - before), 1);

  // From inside an announcement: everything, and later nothing.
  looker.looked = [&] {
    rig->hart.observe({.everything = looker.pcs.size() < 60});
    if (looker.pcs.size() == 60) looker.looked = nullptr;
  };
  for (auto* each : {&rig, &alone}) (*each)->hart.run(2000, false);
  EXPECT_EQ(looker.pcs.size(), 60u);
  EXPECT_EQ(rig->state().cycle, alone->state().cycle);
  EXPECT_EQ(rig->state().retired, alone->state().retired);
  EXPECT_EQ(rig->state().x, alone->state().x);
  EXPECT_EQ(rig->hart.counters().blocks_run, alone->hart.counters().blocks_run);
  EXPECT_EQ(rig->hart.counters().blocks_decoded, alone->hart.counters().blocks_decoded);
}

TEST(Debug, AnInstructionThatMayNotBeginStopsTheHartBeforeIt) {
  for (const bool timed : {false, true}) {
    Looker looker;
    HartConfig config;
    config.observer = &looker;
    const auto check = [&](auto& rig) {
      put_loop(rig);
      rig.hart.run(40, false);
      ObservedCode code;
      code.add(kRam + 8);
      rig.hart.observe(code);
      looker.goes_on = false;
      EXPECT_EQ(rig.hart.run(1000, false).stop, Stop::breakpoint);
      EXPECT_EQ(rig.state().pc, kRam + 8);
      EXPECT_EQ(rig.state().x[3] + 1, rig.state().x[2]) << "the instruction has not run";
      EXPECT_EQ(rig.all_cells(), rig.state().cycle);
      looker.goes_on = true;
      EXPECT_EQ(rig.hart.run(2000, false).stop, Stop::budget);
      EXPECT_EQ(rig.state().x[3], 100u);
      EXPECT_EQ(rig.all_cells(), rig.state().cycle);
    };
    timed ? check(*detailed(20, {}, config)) : check(*functional(config));
  }
}

}  // namespace
}  // namespace hvsim::cpu::test
