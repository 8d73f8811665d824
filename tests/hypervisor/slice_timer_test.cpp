// The timer of a hart whose VCPU is alone: not set for the slice's sake, until somebody else wants the hart.
#include <algorithm>

#include "tests/hypervisor/bench.h"

namespace hv {
namespace {

using abi::Hypercall;

constexpr std::uint64_t kSlice = 10'000;
constexpr std::uint64_t kVssie = 2;  // of vsie

BundleDescription vms(std::vector<BundleVm> list, SchedulerPolicy policy = SchedulerPolicy::round_robin) {
  BundleDescription description;
  description.scheduler = policy;
  description.delivery = abi::Delivery::dlh;
  description.vms = std::move(list);
  return description;
}

std::size_t ipis_to(const Bench& bench, unsigned hart) {
  return static_cast<std::size_t>(std::ranges::count(bench.machine.ipis, hart));
}

// VM "other" on hart 1; on hart 0 "alone" has had a slice from `since` on, and "sleeper" waits for an event.
struct SliceTimer : testing::Test {
  Bench bench{2};
  std::uint64_t since = 0;

  void start() {
    bench.start(vms({small_vm("alone", 1, {0}), small_vm("sleeper", 1, {0}), small_vm("other", 1, {1})}));
    ASSERT_EQ(bench.on[0]->vm, 0);
    EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice) << "the sleeper waits";
    bench.machine.ticks += kSlice;
    bench.timer(0);
    ASSERT_EQ(bench.on[0]->vm, 1);
    bench.harts[0].registers.vs.vsie = kVssie;
    bench.wfi(0);
    ASSERT_EQ(bench.on[0]->vm, 0);
    since = bench.machine.ticks;
    bench.machine.ipis.clear();
  }
  void wake_sleeper(unsigned from_hart) {
    bench.call(from_hart, Hypercall::event_send, {1, 1});
    bench.call(from_hart, Hypercall::dlh_fence);
  }
  // Of whose waking the hart is told, so that the slice under way ends.
  void give_the_hart_to_sleeper() {
    wake_sleeper(1);
    bench.software(0);
    bench.machine.ticks = bench.harts[0].timer;
    bench.timer(0);
    ASSERT_EQ(bench.on[0]->vm, 1);
  }
};

TEST_F(SliceTimer, IsNotSetForWhoIsAlone) {
  start();
  EXPECT_EQ(bench.harts[0].timer, kNever);
  EXPECT_EQ(bench.harts[1].timer, kNever);
  bench.machine.ticks += 7 * kSlice;
  bench.software(0);
  EXPECT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(bench.harts[0].timer, kNever);
}

TEST_F(SliceTimer, IsSetWhenAnotherHartWakesSomebodyUp) {
  start();
  bench.machine.ticks += 2 * kSlice + 700;
  wake_sleeper(1);
  EXPECT_EQ(ipis_to(bench, 0), 1u);
  bench.software(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(bench.harts[0].timer, since + 3 * kSlice) << "its slices are where they would have been";
  bench.machine.ticks = bench.harts[0].timer;
  bench.timer(0);
  EXPECT_EQ(bench.on[0]->vm, 1);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice);
}

TEST_F(SliceTimer, IsSetWhenItsOwnVcpuWakesSomebodyUp) {
  start();
  bench.machine.ticks += 700;
  wake_sleeper(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(ipis_to(bench, 0), 0u);
  EXPECT_EQ(bench.harts[0].timer, since + kSlice);
}

TEST_F(SliceTimer, IsSetForWhoSleepsWithATimerAndFiresInTime) {
  start();
  give_the_hart_to_sleeper();
  bench.harts[0].registers.vs.vsie = 0x20;
  const std::uint64_t wake = bench.machine.ticks + 123;
  bench.ecall(0, 0x54494D45, 0, {wake});
  bench.wfi(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(bench.harts[0].timer, wake);
}

TEST(SliceTimerOfThree, StaysUnsetWhereAnIdleHartTakesWhoWokeUp) {
  Bench bench{3};
  bench.start(vms({small_vm("alone", 1, {0}), small_vm("roams", 1, {0, 1}), small_vm("other", 1, {2})}));
  ASSERT_EQ(bench.on[0]->vm, 0);
  ASSERT_EQ(bench.on[1]->vm, 1);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice) << "the second waited when this slice began";
  bench.machine.ticks += kSlice;
  bench.timer(0);
  EXPECT_EQ(bench.harts[0].timer, kNever);
  bench.harts[1].registers.vs.vsie = kVssie;
  bench.wfi(1);
  ASSERT_EQ(bench.on[1], nullptr);
  bench.machine.ipis.clear();
  bench.call(2, Hypercall::event_send, {1, 1});
  bench.call(2, Hypercall::dlh_fence);
  EXPECT_EQ(bench.machine.ipis, std::vector<unsigned>{1});
  bench.interrupt_idle(1);
  ASSERT_EQ(bench.on[1]->vm, 1);
  bench.software(0);
  EXPECT_EQ(bench.harts[0].timer, kNever);
}

TEST_F(SliceTimer, ToldOfOneWhoWaitsStaysSetUntilNobodyWaits) {
  start();
  give_the_hart_to_sleeper();
  bench.on[0]->general.hvip = 0;  // it has had the event
  bench.harts[0].registers.vs.vsie = kVssie;
  bench.wfi(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  EXPECT_EQ(bench.harts[0].timer, kNever);
}

// Two who wake each other on one hart are no reason to interrupt another one each time.
TEST_F(SliceTimer, OfAHartThatWasToldIsNotUnsetBeforeTheSliceEnds) {
  bench.start(vms({small_vm("alone", 1, {0}), small_vm("pair", 2)}));
  ASSERT_EQ(bench.on[0]->vm, 0);
  ASSERT_EQ(bench.on[1]->vm, 1);
  bench.machine.ticks += kSlice;
  bench.timer(0);
  ASSERT_EQ(bench.harts[0].timer, kNever);
  bench.ecall(1, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0});
  bench.software(0);
  const std::uint64_t end = bench.harts[0].timer;
  ASSERT_LE(end, bench.machine.ticks + kSlice);
  bench.machine.ipis.clear();
  for (unsigned i = 0; i < 10; ++i) {
    bench.machine.ticks += 100;
    bench.harts[1].registers.vs.vsie = kVssie;
    bench.on[1]->general.hvip = 0;
    const unsigned other = 1u - bench.on[1]->number;
    bench.wfi(1);
    ASSERT_EQ(bench.on[1]->number, other);
    bench.ecall(1, 0x735049, 0, {std::uint64_t{1} << (1 - other), 0});
    bench.software(0);
    EXPECT_EQ(bench.harts[0].timer, end);
  }
  EXPECT_EQ(ipis_to(bench, 0), 0u);
}

// Time beyond the slice is debt only where somebody waits for it.
TEST_F(SliceTimer, UnsetMakesNoDebt) {
  start();
  bench.machine.ticks += 30 * kSlice + 100;
  bench.call(0, Hypercall::yield);  // looks at its slice
  ASSERT_EQ(bench.on[0]->vm, 0);
  wake_sleeper(1);
  bench.software(0);
  EXPECT_EQ(bench.core->scheduler().turns_owed(bench.on[0]->id), 0u);
  bench.machine.ticks = bench.harts[0].timer;
  bench.timer(0);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_EQ(bench.core->scheduler().turns_owed(bench.core->vm(0).first_vcpu), 0u);
  bench.machine.ticks += kSlice;
  bench.timer(0);
  EXPECT_EQ(bench.on[0]->vm, 0) << "after one slice of the other's";
}

// Shares by weight and caps are counted by slices.
TEST_F(SliceTimer, IsSetByTheCreditSchedulerWhoeverWaits) {
  bench.start(vms({small_vm("alone", 1, {0})}, SchedulerPolicy::credit));
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice);
}

// A guest may spin until its call has run, and it runs at an entry.
struct WaitingCalls : testing::TestWithParam<abi::Delivery> {
  static constexpr std::uint64_t kCallTicks = 2000;
  Bench bench{2};

  void start(unsigned vcpus) {
    BundleDescription description = vms({small_vm("alone", vcpus)});
    description.delivery = GetParam();
    description.drain_budget_cycles = 1;
    description.max_deferred_entries = 1000;
    bench.machine.cycles_per_tick = 100;
    bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] =
        kCallTicks * 100 / abi::kMaxRoutineIterations;
    bench.start(description);
    ASSERT_EQ(bench.harts[0].timer, kNever);
  }
  void notify(unsigned hart, std::uint32_t calls) {
    std::vector<abi::Notification> list(
        calls, {static_cast<std::uint32_t>(Hypercall::routine), 0, {abi::kMaxRoutineIterations}});
    bench.write_guest(0, 0x80001000, list.data(), list.size() * sizeof list[0]);
    bench.call(hart, Hypercall::notify, {0x80001000, calls});  // one runs at the entry that follows
  }
};

TEST_P(WaitingCalls, HaveTheTimerSetUntilTheyHaveRun) {
  start(1);
  notify(0, 4);
  for (std::uint64_t ran = 1; ran < 4; ++ran) {
    ASSERT_EQ(bench.shared_page(0).completed, ran);
    ASSERT_LE(bench.harts[0].timer, bench.machine.ticks + kSlice);
    bench.machine.ticks = bench.next_interrupt(0);
    bench.timer(0);
  }
  ASSERT_EQ(bench.shared_page(0).completed, 4u);
  bench.machine.ticks = bench.next_interrupt(0);
  bench.timer(0);
  EXPECT_EQ(bench.harts[0].timer, kNever);
}
INSTANTIATE_TEST_SUITE_P(Queues, WaitingCalls, testing::Values(abi::Delivery::dlh, abi::Delivery::softirq));

struct LeftCalls : WaitingCalls {};
TEST_P(LeftCalls, OfAVcpuThatSleepsInterruptTheOthersOfItsVm) {
  start(2);
  bench.ecall(0, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0});
  bench.interrupt_idle(1);
  ASSERT_NE(bench.on[1], nullptr);
  bench.machine.ticks += kSlice;
  bench.timer(0);
  notify(1, 4);
  ASSERT_EQ(bench.core->vm(0).queue.size(), 3u);
  ASSERT_EQ(bench.harts[0].timer, kNever) << "it has not been entered since";
  bench.machine.ipis.clear();
  bench.harts[1].registers.vs.vsie = kVssie;
  bench.wfi(1);
  ASSERT_EQ(bench.on[1], nullptr);
  EXPECT_EQ(bench.machine.ipis, std::vector<unsigned>{0});
  bench.software(0);
  ASSERT_EQ(bench.core->vm(0).queue.size(), 2u);
  EXPECT_LE(bench.harts[0].timer, bench.machine.ticks + kSlice);
}
INSTANTIATE_TEST_SUITE_P(Queues, LeftCalls, testing::Values(abi::Delivery::dlh));

TEST(SliceTimerOfRings, IsSetSinceGuestsAppendWithoutATrap) {
  Bench bench{1};
  BundleDescription description = vms({small_vm("alone")});
  description.delivery = abi::Delivery::dlh_ring;
  bench.start(description);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice);
}

TEST_F(SliceTimer, IsSetForWhoIsAloneIfAskedFor) {
  BundleDescription description = vms({small_vm("alone", 1, {0})});
  description.tick_when_alone = true;
  bench.start(description);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice);
  bench.machine.ticks += kSlice;
  bench.timer(0);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + kSlice);
}

// A call that a hart without a VCPU runs for somebody wakes one of its own: the hart is not idle any more.
TEST(HartQueue, OfAnIdleHartStopsForWhomItsOwnCallsWakeUp) {
  constexpr std::uint64_t kCallTicks = 2000;
  Bench bench{1};
  BundleDescription description = vms({small_vm("caller"), small_vm("sleeper")});
  description.delivery = abi::Delivery::softirq;
  description.drain_budget_cycles = 1;
  description.max_deferred_entries = 1000;
  bench.machine.cycles_per_tick = 100;
  bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] =
      kCallTicks * 100 / abi::kMaxRoutineIterations;
  bench.start(description);
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0]->vm, 1);
  bench.harts[0].registers.vs.vsie = kVssie;
  bench.wfi(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  std::vector<abi::Notification> list(
      41, {static_cast<std::uint32_t>(Hypercall::routine), 0, {abi::kMaxRoutineIterations}});
  list[2] = {static_cast<std::uint32_t>(Hypercall::event_send), 0, {1, 1}};
  bench.write_guest(0, 0x80001000, list.data(), list.size() * sizeof list[0]);
  bench.call(0, Hypercall::notify, {0x80001000, list.size()});  // one runs at the entry that follows
  ASSERT_EQ(bench.on[0]->vm, 0);
  bench.harts[0].registers.vs.vsie = kVssie;
  bench.wfi(0);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(bench.on[0]->vm, 1);
  EXPECT_LT(bench.shared_page(0).completed, 8u);
}

}  // namespace
}  // namespace hv
