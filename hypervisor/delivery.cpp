// How deferrable hypercalls are delivered: what runs in its trap, what is queued where, who drains how much.
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

bool Hypervisor::runs_in_trap() const {
  return settings_.delivery == abi::Delivery::immediate || settings_.delivery == abi::Delivery::multicall ||
         settings_.delivery == abi::Delivery::free;
}

// A hart's queue is for whoever comes next, and a polling hart polls on.
bool Hypervisor::drains_before_blocking() const {
  return settings_.delivery != abi::Delivery::softirq && settings_.delivery != abi::Delivery::polling;
}

DlhQueue& Hypervisor::queue_for(Arch& arch, Vm& vm) {
  return settings_.delivery == abi::Delivery::softirq ? hart_queues_[arch.hart()] : vm.queue;
}

// Both the hypervisor's own books and what watchers of the machine learn.
void Hypervisor::note(Arch& arch, Vm& vm, std::uint64_t& counter, DeliveryEvent event, std::uint64_t amount) {
  vm.count(counter);
  arch.mark(MarkKind::delivery, hvsim::isa::mark_delivery(vm.id, event, amount));
}

// Deliveries that do not queue: the trap that brought the calls runs them.
void Hypervisor::run_now(Arch& arch, Vm& vm, std::span<const abi::Notification> calls,
                         std::int64_t& last_error) {
  Ran ran;
  for (const abi::Notification& call : calls) last_error = run_one(arch, vm, call, ran);
  publish_completed(arch, vm, ran);
}

// A full queue is drained on the spot: nothing is ever dropped.
void Hypervisor::enqueue(Arch& arch, Vm& vm, std::span<const abi::Notification> calls) {
  arch.charge(Work::deferral, 1);
  arch.charge(Work::enqueue, calls.size());
  vm.count(vm.statistics.queued, calls.size());
  if (settings_.delivery == abi::Delivery::softirq) add(vm.deferred, std::uint64_t{calls.size()});
  DlhQueue& queue = queue_for(arch, vm);
  for (;;) {
    for (const abi::Notification& call : calls)
      publish_status(arch, vm, call.completion, abi::Status::queued);
    note_depth(arch, vm, queue.push(arch, vm.id, calls));
    if (calls.empty()) return;
    note(arch, vm, vm.statistics.overflow_drains, DeliveryEvent::overflow_drain, 0);
    drain_queue(arch, queue);
    announce(arch, HypervisorPhase::enqueue);
  }
}

void Hypervisor::note_depth(Arch& arch, Vm& vm, std::uint64_t depth) {
  if (depth > vm.statistics.deepest_queue) vm.statistics.deepest_queue = depth;
  arch.mark(MarkKind::delivery, hvsim::isa::mark_delivery(vm.id, DeliveryEvent::depth, depth));
}

// Step 4 of the claims: right before a VCPU of `vm` is entered.
void Hypervisor::drain_at_entry(Arch& arch, Vm& vm) {
  if (!settings_.drain_at_entry) return;
  switch (settings_.delivery) {
    case abi::Delivery::dlh:
    case abi::Delivery::softirq:
      arch.charge(Work::drain_check, 1);
      if (queue_for(arch, vm).size() != 0) drain_within_budget(arch, vm, queue_for(arch, vm));
      return;
    case abi::Delivery::dlh_ring:
      if (something_waits(arch, vm)) drain_within_budget(arch, vm, vm.queue);
      return;
    default:
      return;
  }
}

// The budget bounds what one entry pays; max_deferred_entries bounds how long a call waits.
void Hypervisor::drain_within_budget(Arch& arch, Vm& vm, DlhQueue& queue) {
  if (!queue.begin_drain(arch)) return;  // another hart is at it
  announce(arch, HypervisorPhase::drain);
  const bool all = queue.must_drain_all();
  bool left_over = false;
  if (all) {
    run_everything(arch, queue, vm);
  } else {
    left_over = !take_from_rings(arch, vm);
    const DlhQueue::Ticket until = queue.appended();
    run_front(arch, queue, until, Cycles{queue.limits().drain_budget_cycles});
    left_over |= queue.finished() < until;
  }
  queue.entry_done(left_over);
  queue.end_drain(arch);
  if (left_over) note(arch, vm, vm.statistics.budget_stops, DeliveryEvent::budget_stop, 0);
  if (all) note(arch, vm, vm.statistics.forced_drains, DeliveryEvent::forced_drain, 0);
}

// Until everything that the VM deferred before now has run, by whomever. False: there was nothing.
bool Hypervisor::drain_all(Arch& arch, Vm& vm) {
  if (runs_in_trap()) return false;
  if (settings_.delivery == abi::Delivery::softirq) {
    if (load_acquire(vm.deferred) == 0) return false;
    announce(arch, HypervisorPhase::drain);
    for (std::uint64_t left = all_harts_; left != 0; left &= left - 1)
      drain_queue(arch, hart_queues_[lowest_bit(left)]);
    return true;
  }
  arch.charge(Work::drain_check, 1);
  if (!something_waits(arch, vm) && !vm.queue.drained_elsewhere(arch)) return false;
  announce(arch, HypervisorPhase::drain);
  vm.queue.wait_for_drain(arch);
  run_everything(arch, vm.queue, vm);
  vm.queue.entry_done(false);
  vm.queue.end_drain(arch);
  return true;
}

// The same for one queue, whosever calls are in it.
void Hypervisor::drain_queue(Arch& arch, DlhQueue& queue) {
  const DlhQueue::Ticket until = queue.appended();
  if (queue.finished() >= until) return;
  announce(arch, HypervisorPhase::drain);
  queue.wait_for_drain(arch);
  run_front(arch, queue, until, kNoBudget);
  queue.entry_done(false);
  queue.end_drain(arch);
}

// What was queued before now and what lay in the VM's rings before now. For the holder of the drain.
void Hypervisor::run_everything(Arch& arch, DlhQueue& queue, Vm& vm) {
  run_front(arch, queue, queue.appended(), kNoBudget);
  if (&queue != &vm.queue) return;
  for (unsigned ring = 0; ring < ring_count(vm); ++ring)
    for (std::uint64_t left = ring_pending(arch, vm, ring); left != 0;) {
      left -= take_from_ring(arch, vm, ring, left);
      run_front(arch, queue, queue.appended(), kNoBudget);
    }
}

// Before a hart idles: nobody's time, and what is done may give somebody work.
bool Hypervisor::drain_when_idle(Arch& arch) {
  if (settings_.delivery != abi::Delivery::softirq || hart_queues_[arch.hart()].size() == 0) return false;
  arch.mark(MarkKind::vcpu, hvsim::isa::kMarkNoVcpu);
  here(arch).announced = kNoVcpu;
  drain_queue(arch, hart_queues_[arch.hart()]);
  announce(arch, HypervisorPhase::schedule);
  return true;
}

// The dedicated hart of delivery `polling` does nothing but this. Only what is looked at without the right to
// drain may be out of date.
void Hypervisor::poll(Arch& arch) {
  announce(arch, HypervisorPhase::poll);
  arch.charge(Work::ring_look, 1);
  for (unsigned i = 0; i < vm_count_; ++i) {
    Vm& vm = vms_[i];
    if (scheduler_.condemned(vm.id) || !something_waits(arch, vm) || !vm.queue.begin_drain(arch)) continue;
    if (!scheduler_.condemned(vm.id)) {  // whoever ends it waits for us before the memory goes away
      announce(arch, HypervisorPhase::drain);
      run_everything(arch, vm.queue, vm);
      vm.queue.entry_done(false);
    }
    vm.queue.end_drain(arch);
    announce(arch, HypervisorPhase::poll);
  }
}

bool Hypervisor::polls(const Arch& arch) const {
  return settings_.delivery == abi::Delivery::polling && arch.hart() == highest_bit(all_harts_);
}

// Runs calls from the front until `until` or until the budget is used up. For the holder of the drain. What
// VMs may see of it is written before others can find the queue empty.
void Hypervisor::run_front(Arch& arch, DlhQueue& queue, DlhQueue::Ticket until, Cycles budget) {
  const Cycles start = arch.cycles();
  const DlhQueue::Ticket first = queue.finished();
  std::uint64_t calls = 0;
  while (first + calls < until) {
    Vm& vm = vms_[queue.owner(first + calls)];
    arch.mark(MarkKind::serving, vm.id);
    Ran ran;
    bool stop = false;
    const std::uint64_t before = calls;
    do {
      stop = budget != kNoBudget && arch.cycles() - start >= budget;
      if (stop) break;
      arch.charge(Work::drain_entry, 1);
      const abi::Notification& call = queue.at(first + calls);
      arch.uses(&call, sizeof call, false);
      run_one(arch, vm, call, ran);
      ++calls;
    } while (first + calls < until && queue.owner(first + calls) == vm.id);
    publish_completed(arch, vm, ran);
    vm.count(vm.statistics.drained, calls - before);
    if (settings_.delivery == abi::Delivery::softirq) add(vm.deferred, before - calls);
    if (stop) break;
  }
  if (calls != 0 || first < until) arch.mark(MarkKind::serving, hvsim::isa::kMarkNoVm);
  queue.uses_indices(arch);
  queue.pop(calls);
}

std::int64_t Hypervisor::run_one(Arch& arch, Vm& vm, const abi::Notification& call, Ran& ran) {
  arch.charge(Work::run_call, 1);
  const std::int64_t error = run_deferrable(arch, vm, call);
  const bool good = error == abi::kSuccess;
  arch.mark(MarkKind::calls_ran, hvsim::isa::mark_calls(vm.id, 1));
  ++ran.calls;
  ran.succeeded += good ? 1 : 0;
  if ((call.completion & abi::kCompletionInterrupt) !=
      0) {  // the guest may run meanwhile, and looks at the count
    publish_completed(arch, vm, ran);
    ran = {};
  }
  complete(arch, vm, call.completion, good);
  return error;
}

// The guest must never see the count go back, so harts that run calls of a VM at the same time take turns.
// Calls that failed are completed, too, but only those that succeeded are work done.
void Hypervisor::publish_completed(Arch& arch, Vm& vm, Ran ran) {
  if (ran.calls == 0) return;
  arch.charge(Work::publish, 1);
  arch.uses(&vm.completed, sizeof vm.completed, true);
  if (vm.counted_by_many) arch.lock(vm.memory_lock);
  arch.write_word(vm.shared_page + offsetof(abi::SharedPage, completed), vm.completed += ran.calls);
  if (vm.counted_by_many) arch.unlock(vm.memory_lock);
  if (ran.succeeded != 0) arch.mark(MarkKind::hypercall_done, hvsim::isa::mark_calls(vm.id, ran.succeeded));
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
  note(arch, vm, vm.statistics.completion_interrupts, DeliveryEvent::completion_interrupt, 0);
  raise_software_interrupt(arch, vcpus_[vm.first_vcpu + abi::completion_vcpu(completion)]);
}

}  // namespace hv
