// The contract of deferred calls, by random operations against a model that is lists and nothing else, in
// every delivery mode: order, barriers, nothing lost, nothing twice, bounded wait, exact books.
#include <cstddef>
#include <cstring>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/delivery_model.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

using abi::Delivery;
using hvsim::isa::MarkKind;

constexpr unsigned kHarts = 2, kVms = 3;
// Calls are so short that no drain is interrupted; interrupted_delivery_test.cpp has long ones. Budgets are
// written for calls of 100 cycles.
constexpr std::uint32_t kCallCycles = 2, kBudgetScale = 100 / kCallCycles, kCallsPerKick = 3;

struct Parameters {
  Delivery delivery;
  std::uint32_t capacity, budget, max_deferred;
  bool drain_at_entry = true;
};

class Delivered : public testing::TestWithParam<Parameters> {
 protected:
  static bool polls() { return GetParam().delivery == Delivery::polling; }
  static bool rings() { return abi::uses_rings(GetParam().delivery); }

  void SetUp() override {
    BundleDescription description;
    description.delivery = GetParam().delivery;
    description.calls_per_notification = kCallsPerKick;
    description.queue_capacity = GetParam().capacity;
    description.drain_budget_cycles = GetParam().budget / kBudgetScale;
    description.max_deferred_entries = GetParam().max_deferred;
    description.drain_at_entry = GetParam().drain_at_entry;
    description.vms = {small_vm("m0"), small_vm("m1", 2), small_vm("m2", 1, {1})};
    for (BundleVm& vm : description.vms) vm.memory_bytes = 256 << 10;
    bench.machine.cost[static_cast<std::size_t>(Work::drain_entry)] = kCallCycles;
    bench.start(description);
    // The second VCPU of m1, started by its first.
    const unsigned hart = bench.on[0]->vm == 1 ? 0 : 1;
    ASSERT_EQ(bench.on[hart]->vm, 1);
    EXPECT_EQ(bench.ecall(hart, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0}).error, 0);
    read_marks(hart);
  }

  abi::Notification print(std::uint32_t slot = 0) {
    const std::string text = std::to_string(next_id++) + "\n";
    abi::Notification call{static_cast<std::uint32_t>(abi::Hypercall::console_write), slot, {text.size()}};
    std::memcpy(&call.arguments[1], text.data(), text.size());
    return call;
  }
  std::uint32_t some_slot() { return random() % 3 == 0 ? static_cast<std::uint32_t>(1 + random() % 63) : 0; }

  void after(unsigned hart) {
    if (bench.on[hart] == nullptr)
      model.idle(hart);
    else
      model.entry(hart, bench.on[hart]->vm);
    read_marks(hart);
  }

  void defer_one(unsigned hart) {
    const unsigned vm = bench.on[hart]->vm, id = next_id;
    const auto call = print();
    const auto& a = call.arguments;
    model.trap(hart, vm, {{vm, id, 0}});
    EXPECT_EQ(bench.call(hart, abi::Hypercall::console_write, {a[0], a[1], a[2], a[3], a[4]}).error, 0);
    after(hart);
  }

  void defer_many(unsigned hart, unsigned count) {
    const unsigned vm = bench.on[hart]->vm;
    std::vector<abi::Notification> list(count);
    std::vector<DeliveryModel::Call> calls;
    for (abi::Notification& entry : list) {
      calls.push_back({vm, next_id, some_slot()});
      entry = print(calls.back().slot);
    }
    const std::uint64_t at = abi::kGuestMemoryBase + 0x2000 + bench.on[hart]->number * 0x2000u;
    bench.write_guest(vm, at, list.data(), count * sizeof list[0]);
    const bool takes_lists =
        GetParam().delivery != Delivery::immediate && GetParam().delivery != Delivery::free;
    if (takes_lists) model.trap(hart, vm, calls);
    const auto answer = bench.call(hart, abi::Hypercall::notify, {at, count});
    EXPECT_EQ(answer.error, takes_lists ? abi::kSuccess : abi::kErrorNotSupported);
    EXPECT_EQ(answer.value, takes_lists ? count : 0);
    after(hart);
  }

  // As the runtime of guests does it.
  void append(unsigned hart, unsigned count) {
    for (; count != 0 && bench.on[hart] != nullptr; --count) {
      const unsigned vm = bench.on[hart]->vm, ring = bench.on[hart]->number;
      const abi::RingIndices indices = bench.shared_page(vm).rings[ring];
      ASSERT_EQ(indices.head, model.vm(vm).heads[ring]);
      if (model.full(vm, ring)) {
        ASSERT_EQ(indices.tail - indices.head, GetParam().capacity);
        kick(hart);
        continue;
      }
      const DeliveryModel::Call call{vm, next_id, some_slot()};
      const abi::RingEntry entry{print(call.slot), {}};
      if (call.slot != 0) set_queued(vm, call.slot);
      write_entry(vm, ring, indices.tail, entry);
      write_tail(vm, ring, indices.tail + 1);
      model.append(vm, ring, call);
      const bool wanted = !polls() && indices.tail + 1 - indices.head == kCallsPerKick;
      ASSERT_EQ(abi::ring_needs_kick(indices.notify, indices.tail, indices.tail + 1), wanted);
      if (wanted) kick(hart);
    }
  }
  void kick(unsigned hart) {
    model.kick(bench.on[hart]->vm, bench.on[hart]->number);
    EXPECT_EQ(bench.call(hart, abi::Hypercall::ring_kick).error, 0);
    after(hart);
  }
  void set_queued(unsigned vm, std::uint32_t slot) {
    const auto word = static_cast<std::uint32_t>(abi::Status::queued);
    bench.harts[0].copy_out(
        bench.core->vm(vm).shared_page + offsetof(abi::SharedPage, status) + slot * sizeof word, &word,
        sizeof word);
  }
  void write_entry(unsigned vm, unsigned ring, std::uint64_t number, const abi::RingEntry& entry) {
    const Vm::Rings& rings = bench.core->vm(vm).rings;
    const std::uint64_t place = number % rings.capacity;
    bench.harts[0].copy_out(rings.pages[ring * rings.pages_each + place / 64] + place % 64 * sizeof entry,
                            &entry, sizeof entry);
  }
  void write_tail(unsigned vm, unsigned ring, std::uint64_t tail) {
    bench.harts[0].write_word(bench.core->vm(vm).shared_page + offsetof(abi::SharedPage, rings) +
                                  ring * sizeof(abi::RingIndices) + offsetof(abi::RingIndices, tail),
                              tail);
  }

  void barrier(unsigned hart) {
    model.barrier(bench.on[hart]->vm);
    switch (random() % 3) {
      case 0:
        bench.call(hart, abi::Hypercall::dlh_fence);
        break;
      case 1:
        bench.call(hart, abi::Hypercall::query, {3});
        break;
      default:
        bench.ecall(hart, 0x10, 0);
        break;
    }
    after(hart);
  }

  void wait(unsigned hart) {
    const unsigned vm = bench.on[hart]->vm;
    unsigned others = 0;
    for (unsigned i = 0; i < bench.core->vm(vm).vcpus; ++i) {
      const VcpuId id = static_cast<VcpuId>(bench.core->vm(vm).first_vcpu + i);
      const auto state = bench.core->scheduler().state(id);
      const bool active = state == Scheduler::State::running || state == Scheduler::State::ready;
      others += active && id != bench.on[hart]->id ? 1 : 0;
    }
    if (others == 0) model.last_blocks(vm);
    bench.wfi(hart);
    after(hart);
  }

  void sleep_a_while(unsigned hart) {
    model.barrier(bench.on[hart]->vm);
    bench.ecall(hart, 0x54494D45, 0, {bench.machine.ticks + random() % 30000});
    after(hart);
    if (bench.on[hart] != nullptr) wait(hart);
  }

  void poll() {
    model.poll();
    bench.core->poll(bench.harts[kHarts]);
    read_marks(kHarts);
  }

  // Whose calls ran in whose time.
  void read_marks(unsigned hart) {
    for (; seen_marks < bench.machine.marks.size(); ++seen_marks) {
      const auto [kind, value] = bench.machine.marks[seen_marks];
      if (kind == MarkKind::vcpu) announced[hart] = value == hvsim::isa::kMarkNoVcpu ? ~0ull : value >> 16;
      if (kind != MarkKind::serving || value == hvsim::isa::kMarkNoVm) continue;
      ++(value == announced[hart] ? own_time : others_time);
    }
  }

  void check() {
    std::array<std::vector<unsigned>, kVms> printed;
    std::size_t start = 0;
    for (std::size_t end; (end = bench.machine.console.find('\n', start)) != std::string::npos;
         start = end + 1) {
      const std::string line = bench.machine.console.substr(start, end - start);
      ASSERT_EQ(line.substr(0, 2), "[m");
      printed[static_cast<unsigned>(line[2] - '0')].push_back(
          static_cast<unsigned>(std::stoul(line.substr(5))));
    }
    for (unsigned vm = 0; vm < kVms; ++vm) {
      const DeliveryModel::Vm& expected = model.vm(vm);
      ASSERT_EQ(printed[vm].size(), expected.ran.size()) << "loss or repetition in VM " << vm;
      ASSERT_EQ(printed[vm], expected.ran) << "order in VM " << vm;
      if (!model.per_hart()) {
        ASSERT_EQ(bench.core->vm(vm).queue.size(), model.queue(vm).calls.size());
      }
      const abi::SharedPage page = bench.shared_page(vm);
      ASSERT_EQ(page.completed, expected.ran.size());
      for (const auto& [slot, status] : expected.status)
        ASSERT_EQ(page.status[slot], static_cast<std::uint32_t>(status)) << "slot " << slot;
      const VmStatistics& s = bench.core->vm(vm).statistics;
      ASSERT_EQ(s.overflow_drains, expected.overflows);
      ASSERT_EQ(s.barrier_drains, expected.barriers);
      ASSERT_EQ(s.blocking_drains, expected.blocks);
      ASSERT_EQ(s.budget_stops, expected.budget_stops);
      ASSERT_EQ(s.forced_drains, expected.forced);
      ASSERT_EQ(s.notifications, expected.notifications);
      ASSERT_EQ(s.drained, model.in_trap() ? 0 : expected.ran.size());
      ASSERT_EQ(s.hypercalls[static_cast<std::size_t>(abi::Hypercall::console_write)], expected.ran.size());
      ASSERT_EQ(s.ring_errors, 0u);
      ASSERT_LE(s.deepest_queue, GetParam().capacity);
    }
  }

  struct SlicedBench : Bench {
    using Bench::Bench;
    void timer_after_slice(unsigned hart) {
      machine.ticks += 20000;
      timer(hart);
    }
  };
  SlicedBench bench{polls() ? kHarts + 1 : kHarts};
  DeliveryModel model{{GetParam().delivery, GetParam().capacity, GetParam().budget / kBudgetScale,
                       GetParam().max_deferred, kCallCycles, GetParam().drain_at_entry},
                      kVms,
                      kHarts};
  Random random{17};
  unsigned next_id = 0;
  std::size_t seen_marks = 0;
  std::array<std::uint64_t, kHarts + 1> announced{};
  std::uint64_t own_time = 0, others_time = 0;
};

TEST_P(Delivered, CallsRunInOrderOnceAndInTimeWhateverHappens) {
  for (unsigned step = 0; step < 2000; ++step) {
    const unsigned hart = static_cast<unsigned>(random() % kHarts);
    if (polls() && random() % 4 == 0) poll();
    if (bench.on[hart] == nullptr) {
      bench.machine.ticks += random() % 10000;  // or those who sleep would do so for ever
      bench.interrupt_idle(hart);
      after(hart);
      continue;
    }
    switch (random() % 12) {
      case 0:
      case 1:
      case 2:
        defer_one(hart);
        break;
      case 3:
      case 4:
        defer_many(hart, static_cast<unsigned>(1 + random() % 12));
        break;
      case 5:
        barrier(hart);
        break;
      case 6:
        bench.timer_after_slice(hart);
        after(hart);
        break;
      case 7:
        bench.software(hart);
        after(hart);
        break;
      case 8:
        sleep_a_while(hart);
        break;
      case 9:
      case 10:
        if (rings()) append(hart, static_cast<unsigned>(1 + random() % 12));
        break;
      default:
        bench.machine.ticks += random() % 5000;
        bench.exit(hart, make_exit(kInterrupt | 5, 0, 0));
        after(hart);
    }
    check();
    if (HasFatalFailure()) FAIL() << "at step " << step;
  }
  const bool to_owner = GetParam().delivery == Delivery::dlh || GetParam().delivery == Delivery::dlh_ring;
  const std::uint64_t drains = own_time + others_time;
  EXPECT_EQ(drains > 100, !model.in_trap());
  if (to_owner) {
    EXPECT_EQ(others_time, 0u) << "a queue per VM never makes others pay";
  }
  if (model.per_hart() && GetParam().budget < 1000) {
    EXPECT_GT(others_time, 0u) << "a queue per hart does";
  }
}

std::string name_of(const testing::TestParamInfo<Parameters>& info) {
  return std::string(abi::kDeliveryNames[static_cast<std::size_t>(info.param.delivery)]) + "_" +
         std::to_string(info.param.capacity) + "_" + std::to_string(info.param.budget) + "_" +
         std::to_string(info.param.max_deferred) + (info.param.drain_at_entry ? "" : "_queue_alone");
}

INSTANTIATE_TEST_SUITE_P(
    Limits, Delivered,
    testing::Values(Parameters{Delivery::dlh, 64, 100000, 4},  // never a budget stop
                    Parameters{Delivery::dlh, 8, 350, 3},      // both limits at work
                    Parameters{Delivery::dlh, 5, 100, 1}, Parameters{Delivery::dlh, 16, 0, 4},  // no budget
                    Parameters{Delivery::dlh, 16, 200, 0},                                      // no waiting
                    Parameters{Delivery::dlh, 1, 100, 2}, Parameters{Delivery::dlh, 256, 150, 7},
                    Parameters{Delivery::dlh, 8, 350, 3, false}, Parameters{Delivery::softirq, 64, 100000, 4},
                    Parameters{Delivery::softirq, 8, 350, 3}, Parameters{Delivery::softirq, 16, 0, 4},
                    Parameters{Delivery::softirq, 256, 150, 7}, Parameters{Delivery::dlh_ring, 64, 100000, 4},
                    Parameters{Delivery::dlh_ring, 8, 350, 3}, Parameters{Delivery::dlh_ring, 5, 100, 1},
                    Parameters{Delivery::dlh_ring, 1, 100, 2}, Parameters{Delivery::dlh_ring, 256, 150, 7},
                    Parameters{Delivery::dlh_ring, 8, 350, 3, false},
                    Parameters{Delivery::polling, 64, 350, 3}, Parameters{Delivery::polling, 5, 100, 1},
                    Parameters{Delivery::multicall, 64, 350, 3}, Parameters{Delivery::immediate, 64, 350, 3},
                    Parameters{Delivery::free, 64, 350, 3}),
    name_of);

}  // namespace
}  // namespace hv
