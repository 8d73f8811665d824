// Drains that must run everything and take longer than a turn: the hart goes to others meanwhile, and what
// the guest asked for is still finished before the guest goes on.
#include <cstring>

#include "tests/hypervisor/bench.h"

namespace hv {
namespace {

using abi::Hypercall;

constexpr std::uint64_t kSlice = 10'000, kCallTicks = 2000;  // of the default time slice; of one call below

struct LongDrain : testing::TestWithParam<SchedulerPolicy> {
  Bench bench{1};

  void start(std::uint32_t capacity, std::uint32_t max_deferred = 1000,
             abi::Delivery delivery = abi::Delivery::dlh) {
    BundleDescription description;
    description.scheduler = GetParam();
    description.delivery = delivery;
    description.queue_capacity = capacity;
    description.drain_budget_cycles = 1;
    description.max_deferred_entries = max_deferred;
    description.vms = {small_vm("flood"), small_vm("victim")};
    bench.machine.cycles_per_tick = 100;
    bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] =
        kCallTicks * 100 / abi::kMaxRoutineIterations;
    bench.start(description);
    ASSERT_EQ(bench.on[0]->vm, 0);
  }
  Bench::Answer notify(std::uint32_t calls) {
    std::vector<abi::Notification> list(
        calls, {static_cast<std::uint32_t>(Hypercall::routine), 0, {abi::kMaxRoutineIterations}});
    bench.write_guest(0, 0x80001000, list.data(), list.size() * sizeof list[0]);
    return bench.call(0, Hypercall::notify, {0x80001000, calls});
  }
  const VmStatistics& statistics() { return bench.core->vm(0).statistics; }
  std::uint64_t completed() { return bench.shared_page(0).completed; }
  // The victim has its turns until the flood's VCPU, or nobody, has the hart. How many turns those were.
  unsigned turns_of_victim() {
    unsigned turns = 0;
    while (bench.on[0] != nullptr && bench.on[0]->vm == 1 && turns < 1000) {
      ++turns;
      longest_ = std::max(longest_, bench.machine.ticks - since_);
      bench.machine.ticks = bench.next_interrupt(0);
      since_ = bench.machine.ticks;
      bench.timer(0);
    }
    return turns;
  }
  std::uint64_t longest_ = 0, since_ = 0;
};

TEST_P(LongDrain, ForABarrierIsInterruptedAndTheBarrierHolds) {
  start(64);
  ASSERT_EQ(notify(40).value, 40u);  // one runs at the entry that follows
  const std::uint64_t pc = bench.on[0]->general.sepc;
  since_ = bench.machine.ticks;
  bench.call(0, Hypercall::vm_info);
  ASSERT_EQ(bench.on[0]->vm, 1) << "the flood had the hart for " << (bench.machine.ticks - since_) / kSlice
                                << " slices";
  EXPECT_LT(completed(), 10u);
  EXPECT_GE(turns_of_victim(), 7u);  // 39 calls of a fifth of a slice each
  EXPECT_LE(longest_, kSlice + kCallTicks);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(bench.on[0]->general.x[11], 2u << 16 | 1u);  // the answer
  EXPECT_EQ(bench.on[0]->general.sepc, pc + 4);
  EXPECT_EQ(statistics().barrier_drains, 1u);
}

TEST_P(LongDrain, OfAFullQueueIsInterruptedAndNothingIsLostOrQueuedTwice) {
  start(8);
  const std::uint64_t pc = bench.on[0]->general.sepc;
  since_ = bench.machine.ticks;
  notify(40);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_GE(turns_of_victim(), 5u);
  EXPECT_LE(longest_, kSlice + kCallTicks);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(bench.on[0]->general.x[11], 40u);
  EXPECT_EQ(bench.on[0]->general.sepc, pc + 4);
  EXPECT_EQ(statistics().queued, 40u);
  EXPECT_EQ(statistics().notifications, 1u);
  bench.call(0, Hypercall::dlh_fence);
  turns_of_victim();
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(statistics().drained, 40u);
}

TEST_P(LongDrain, ThatIsForcedAtAnEntryIsInterruptedBeforeIt) {
  start(64, 1);
  ASSERT_EQ(notify(40).value, 40u);
  EXPECT_EQ(statistics().budget_stops, 1u);
  const std::uint64_t entries = statistics().entries;
  since_ = bench.machine.ticks;
  bench.software(0);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_EQ(statistics().entries, entries);
  EXPECT_GE(turns_of_victim(), 7u);
  EXPECT_LE(longest_, kSlice + kCallTicks);
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(statistics().entries, entries + 1);
  EXPECT_EQ(statistics().forced_drains, 1u);
  EXPECT_GE(statistics().interrupted_drains, 7u);
}

TEST_P(LongDrain, OfAVmThatBlocksIsInterruptedAndItBlocksAfterwards) {
  start(64);
  ASSERT_EQ(notify(40).value, 40u);
  since_ = bench.machine.ticks;
  bench.wfi(0);
  ASSERT_NE(bench.on[0], nullptr);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_LT(completed(), 10u);
  for (unsigned turn = 0; turn < 30; ++turn) {
    bench.machine.ticks = bench.next_interrupt(0);
    bench.timer(0);
    ASSERT_EQ(bench.on[0]->vm, 1);  // the flood never goes on as a guest
  }
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(statistics().blocking_drains, 1u);
  EXPECT_EQ(bench.core->scheduler().state(bench.core->vm(0).first_vcpu), Scheduler::State::blocked);
}

// Who sleeps on the hart is woken in time, not when the drain is over.
TEST_P(LongDrain, IsInterruptedByAWakeUpAsAGuestWouldBe) {
  start(64);
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0]->vm, 1);
  bench.on[0]->vs.vsie = bench.harts[0].registers.vs.vsie = 0x20;
  const std::uint64_t deadline = bench.machine.ticks + 3000;
  bench.ecall(0, 0x54494D45, 0, {deadline});
  bench.wfi(0);
  ASSERT_EQ(bench.on[0]->vm, 0);
  ASSERT_EQ(notify(40).value, 40u);
  bench.call(0, Hypercall::vm_info);
  ASSERT_EQ(bench.on[0]->vm, 1);
  const std::uint64_t slice = GetParam() == SchedulerPolicy::credit ? 0 : kSlice;
  EXPECT_LE(bench.machine.ticks, deadline + slice + 2 * kCallTicks);
}

// Many calls in one trap are no drain, but as long.
TEST_P(LongDrain, OfCallsThatRunInTheirTrapIsNoneAndInterruptedToo) {
  start(8, 1000, abi::Delivery::multicall);
  const std::uint64_t pc = bench.on[0]->general.sepc;
  since_ = bench.machine.ticks;
  notify(40);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_LT(completed(), 10u);
  EXPECT_GE(turns_of_victim(), 7u);
  EXPECT_LE(longest_, kSlice + kCallTicks);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(bench.on[0]->general.x[10], 0u);
  EXPECT_EQ(bench.on[0]->general.x[11], 40u);
  EXPECT_EQ(bench.on[0]->general.sepc, pc + 4);
  EXPECT_EQ(statistics().notifications, 1u);
}

TEST_P(LongDrain, OfAHartsQueueIsInterruptedToo) {
  start(64, 1000, abi::Delivery::softirq);
  ASSERT_EQ(notify(40).value, 40u);
  since_ = bench.machine.ticks;
  bench.call(0, Hypercall::vm_info);
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_LE(bench.machine.ticks - since_, kSlice + 2 * kCallTicks);
  turns_of_victim();
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(completed(), 40u);
  EXPECT_EQ(bench.on[0]->general.x[11], 2u << 16 | 1u);
  EXPECT_EQ(statistics().barrier_drains, 1u);
  EXPECT_EQ(bench.core->vm(0).deferred, 0u);
}

// The end of a VM: its queue runs before, and the others have their turns meanwhile.
TEST_P(LongDrain, OfAVmThatIsKilledIsInterruptedAndTheVmEndsAfterwards) {
  start(64);
  ASSERT_EQ(notify(40).value, 40u);
  since_ = bench.machine.ticks;
  bench.exit(0, make_exit(5, 0xdead, 0));  // a load access fault
  ASSERT_EQ(bench.on[0]->vm, 1);
  EXPECT_EQ(bench.machine.console.find("killed"), std::string::npos);
  for (unsigned turn = 0; turn < 30; ++turn) {
    bench.machine.ticks = bench.next_interrupt(0);
    bench.timer(0);
    ASSERT_EQ(bench.on[0]->vm, 1);
  }
  EXPECT_NE(bench.machine.console.find("killed"), std::string::npos);
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::off);
  EXPECT_EQ(statistics().drained, 40u);
  EXPECT_EQ(bench.core->vm(0).queue.size(), 0u);
}

// Whose VM was ended by another VCPU, with a queue that was filled since.
TEST(LongDrainOfAnEndedVm, IsInterruptedAndItsMemoryIsGivenBackWhenItIsOver) {
  Bench bench{2};
  BundleDescription description;
  description.delivery = abi::Delivery::dlh;
  description.queue_capacity = 64;
  description.drain_budget_cycles = 1;
  description.vms = {small_vm("flood", 2), small_vm("victim", 1, {0})};
  bench.machine.cycles_per_tick = 100;
  bench.machine.cost[static_cast<std::size_t>(Work::routine_iteration)] =
      kCallTicks * 100 / abi::kMaxRoutineIterations;
  bench.start(description);
  ASSERT_EQ(bench.on[0]->vm, 0);
  ASSERT_EQ(bench.ecall(0, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0}).error, 0);
  bench.interrupt_idle(1);
  ASSERT_NE(bench.on[1], nullptr);
  ASSERT_EQ(bench.on[1]->vm, 0);
  const std::uint64_t before = bench.core->page_pool().free_pages();

  bench.call(1, Hypercall::power_off, {0});
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::alive);  // one VCPU is still on a hart
  std::vector<abi::Notification> list(
      40, {static_cast<std::uint32_t>(Hypercall::routine), 0, {abi::kMaxRoutineIterations}});
  bench.write_guest(0, 0x80001000, list.data(), list.size() * sizeof list[0]);
  bench.call(0, Hypercall::notify, {0x80001000, list.size()});
  ASSERT_NE(bench.on[0], nullptr);
  ASSERT_EQ(bench.on[0]->vm, 1) << "the victim has its turn while the dead VM's queue is settled";
  EXPECT_LT(bench.core->vm(0).statistics.drained, 10u);
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::alive);
  for (unsigned turn = 0; turn < 30; ++turn) {
    bench.machine.ticks = bench.next_interrupt(0);
    bench.timer(0);
    ASSERT_EQ(bench.on[0]->vm, 1);
  }
  EXPECT_EQ(bench.core->vm(0).statistics.drained, 40u);
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::off);
  EXPECT_GT(bench.core->page_pool().free_pages(), before);
  Text why;
  EXPECT_TRUE(bench.core->audit(bench.harts[0], why)) << why.view();
}

// The right to drain while somebody has it: who waits may give up, and those behind him are not held up.
TEST(RightToDrain, IsHandedOnPastThoseWhoGaveUp) {
  FakeMachine machine(1 << 20);
  Arch holder{machine, 0}, impatient{machine, 1}, patient{machine, 2};
  DlhQueue queue;
  queue.configure({});
  for (unsigned round = 0; round < 200; ++round) {  // more than there are places for tickets
    ASSERT_TRUE(queue.begin_drain(holder));
    unsigned looks = 0;
    machine.on_wait = [] {};
    for (unsigned other = 0; other < 3; ++other)
      ASSERT_FALSE(queue.wait_for_drain(impatient, [&] { return ++looks % 5 == 0; }));
    ASSERT_FALSE(queue.begin_drain(impatient));
    bool held = true;
    machine.on_wait = [&] {
      if (held) queue.end_drain(holder);
      held = false;
    };
    queue.wait_for_drain(patient);
    ASSERT_FALSE(held);
    ASSERT_FALSE(queue.begin_drain(holder));
    queue.end_drain(patient);
  }
}

TEST(RightToDrain, CanBeAwaitedAlsoWhenVeryManyGaveUp) {
  FakeMachine machine(1 << 20);
  Arch holder{machine, 0}, other{machine, 1};
  DlhQueue queue;
  queue.configure({});
  ASSERT_TRUE(queue.begin_drain(holder));
  machine.on_wait = [] {};
  unsigned looks = 0;
  for (unsigned i = 0; i < 200; ++i)
    ASSERT_FALSE(queue.wait_for_drain(other, [&] { return ++looks % 3 == 0; }));
  bool held = true;
  machine.on_wait = [&] {
    if (held) queue.end_drain(holder);
    held = false;
  };
  queue.wait_for_drain(other);
  queue.end_drain(other);
  EXPECT_TRUE(queue.begin_drain(holder));
}

INSTANTIATE_TEST_SUITE_P(All, LongDrain,
                         testing::Values(SchedulerPolicy::round_robin, SchedulerPolicy::credit),
                         [](const auto& named) {
                           return named.param == SchedulerPolicy::credit ? "credit" : "round_robin";
                         });

}  // namespace
}  // namespace hv
