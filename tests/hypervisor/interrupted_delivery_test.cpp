// The contract of deferred calls where calls take long and time slices are short, so that drains are
// interrupted all the time, wherever they can be: by random operations, against what each VCPU asked for.
#include <cstddef>
#include <cstring>
#include <map>
#include <set>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

using abi::Delivery;
using abi::Hypercall;
using Unfinished = Vcpu::Unfinished;

constexpr unsigned kHarts = 2, kVms = 3;
constexpr std::uint32_t kCapacity = 12, kSliceUs = 100;
constexpr Cycles kCallCycles = 700;  // a slice is 1000 ticks of one cycle each

class InterruptedDelivery : public testing::TestWithParam<Delivery> {
 protected:
  void SetUp() override {
    BundleDescription description;
    description.delivery = GetParam();
    description.scheduler =
        GetParam() == Delivery::softirq ? SchedulerPolicy::credit : SchedulerPolicy::round_robin;
    description.calls_per_notification = 6;
    description.queue_capacity = kCapacity;
    description.drain_budget_cycles = 3000;
    description.max_deferred_entries = 2;
    description.time_slice_us = kSliceUs;
    description.vms = {small_vm("m0"), small_vm("m1", 2), small_vm("m2", 1, {1})};
    for (BundleVm& vm : description.vms) vm.memory_bytes = 256 << 10;
    bench.start(description);
    const unsigned hart = bench.on[0]->vm == 1 ? 0 : 1;
    ASSERT_EQ(bench.on[hart]->vm, 1);
    EXPECT_EQ(bench.ecall(hart, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0}).error, 0);
    bench.machine.cycles_per_tick = 1;
    bench.machine.cost[static_cast<std::size_t>(Work::run_call)] = kCallCycles;
    look_around();
  }

  struct Call {
    unsigned vm, vcpu;
    bool settled;  // who asked for it has gone on since
  };

  abi::Notification print(const Vcpu& by, bool settled) {
    const std::string text = std::to_string(calls.size()) + "\n";
    calls.push_back({by.vm, by.number, settled});
    abi::Notification call{static_cast<std::uint32_t>(Hypercall::console_write), 0, {text.size()}};
    std::memcpy(&call.arguments[1], text.data(), text.size());
    return call;
  }

  void defer_one(unsigned hart) {
    const auto call = print(*bench.on[hart], false);
    const auto& a = call.arguments;
    ++notifications[bench.on[hart]->vm];
    bench.call(hart, Hypercall::console_write, {a[0], a[1], a[2], a[3], a[4]});
  }
  void defer_many(unsigned hart, unsigned count) {
    const Vcpu& by = *bench.on[hart];
    std::vector<abi::Notification> list;
    while (list.size() < count) list.push_back(print(by, false));
    const std::uint64_t at = abi::kGuestMemoryBase + 0x2000 + by.number * 0x2000u;
    bench.write_guest(by.vm, at, list.data(), count * sizeof list[0]);
    ++notifications[by.vm];
    bench.call(hart, Hypercall::notify, {at, count});
  }
  void append(unsigned hart, unsigned count) {
    const Vcpu& by = *bench.on[hart];
    const Vm& vm = bench.core->vm(by.vm);
    const Hpa tail = vm.shared_page + offsetof(abi::SharedPage, rings) +
                     by.number * sizeof(abi::RingIndices) + offsetof(abi::RingIndices, tail);
    for (; count != 0; --count) {
      const abi::RingIndices indices = bench.shared_page(by.vm).rings[by.number];
      if (indices.tail - indices.head == kCapacity) {
        ++notifications[by.vm];
        bench.call(hart, Hypercall::ring_kick);
        return;
      }
      const abi::RingEntry entry{print(by, true), {}};
      bench.harts[0].copy_out(
          vm.rings.pages[by.number * vm.rings.pages_each] + indices.tail % kCapacity * sizeof entry, &entry,
          sizeof entry);
      bench.harts[0].write_word(tail, indices.tail + 1);
    }
  }
  void barrier(unsigned hart) {
    const Vcpu& by = *bench.on[hart];
    std::set<std::size_t>& before = awaited[by.id];
    for (std::size_t id = 0; id < calls.size(); ++id)
      if (calls[id].vm == by.vm && calls[id].settled && !ran.contains(id)) before.insert(id);
    if (random() % 2 == 0)
      bench.call(hart, Hypercall::dlh_fence);
    else
      bench.ecall(hart, 0x54494D45, 0, {bench.machine.ticks + random() % 20000});  // sets its timer
  }
  void wait(unsigned hart) {
    const Vcpu& by = *bench.on[hart];
    bench.ecall(hart, 0x54494D45, 0, {bench.machine.ticks + random() % 20000});
    if (bench.on[hart] != &by) return;
    abi::uses_rings(GetParam()) ? append(hart, kCapacity) : defer_many(hart, kCapacity);
    if (bench.on[hart] != &by) return;
    bench.harts[hart].registers.vs.vsie = 0x20;  // its timer wakes it, even if it has expired by now
    bench.wfi(hart);
  }

  // Whoever is in its guest has got all that it asked for.
  void look_around() {
    read_console();
    for (const Vcpu* vcpu : bench.on) {
      if (vcpu == nullptr) continue;
      ASSERT_EQ(vcpu->unfinished, Unfinished::nothing);
      ASSERT_FALSE(vcpu->drain.begun);
      for (Call& call : calls)
        if (call.vm == vcpu->vm && call.vcpu == vcpu->number) call.settled = true;
      for (const std::size_t id : awaited[vcpu->id])
        ASSERT_TRUE(ran.contains(id)) << "barrier passed by " << id;
      awaited[vcpu->id].clear();
    }
    for (unsigned vm = 0; vm < kVms; ++vm) {
      const Vm& each = bench.core->vm(vm);
      bool asleep = true;
      for (unsigned i = 0; i < each.vcpus; ++i) {
        const auto id = static_cast<VcpuId>(each.first_vcpu + i);
        asleep &= bench.core->scheduler().state(id) == Scheduler::State::blocked;
        ++stops[bench.core->vcpu(id).unfinished];
      }
      if (asleep && GetParam() != Delivery::softirq) {
        ASSERT_EQ(each.queue.size(), 0u) << "VM " << vm << " sleeps and left calls behind";
      }
      ASSERT_EQ(bench.shared_page(vm).completed, count_ran(vm));
    }
    ASSERT_FALSE(bench.machine.out_of_ram);
  }
  std::size_t count_ran(unsigned vm) const {
    std::size_t count = 0;
    for (const std::size_t id : ran) count += calls[id].vm == vm ? 1 : 0;
    return count;
  }
  void read_console() {
    const std::string& text = bench.machine.console;
    for (std::size_t end; (end = text.find('\n', read)) != std::string::npos; read = end + 1) {
      const std::string line = text.substr(read, end - read);
      if (line.starts_with("[hv]")) continue;
      const std::size_t id = std::stoul(line.substr(5));
      ASSERT_LT(id, calls.size());
      ASSERT_EQ(line[2] - '0', static_cast<int>(calls[id].vm));
      ASSERT_TRUE(ran.insert(id).second) << id << " ran twice";
      std::size_t& last = last_of[{calls[id].vm, calls[id].vcpu}];
      if (GetParam() != Delivery::softirq) {  // which has a queue per hart
        ASSERT_LE(last, id) << "out of order";
      }
      last = id;
    }
  }

  Bench bench{kHarts};
  Random random{23};
  std::vector<Call> calls;  // by the number that each prints
  std::set<std::size_t> ran;
  std::map<std::pair<unsigned, unsigned>, std::size_t> last_of;
  std::map<VcpuId, std::set<std::size_t>> awaited;  // what must have run before that VCPU goes on
  std::map<Unfinished, unsigned> stops;
  std::array<std::uint64_t, kVms> notifications{};
  std::size_t read = 0;
};

TEST_P(InterruptedDelivery, LosesRepeatsAndOvertakesNothing) {
  const bool rings = abi::uses_rings(GetParam()), lists = GetParam() != Delivery::dlh_ring;
  const auto step = [&](unsigned hart, bool more) {
    if (bench.on[hart] == nullptr) {
      bench.machine.ticks += random() % 5000;  // or those who sleep would do so for ever
      bench.interrupt_idle(hart);
      return;
    }
    switch (more ? random() % 9 : 4 + random() % 2) {
      case 0:
        return lists ? defer_one(hart) : append(hart, 1);
      case 1:
      case 2:
        return rings ? append(hart, static_cast<unsigned>(1 + random() % 20))
                     : defer_many(hart, static_cast<unsigned>(1 + random() % 30));
      case 3:
        return wait(hart);
      case 4:
        return barrier(hart);
      case 5:
        bench.machine.ticks = bench.next_interrupt(hart);
        return bench.timer(hart);
      default:
        return bench.software(hart);
    }
  };
  for (unsigned i = 0; i < 1500; ++i) {
    step(static_cast<unsigned>(random() % kHarts), true);
    look_around();
    Text why;
    if (i % 16 == 0) {
      ASSERT_TRUE(bench.core->audit(bench.harts[0], why)) << why.view();
    }
    if (HasFatalFailure()) FAIL() << "at step " << i;
  }
  for (unsigned i = 0; i < 500; ++i) step(i % kHarts, false);
  look_around();
  ASSERT_EQ(ran.size(), calls.size());
  for (unsigned vm = 0; vm < kVms; ++vm) {
    const VmStatistics& s = bench.core->vm(vm).statistics;
    EXPECT_EQ(s.hypercalls[static_cast<std::size_t>(Hypercall::console_write)], count_ran(vm));
    EXPECT_EQ(s.notifications, notifications[vm]);
    EXPECT_EQ(s.drained, GetParam() == Delivery::multicall ? 0 : count_ran(vm));
    EXPECT_EQ(s.queued, s.drained);
    EXPECT_EQ(bench.core->vm(vm).deferred, 0u);
  }
  EXPECT_GT(stops[Unfinished::call], 50u);
  if (GetParam() != Delivery::multicall) {
    EXPECT_GT(stops[Unfinished::entry], 20u);
  }
  if (GetParam() == Delivery::dlh || GetParam() == Delivery::dlh_ring) {
    EXPECT_GT(stops[Unfinished::wait], 5u);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, InterruptedDelivery,
                         testing::Values(Delivery::dlh, Delivery::softirq, Delivery::dlh_ring,
                                         Delivery::multicall),
                         [](const auto& named) {
                           return std::string(abi::kDeliveryNames[static_cast<std::size_t>(named.param)]);
                         });

}  // namespace
}  // namespace hv
