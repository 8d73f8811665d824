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
void Hypervisor::enqueue(Arch& arch, Vm& vm, std::span<const abi::Notification> calls) {
  arch.charge(Work::enqueue, calls.size());
  vm.count(vm.statistics.queued, calls.size());
  for (;;) {
    for (const abi::Notification& call : calls)
      publish_status(arch, vm, call.completion, abi::Status::queued);
    const std::uint64_t depth = vm.queue.push(arch, calls);
    if (depth > vm.statistics.deepest_queue) vm.statistics.deepest_queue = depth;
    if (calls.empty()) return;
    vm.count(vm.statistics.overflow_drains);
    drain_all(arch, vm);
    announce(arch, HypervisorPhase::enqueue);
  }
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
  const Ran ran = run_front(arch, vm, until, all ? kNoBudget : Cycles{vm.queue.limits().drain_budget_cycles});
  const bool left_over = vm.queue.finished() < until;
  vm.queue.entry_done(left_over);
  publish_completed(arch, vm, ran);
  vm.queue.end_drain(arch);
  if (left_over || all) vm.count(left_over ? vm.statistics.budget_stops : vm.statistics.forced_drains);
}

// Until every call that was queued before now has run, by whomever.
bool Hypervisor::drain_all(Arch& arch, Vm& vm) {
  const DlhQueue::Ticket until = vm.queue.appended();
  if (vm.queue.finished() >= until) return false;
  announce(arch, HypervisorPhase::drain);
  while (vm.queue.finished() < until) {
    if (!vm.queue.begin_drain(arch)) continue;  // its holder makes progress: it never waits for us
    const Ran ran = run_front(arch, vm, until, kNoBudget);
    vm.queue.entry_done(false);
    publish_completed(arch, vm, ran);
    vm.queue.end_drain(arch);
  }
  return true;
}

// Runs calls from the front until `until` or until the budget is used up. For the holder of the drain.
Hypervisor::Ran Hypervisor::run_front(Arch& arch, Vm& vm, DlhQueue::Ticket until, Cycles budget) {
  const Cycles start = arch.cycles();
  const DlhQueue::Ticket first = vm.queue.finished();
  Ran ran;
  while (first + ran.calls < until) {
    if (budget != kNoBudget && arch.cycles() - start >= budget) break;
    arch.charge(Work::drain_entry, 1);
    const abi::Notification& call = vm.queue.at(first + ran.calls);
    const std::int64_t error = run_deferrable(arch, vm, call);
    const bool good = error == abi::kSuccess;
    complete(arch, vm, call.completion, good);
    ++ran.calls;
    ran.succeeded += good ? 1 : 0;
  }
  vm.queue.pop(ran.calls);
  vm.count(vm.statistics.drained, ran.calls);
  return ran;
}

// The guest must never see the count go back, so VCPUs that run calls at the same time take turns.
// Calls that failed are completed, too, but only those that succeeded are work done.
void Hypervisor::publish_completed(Arch& arch, Vm& vm, Ran ran) {
  if (ran.calls == 0) return;
  const bool alone = vm.vcpus == 1;
  if (!alone) arch.lock(vm.memory_lock);
  arch.write_word(vm.shared_page + offsetof(abi::SharedPage, completed), vm.completed += ran.calls);
  if (!alone) arch.unlock(vm.memory_lock);
  if (ran.succeeded != 0) arch.mark(MarkKind::hypercall_done, ran.succeeded);
}

void Hypervisor::publish_status(Arch& arch, Vm& vm, std::uint32_t completion, abi::Status status) {
  const std::uint32_t slot = abi::completion_slot(completion);
  if (slot == 0) return;
  const auto word = static_cast<std::uint32_t>(status);
  arch.copy_out(vm.shared_page + offsetof(abi::SharedPage, status) + slot * sizeof word, &word, sizeof word);
}

// Told to the guest in memory first, so that the interrupt finds it there.
void Hypervisor::complete(Arch& arch, Vm& vm, std::uint32_t completion, bool good) {
  if (completion == 0) return;
  publish_status(arch, vm, completion, good ? abi::Status::done : abi::Status::failed);
  if ((completion & abi::kCompletionInterrupt) == 0) return;
  vm.count(vm.statistics.completion_interrupts);
  raise_software_interrupt(arch, vcpus_[vm.first_vcpu + abi::completion_vcpu(completion)]);
}

}  // namespace hv
