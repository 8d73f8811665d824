// The contract of deferred calls, by random operations against a model that is a list per VM and nothing
// else.
#include <cstring>
#include <deque>
#include <map>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

constexpr std::uint64_t kCallCycles = 100;

// What should be queued and what should have been printed, for one VM.
struct ModelVm {
  struct Call {
    unsigned id;
    std::uint32_t slot;
    unsigned waited = 0;  // entries of its VM that passed it over
  };
  std::deque<Call> queue;
  std::vector<unsigned> ran;  // ids in order
  std::map<std::uint32_t, abi::Status> status;
  unsigned deferred_entries = 0;
  std::uint64_t overflows = 0, barriers = 0, budget_stops = 0;

  void run_front() {
    ran.push_back(queue.front().id);
    if (queue.front().slot != 0) status[queue.front().slot] = abi::Status::done;
    queue.pop_front();
  }
  bool run_all() {
    const bool any = !queue.empty();
    while (!queue.empty()) run_front();
    if (any) deferred_entries = 0;
    return any;
  }
  void append(unsigned id, std::uint32_t slot, std::size_t capacity) {
    if (slot != 0) status[slot] = abi::Status::queued;
    if (queue.size() == capacity) {
      ++overflows;
      run_all();
      if (slot != 0) status[slot] = abi::Status::queued;  // its own: not run yet
    }
    queue.push_back({id, slot});
  }
  void entry(std::uint64_t budget, unsigned max_deferred) {
    if (queue.empty()) return;
    const bool all = deferred_entries >= max_deferred;
    for (std::uint64_t used = 0; !queue.empty() && (all || used < budget); used += kCallCycles) run_front();
    for (Call& call : queue) {
      ++call.waited;
      EXPECT_LE(call.waited, max_deferred) << "a call waited too long";
    }
    deferred_entries = queue.empty() ? 0 : deferred_entries + 1;
    budget_stops += queue.empty() ? 0 : 1;
  }
};

struct Parameters {
  std::uint32_t capacity, budget, max_deferred;
};

class Deferred : public testing::TestWithParam<Parameters> {
 protected:
  static constexpr unsigned kHarts = 2, kVms = 3;

  void SetUp() override {
    BundleDescription description;
    description.delivery = abi::Delivery::dlh;
    description.queue_capacity = GetParam().capacity;
    description.drain_budget_cycles = GetParam().budget;
    description.max_deferred_entries = GetParam().max_deferred;
    description.vms = {small_vm("m0"), small_vm("m1", 2), small_vm("m2", 1, {1})};
    bench.machine.cost[static_cast<std::size_t>(Work::drain_entry)] = kCallCycles;
    bench.start(description);
    // The second VCPU of m1, started by its first.
    const unsigned hart = bench.on[0]->vm == 1 ? 0 : 1;
    ASSERT_EQ(bench.on[hart]->vm, 1);
    EXPECT_EQ(bench.ecall(hart, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0}).error, 0);
  }

  static std::array<std::uint64_t, 5> print(unsigned id) {
    const std::string text = std::to_string(id) + "\n";
    std::array<std::uint64_t, 5> arguments{text.size(), 0, 0, 0, 0};
    std::memcpy(&arguments[1], text.data(), text.size());
    return arguments;
  }

  void after(unsigned hart) {
    if (bench.on[hart] != nullptr)
      model[bench.on[hart]->vm].entry(GetParam().budget, GetParam().max_deferred);
  }

  void defer_one(unsigned hart) {
    const unsigned vm = bench.on[hart]->vm, id = next_id++;
    const auto a = print(id);
    model[vm].append(id, 0, GetParam().capacity);
    EXPECT_EQ(bench.call(hart, abi::Hypercall::console_write, {a[0], a[1], a[2], a[3], a[4]}).error, 0);
    after(hart);
  }

  void defer_many(unsigned hart, unsigned count) {
    const unsigned vm = bench.on[hart]->vm;
    std::vector<abi::Notification> list(count);
    for (abi::Notification& entry : list) {
      const auto a = print(next_id);
      entry = {static_cast<std::uint32_t>(abi::Hypercall::console_write),
               random() % 3 == 0 ? static_cast<std::uint32_t>(1 + random() % 63) : 0,
               {}};
      std::copy(a.begin(), a.end(), entry.arguments);
      model[vm].append(next_id++, entry.completion, GetParam().capacity);
    }
    const std::uint64_t at = abi::kGuestMemoryBase + 0x2000 + bench.on[hart]->number * 0x2000u;
    bench.write_guest(vm, at, list.data(), count * sizeof list[0]);
    const auto answer = bench.call(hart, abi::Hypercall::notify, {at, count});
    EXPECT_EQ(answer.error, 0);
    EXPECT_EQ(answer.value, count);
    after(hart);
  }

  void barrier(unsigned hart) {
    const unsigned vm = bench.on[hart]->vm;
    model[vm].barriers += model[vm].run_all() ? 1 : 0;
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
    if (others == 0) model[vm].run_all();
    bench.wfi(hart);
    after(hart);
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
      ASSERT_EQ(printed[vm], model[vm].ran) << "order, loss or repetition in VM " << vm;
      ASSERT_EQ(bench.core->vm(vm).queue.size(), model[vm].queue.size());
      const abi::SharedPage page = bench.shared_page(vm);
      ASSERT_EQ(page.completed, model[vm].ran.size());
      for (const auto& [slot, status] : model[vm].status)
        ASSERT_EQ(page.status[slot], static_cast<std::uint32_t>(status)) << "slot " << slot;
      const VmStatistics& s = bench.core->vm(vm).statistics;
      ASSERT_EQ(s.overflow_drains, model[vm].overflows);
      ASSERT_EQ(s.barrier_drains, model[vm].barriers);
      ASSERT_EQ(s.budget_stops, model[vm].budget_stops);
      ASSERT_EQ(s.drained, model[vm].ran.size());
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
  SlicedBench bench{kHarts};
  std::array<ModelVm, kVms> model;
  Random random{17};
  unsigned next_id = 0;
};

TEST_P(Deferred, CallsRunInOrderOnceAndInTimeWhateverHappens) {
  for (unsigned step = 0; step < 3000; ++step) {
    const unsigned hart = static_cast<unsigned>(random() % kHarts);
    if (bench.on[hart] == nullptr) {
      bench.interrupt_idle(hart);
      after(hart);
      continue;
    }
    switch (random() % 10) {
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
      case 8: {  // sleeps for a while
        const unsigned vm = bench.on[hart]->vm;
        model[vm].barriers += model[vm].run_all() ? 1 : 0;
        bench.ecall(hart, 0x54494D45, 0, {bench.machine.ticks + random() % 30000});
        after(hart);
        if (bench.on[hart] != nullptr) wait(hart);
        break;
      }
      default:
        bench.machine.ticks += random() % 5000;
        bench.exit(hart, make_exit(kInterrupt | 5, 0, 0));
        after(hart);
    }
    check();
    if (HasFatalFailure()) FAIL() << "at step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, Deferred,
                         testing::Values(Parameters{64, 100000, 4},                    // never a budget stop
                                         Parameters{8, 350, 3},                        // both limits at work
                                         Parameters{5, 100, 1}, Parameters{16, 0, 4},  // no budget at all
                                         Parameters{16, 200, 0},                       // no waiting at all
                                         Parameters{1, 100, 2}, Parameters{256, 150, 7}));

}  // namespace
}  // namespace hv
