// Who overruns its time slice, by whatever means, pays with its own later time.
#include <array>

#include "tests/hypervisor/bench.h"

namespace hv {
namespace {

using abi::Hypercall;

BundleDescription vms(std::vector<BundleVm> list) {
  BundleDescription description;
  description.delivery = abi::Delivery::dlh;
  description.vms = std::move(list);
  return description;
}

TEST(Debt, OfLessThanASliceComesOffLaterSlices) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.machine.ticks += 10000 + 4000;  // a slice is 10000 ticks; a drain overran it
  bench.timer(0);
  ASSERT_EQ(bench.on[0]->vm, 1);
  const std::uint64_t b_started = bench.machine.ticks;
  EXPECT_EQ(bench.harts[0].timer, b_started + 10000);
  bench.machine.ticks += 10000;
  bench.timer(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + 6000);
}

constexpr std::uint64_t kSliceTicks = 10000;

// VM a overruns, b waits. How many whole slices b gets until a is back, and how long a's slice is then.
struct Payment {
  unsigned slices_of_b = 0;
  std::uint64_t next_slice = 0;
  bool operator==(const Payment&) const = default;
};
Payment pay(Bench& bench) {
  Payment result;
  while (bench.on[0]->vm == 1 && result.slices_of_b < 100) {
    ++result.slices_of_b;
    bench.machine.ticks += kSliceTicks;
    bench.timer(0);
  }
  result.next_slice = bench.harts[0].timer - bench.machine.ticks;
  return result;
}

TEST(Debt, IsPaidInFullByTurnsThatGoToOthers) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.machine.ticks += kSliceTicks + 30 * kSliceTicks + 2500;
  bench.timer(0);
  EXPECT_EQ(pay(bench), (Payment{31, kSliceTicks - 2500}));
  bench.machine.ticks += kSliceTicks - 2500;
  bench.timer(0);
  EXPECT_EQ(pay(bench), (Payment{1, kSliceTicks}));
}

TEST(Debt, IsOwedByWhoYieldsAfterAnOverrun) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.machine.ticks += kSliceTicks + 3 * kSliceTicks;
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(pay(bench), (Payment{4, kSliceTicks}));
}

TEST(Debt, IsOwedByWhoSleepsAfterAnOverrun) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.machine.ticks += kSliceTicks + 3 * kSliceTicks + 100;
  bench.wfi(0);
  ASSERT_EQ(bench.on[0]->vm, 1);
  bench.call(0, Hypercall::event_send, {0, 1});
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(pay(bench), (Payment{4, kSliceTicks - 100}));
}

TEST(Debt, OfTheDrainBeforeSleepingIsOwedToo) {
  Bench bench(1);
  auto description = vms({small_vm("a"), small_vm("b")});
  description.drain_budget_cycles = 0;
  description.max_deferred_entries = 100;
  bench.start(description);
  bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] = 1;
  bench.machine.cycles_per_tick = 1;
  for (unsigned i = 0; i < 3; ++i) bench.call(0, Hypercall::routine, {20'000});
  const std::uint64_t before = bench.machine.ticks;
  bench.wfi(0);
  EXPECT_EQ(bench.machine.ticks - before, 2 * kSliceTicks);  // one call: then it is the other's turn
  EXPECT_EQ(bench.on[0]->vm, 1);
  EXPECT_EQ(bench.core->scheduler().turns_owed(0), 1u);
}

TEST(Debt, IsNotOwedWhenNobodyWaited) {
  Bench bench(1);
  bench.start(vms({small_vm("a")}));
  bench.machine.ticks += 50 * kSliceTicks;
  bench.timer(0);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(bench.core->scheduler().turns_owed(0), 0u);
  EXPECT_EQ(bench.harts[0].timer, kNever);
}

// Each of a's turns is one `notify` of calls that overrun by far: overflow, barrier and blocking drains know
// no budget. b must still get half of the hart.
TEST(Debt, AFloodedQueueSlowsItsOwnerAndNobodyElse) {
  for (unsigned round = 0; round < 4; ++round) {
    const bool yields = round % 2 != 0;
    Bench bench(1);
    auto description = vms({small_vm("a"), small_vm("b")});
    description.scheduler = round < 2 ? SchedulerPolicy::round_robin : SchedulerPolicy::credit;
    bench.start(description);
    bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] = 1;
    bench.machine.cycles_per_tick = 1;
    std::array<std::uint64_t, 2> used{};
    for (unsigned turn = 0; turn < 2000; ++turn) {
      const unsigned vm = bench.on[0]->vm;
      const std::uint64_t before = bench.machine.ticks;
      if (vm == 1) {
        bench.machine.ticks += kSliceTicks;
        bench.timer(0);
      } else {
        for (unsigned i = 0; i < 5; ++i) bench.call(0, Hypercall::routine, {20'000});
        bench.call(0, Hypercall::dlh_fence);
        if (yields)
          bench.call(0, Hypercall::yield);
        else
          bench.timer(0);
      }
      used[vm] += bench.machine.ticks - before;
    }
    EXPECT_NEAR(static_cast<double>(used[0]) / static_cast<double>(used[1]), 1.0, 0.05) << round;
  }
}

}  // namespace
}  // namespace hv
