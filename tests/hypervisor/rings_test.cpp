// Rings in guest memory that hold anything but what they should: only their own VM notices.
#include <cstddef>
#include <cstring>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

using abi::Delivery;
using abi::Hypercall;

constexpr std::uint32_t kCapacity = 8;

BundleDescription two_vms(Delivery delivery) {
  BundleDescription description;
  description.delivery = delivery;
  description.calls_per_notification = 4;
  description.queue_capacity = kCapacity;
  description.vms = {small_vm("bad", 2, {0}), small_vm("good", 1, {delivery == Delivery::polling ? 0u : 1u})};
  return description;
}

abi::Notification count(std::uint64_t counter) {
  return {static_cast<std::uint32_t>(Hypercall::statistics_update), 0, {counter, 1}};
}

class Rings : public testing::TestWithParam<Delivery> {
 protected:
  void SetUp() override { bench.start(two_vms(GetParam())); }
  bool polls() const { return GetParam() == Delivery::polling; }

  Hpa index(unsigned vm, unsigned ring, std::size_t which) {
    return bench.core->vm(vm).shared_page + offsetof(abi::SharedPage, rings) +
           ring * sizeof(abi::RingIndices) + which;
  }
  std::uint64_t tail(unsigned vm, unsigned ring = 0) {
    return bench.harts[0].read_word(index(vm, ring, offsetof(abi::RingIndices, tail)));
  }
  void set_tail(unsigned vm, std::uint64_t value, unsigned ring = 0) {
    bench.harts[0].write_word(index(vm, ring, offsetof(abi::RingIndices, tail)), value);
  }
  Hpa entry(unsigned vm, std::uint64_t number, unsigned ring = 0) {
    const Vm::Rings& rings = bench.core->vm(vm).rings;
    return rings.pages[ring * rings.pages_each] + number % rings.capacity * sizeof(abi::RingEntry);
  }
  void append(unsigned vm, const abi::Notification& call, unsigned ring = 0) {
    const std::uint64_t at = tail(vm, ring);
    bench.harts[0].copy_out(entry(vm, at, ring), &call, sizeof call);
    set_tail(vm, at + 1, ring);
  }
  // Somebody looks at the rings of the VM that runs on hart 0.
  void look() {
    if (polls())
      bench.core->poll(bench.harts[1]);
    else
      bench.software(0);
  }
  const VmStatistics& statistics(unsigned vm) { return bench.core->vm(vm).statistics; }
  std::uint64_t completed(unsigned vm) { return bench.shared_page(vm).completed; }

  Bench bench{2};
};

TEST_P(Rings, CallsRunWithoutATrapOfTheirOwn) {
  const std::uint64_t traps = statistics(0).exits[static_cast<std::size_t>(ExitReason::supervisor_syscall)];
  append(0, count(3));
  append(0, count(3));
  append(0, count(4), 1);  // the ring of the other VCPU
  EXPECT_EQ(completed(0), 0u);
  look();
  EXPECT_EQ(completed(0), 3u);
  EXPECT_EQ(statistics(0).counters[3], 2u);
  EXPECT_EQ(statistics(0).counters[4], 1u);
  EXPECT_EQ(statistics(0).from_rings, 3u);
  EXPECT_EQ(statistics(0).exits[static_cast<std::size_t>(ExitReason::supervisor_syscall)], traps);
  EXPECT_EQ(bench.shared_page(0).rings[0].head, 2u);
}

TEST_P(Rings, AnIndexOutOfRangeIsPassedOverAndTheRingGoesOn) {
  std::uint64_t errors = 0;
  for (const std::uint64_t ahead :
       {std::uint64_t{kCapacity} + 1, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    const std::uint64_t ran = completed(0), before = tail(0);
    set_tail(0, before + ahead);
    look();
    EXPECT_EQ(completed(0), ran) << ahead;
    EXPECT_EQ(statistics(0).ring_errors, ++errors);
    append(0, count(1));
    look();
    EXPECT_EQ(completed(0), ran + 1) << "a ring that behaves again works again";
  }
  append(1, count(2));
  bench.call(polls() ? 0 : 1, Hypercall::dlh_fence);
  EXPECT_EQ(statistics(1).ring_errors, 0u);
}

TEST_P(Rings, EntriesThatMayNotBeDeferredFailInTheirTurn) {
  abi::Notification bad = count(1);
  for (const std::uint32_t call : {0u, 2u, 4u, 5u, 6u, 15u, abi::kHypercallCount, ~0u}) {
    bad.call = call;
    append(0, bad);
    append(0, count(1));
    look();
  }
  EXPECT_EQ(completed(0), 16u);
  EXPECT_EQ(statistics(0).counters[1], 8u);
  EXPECT_EQ(statistics(0).rejected_calls, 8u);
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::alive);
}

TEST_P(Rings, CompletionsThatCannotBeTouchNothing) {
  for (const std::uint32_t completion :
       {64u, ~0u, abi::completion_with_interrupt(1, 2), 1u << 16, 1u << 30}) {
    abi::Notification call = count(1);
    call.completion = completion;
    append(0, call);
    look();
    EXPECT_EQ(statistics(0).completion_interrupts, 0u);
  }
  EXPECT_EQ(statistics(0).rejected_calls, 5u);
}

// The guest writes on while the hypervisor reads: what was checked is what runs.
TEST_P(Rings, AnEntryThatChangesWhileItIsReadIsReadOnce) {
  const abi::Notification evil{static_cast<std::uint32_t>(Hypercall::event_send), 63, {1, 7}};
  append(0, count(5));
  unsigned reads = 0;
  bench.machine.after_read = [&](Hpa from) {
    if (from != entry(0, 0)) return;
    ++reads;
    std::memcpy(&bench.machine.ram[from.value - FakeMachine::kRamBase], &evil, sizeof evil);
  };
  look();
  bench.machine.after_read = {};
  EXPECT_EQ(reads, 1u);
  EXPECT_EQ(statistics(0).counters[5], 1u);
  EXPECT_EQ(bench.shared_page(1).events, 0u);
  EXPECT_EQ(bench.shared_page(0).status[63], static_cast<std::uint32_t>(abi::Status::idle));
}

TEST_P(Rings, ATailThatRunsAwayWhileItIsDrainedEndsTheDrainAllTheSame) {
  append(0, count(1));
  bench.machine.after_read = [&](Hpa from) {
    const Hpa at = index(0, 0, offsetof(abi::RingIndices, tail));
    if (from != at) return;
    std::uint64_t value = 0;
    std::memcpy(&value, &bench.machine.ram[at.value - FakeMachine::kRamBase], sizeof value);
    ++value;
    std::memcpy(&bench.machine.ram[at.value - FakeMachine::kRamBase], &value, sizeof value);
  };
  for (unsigned i = 0; i < 100; ++i) look();
  bench.call(0, Hypercall::dlh_fence);
  bench.machine.after_read = {};
  EXPECT_LE(statistics(0).deepest_queue, kCapacity);
}

TEST_P(Rings, AFullRingIsEmptiedByTheKick) {
  for (unsigned i = 0; i < kCapacity; ++i) append(0, count(1));
  EXPECT_EQ(bench.call(0, Hypercall::ring_kick).error, abi::kSuccess);
  EXPECT_EQ(completed(0), kCapacity);
  EXPECT_EQ(statistics(0).overflow_drains, 1u);
  EXPECT_EQ(statistics(0).notifications, 1u);
}

TEST_P(Rings, RandomWritesIntoRingsHurtNobodyElse) {
  Random random{5};
  bench.machine.cost[static_cast<std::size_t>(Work::drain_entry)] = 100;
  for (unsigned i = 0; i < 3000; ++i) {
    switch (random() % 4) {
      case 0:
        set_tail(0, random() % 3 == 0 ? random() : tail(0) + random() % 12,
                 static_cast<unsigned>(random() % 2));
        break;
      case 1: {
        std::uint64_t words[8];
        for (auto& word : words) word = random() % 2 == 0 ? random() % 32 : random();
        bench.harts[0].copy_out(entry(0, random(), static_cast<unsigned>(random() % 2)), words, sizeof words);
        break;
      }
      case 2:
        bench.harts[0].write_word(index(0, 0, offsetof(abi::RingIndices, head)), random());
        break;
      default:
        break;
    }
    look();
    if (bench.on[0] != nullptr && bench.on[0]->vm == 0) bench.call(0, Hypercall::ring_kick);
    ASSERT_LE(bench.core->vm(0).queue.size(), kCapacity);
  }
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::alive);
  EXPECT_GT(statistics(0).ring_errors, 100u);
  EXPECT_EQ(statistics(1).ring_errors, 0u);
  EXPECT_EQ(completed(1), 0u);
  EXPECT_EQ(statistics(1).rejected_calls, 0u);
}

INSTANTIATE_TEST_SUITE_P(Delivery, Rings, testing::Values(Delivery::dlh_ring, Delivery::polling),
                         [](const auto& mode) {
                           return mode.param == Delivery::polling ? "polling" : "dlh_ring";
                         });

TEST(Polling, TheLastHartPollsAndRunsNoVcpu) {
  Bench bench{2};
  BundleDescription description = two_vms(Delivery::polling);
  bench.start(description);
  EXPECT_FALSE(bench.core->polls(bench.harts[0]));
  EXPECT_TRUE(bench.core->polls(bench.harts[1]));
  EXPECT_EQ(bench.on[1], nullptr);
  Bench other{2};
  description.vms[1].harts = {1};
  EXPECT_EQ(other.boot(description), "good: none of its harts exist beside the last one, which polls");
}

TEST(Polling, AVmThatHasEndedIsNotLookedAt) {
  Bench bench{2};
  bench.start(two_vms(Delivery::polling));
  const Hpa page = bench.core->vm(0).shared_page;
  ASSERT_EQ(bench.on[0]->vm, 0);
  bench.call(0, Hypercall::power_off, {0});
  ASSERT_EQ(bench.core->vm(0).state, Vm::State::off);
  bench.harts[0].write_word(page + offsetof(abi::SharedPage, rings), 3);  // its memory is somebody else's now
  bench.core->poll(bench.harts[1]);
  EXPECT_EQ(
      bench.harts[0].read_word(page + offsetof(abi::SharedPage, rings) + offsetof(abi::RingIndices, head)),
      0u);
}

TEST(RingMemory, LiesBehindWhatTheGuestIsGiven) {
  Bench bench{1};
  BundleDescription description = two_vms(Delivery::dlh_ring);
  description.queue_capacity = 256;
  description.vms = {small_vm("one", 2)};
  bench.start(description);
  abi::BootInfo info;
  bench.harts[0].copy_in(&info, bench.host_address(0, bench.on[0]->general.x[11]), sizeof info);
  EXPECT_EQ(info.ring_capacity, 256u);
  EXPECT_EQ(info.ring_stride, 4u * 4096);
  EXPECT_EQ(info.rings, info.memory_base + info.memory_bytes);
  EXPECT_EQ(info.rings + 2 * info.ring_stride + 8192, 0x80000000u + (64 << 10));
  Bench small{1};
  description.vms[0].memory_bytes = 36 << 10;
  EXPECT_EQ(small.boot(description), "one: memory-bytes is too small for the image, its rings and two pages");
}

TEST(Completion, AnInterruptComesWithItIfAskedForAndInTheVcpuThatIsNamed) {
  for (const Delivery delivery :
       {Delivery::immediate, Delivery::dlh, Delivery::softirq, Delivery::dlh_ring}) {
    Bench bench{2};
    bench.start(two_vms(delivery));
    const std::uint32_t completion = abi::completion_with_interrupt(9, 0);
    bench.call(0, Hypercall::statistics_update, {1, 1, 0, 0, 0, completion});
    EXPECT_EQ(bench.shared_page(0).status[9], static_cast<std::uint32_t>(abi::Status::done));
    EXPECT_EQ(bench.on[0]->general.hvip & 4, 4u) << static_cast<int>(delivery);
    EXPECT_EQ(bench.core->vm(0).statistics.completion_interrupts, 1u);
  }
}

TEST(Hints, ReachTheVmsBitmapsAndNothingBeyondItsMemory) {
  Bench bench{2};
  bench.start(two_vms(Delivery::immediate));
  const auto hint = [&](Hypercall call, std::uint64_t at, std::uint64_t order) {
    return bench.call(0, call, {at, order}).error;
  };
  using Kind = PageHints::Kind;
  const PageHints& hints = bench.core->vm(0).hints;
  const std::uint64_t base = abi::kGuestMemoryBase;
  EXPECT_EQ(hint(Hypercall::page_release, base + 0x4000, 2), abi::kErrorNotSupported);  // without sharing
  EXPECT_EQ(hint(Hypercall::page_claim, base + 0x5000, 0), abi::kSuccess);
  EXPECT_EQ(hint(Hypercall::unshare, base + 0x4000, 2), abi::kSuccess);
  EXPECT_EQ(hints.count(Kind::unshared), 4u);
  EXPECT_EQ(hint(Hypercall::share, base + 0x5000, 0), abi::kErrorNotSupported);
  EXPECT_EQ(hints.count(Kind::unshared), 3u);
  EXPECT_FALSE(hints.at(Kind::unshared, Gpa{base + 0x5000}));
  EXPECT_TRUE(hints.at(Kind::unshared, Gpa{base + 0x6fff}));
  EXPECT_EQ(bench.call(0, Hypercall::dirty_log_update, {base + 0x1000, 3}).error, abi::kSuccess);
  EXPECT_EQ(hints.count(Kind::dirty), 3u);
  EXPECT_EQ(hint(Hypercall::page_release, base + 0x1000, 1), abi::kErrorInvalidParameter);  // misaligned
  EXPECT_EQ(hint(Hypercall::page_release, base, 19), abi::kErrorInvalidParameter);
  EXPECT_EQ(hint(Hypercall::page_release, base, 64), abi::kErrorInvalidParameter);
  EXPECT_EQ(hint(Hypercall::page_release, base, 4), abi::kErrorInvalidAddress);  // into its own two pages
  EXPECT_EQ(hint(Hypercall::page_release, 0x1000, 0), abi::kErrorInvalidAddress);
  EXPECT_EQ(hint(Hypercall::page_release, base + (1 << 30), 0), abi::kErrorInvalidAddress);
  EXPECT_EQ(bench.call(0, Hypercall::dirty_log_update, {base, ~std::uint64_t{0}}).error,
            abi::kErrorInvalidAddress);
}

TEST(RemoteFence, IsInEffectWhenItIsCompleted) {
  Bench bench{2};
  bench.start(two_vms(Delivery::dlh));
  bench.call(0, Hypercall::remote_fence, {2, 0});  // a VCPU that does not run yet
  EXPECT_EQ(bench.core->vcpu(1).fence_pending, kFenceMappings);
  const std::size_t fences = bench.machine.fences.size();
  bench.call(0, Hypercall::remote_fence, {1, 1, 0, 0, 0, 5});
  ASSERT_GT(bench.machine.fences.size(), fences);
  EXPECT_EQ(bench.machine.fences[fences].kind, GuestFence::Kind::instructions);
  EXPECT_EQ(bench.shared_page(0).status[5], static_cast<std::uint32_t>(abi::Status::done));
  bench.call(0, Hypercall::remote_fence, {4, 0});
  bench.call(0, Hypercall::remote_fence, {1, 2});
  EXPECT_EQ(bench.core->vm(0).statistics.rejected_calls, 2u);
}

// A hart that polls has no VM's hgatp, and one that drains before an entry has that of the VM before.
TEST(RemoteFence, IsItsOwnVmsWhicheverHartAsksForIt) {
  Bench bench{3};
  BundleDescription description = two_vms(Delivery::polling);
  description.vms[0] = small_vm("bad", 2, {0, 1});
  bench.start(description);
  ASSERT_EQ(bench.ecall(0, 0x48534D, 0, {1, 0x80000000, 0}).error, 0);
  bench.interrupt_idle(1);
  ASSERT_NE(bench.on[1], nullptr);
  ASSERT_EQ(bench.on[1]->vm, 0);
  const abi::Notification call{static_cast<std::uint32_t>(Hypercall::remote_fence), 0, {2, 0}};
  const Vm& vm = bench.core->vm(0);
  bench.harts[0].copy_out(vm.rings.pages[0], &call, sizeof call);
  bench.harts[0].write_word(
      vm.shared_page + offsetof(abi::SharedPage, rings) + offsetof(abi::RingIndices, tail), 1);
  bench.machine.fences.clear();
  bench.core->poll(bench.harts[2]);
  ASSERT_EQ(bench.machine.fences.size(), 1u);
  EXPECT_EQ(bench.machine.fences[0].kind, GuestFence::Kind::vs_stage);
  EXPECT_EQ(bench.machine.fences[0].harts, 2u);
  EXPECT_EQ(bench.machine.fences[0].hgatp, bench.on[1]->vs.hgatp);
  EXPECT_NE(bench.machine.fences[0].hgatp, bench.harts[2].registers.vs.hgatp);
  EXPECT_NE(bench.machine.fences[0].vmid(), 0u);
}

}  // namespace
}  // namespace hv
