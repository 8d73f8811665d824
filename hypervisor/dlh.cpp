// Deferrable low-overhead hypercalls: what is queued when, and who drains how much of it.
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"

namespace hv {
namespace {

constexpr Cycles kNoBudget = ~Cycles{0};

void announce(Arch& arch, HypervisorPhase phase) {
  arch.mark(MarkKind::phase, static_cast<std::uint64_t>(phase));
}

}  // namespace

// A full queue is drained on the spot: nothing is ever dropped.
bool Hypervisor::enqueue(Arch& arch, Vm& vm, const abi::Notification& call) {
  arch.charge(Work::enqueue, 1);
  publish_status(arch, vm, call.status_slot, abi::Status::queued);
  while (!vm.queue.push(arch, call)) {
    add(vm.statistics.overflow_drains, std::uint64_t{1});
    drain_all(arch, vm);
    announce(arch, HypervisorPhase::enqueue);
  }
  add(vm.statistics.queued, std::uint64_t{1});
  if (vm.queue.size() > vm.statistics.deepest_queue) vm.statistics.deepest_queue = vm.queue.size();
  return true;
}

// Step 4 of the claims. The budget bounds what one entry pays; max_deferred_entries bounds how long a call
// waits.
void Hypervisor::drain_at_entry(Arch& arch, Vm& vm) {
  arch.charge(Work::drain_check, 1);
  if (vm.queue.size() == 0) return;
  if (!vm.queue.begin_drain(arch)) return;  // another VCPU of this VM is at it
  announce(arch, HypervisorPhase::drain);
  const bool all = vm.queue.must_drain_all();
  const DlhQueue::Ticket until = vm.queue.appended();
  const std::uint64_t ran =
      run_front(arch, vm, until, all ? kNoBudget : Cycles{vm.queue.limits().drain_budget_cycles});
  const bool left_over = vm.queue.finished() < until;
  vm.queue.entry_done(left_over);
  vm.queue.end_drain(arch);
  publish_completed(arch, vm, ran);
  add(left_over ? vm.statistics.budget_stops : vm.statistics.forced_drains,
      std::uint64_t{left_over || all ? 1u : 0u});
}

// Until every call that was queued before now has run, by whomever.
bool Hypervisor::drain_all(Arch& arch, Vm& vm) {
  const DlhQueue::Ticket until = vm.queue.appended();
  if (vm.queue.finished() >= until) return false;
  announce(arch, HypervisorPhase::drain);
  while (vm.queue.finished() < until) {
    if (!vm.queue.begin_drain(arch)) continue;  // its holder makes progress: it never waits for us
    const std::uint64_t ran = run_front(arch, vm, until, kNoBudget);
    vm.queue.entry_done(false);
    vm.queue.end_drain(arch);
    publish_completed(arch, vm, ran);
  }
  return true;
}

// Runs calls from the front until `until` or until the budget is used up. For the holder of the drain.
std::uint64_t Hypervisor::run_front(Arch& arch, Vm& vm, DlhQueue::Ticket until, Cycles budget) {
  const Cycles start = arch.cycles();
  std::uint64_t ran = 0;
  while (vm.queue.finished() < until) {
    if (budget != kNoBudget && arch.cycles() - start >= budget) break;
    arch.charge(Work::drain_entry, 1);
    const abi::Notification& call = vm.queue.front();
    const std::int64_t error = run_deferrable(arch, vm, call);
    publish_status(arch, vm, call.status_slot,
                   error == abi::kSuccess ? abi::Status::done : abi::Status::failed);
    vm.queue.pop();
    ++ran;
  }
  add(vm.statistics.drained, ran);
  return ran;
}

void Hypervisor::publish_completed(Arch& arch, Vm& vm, std::uint64_t calls) {
  if (calls == 0) return;
  arch.write_word(vm.shared_page + offsetof(abi::SharedPage, completed), add(vm.completed, calls));
  arch.mark(MarkKind::hypercall_done, calls);
}

void Hypervisor::publish_status(Arch& arch, Vm& vm, std::uint32_t slot, abi::Status status) {
  if (slot == 0) return;
  const auto word = static_cast<std::uint32_t>(status);
  arch.copy_out(vm.shared_page + offsetof(abi::SharedPage, status) + slot * sizeof word, &word, sizeof word);
}

}  // namespace hv
