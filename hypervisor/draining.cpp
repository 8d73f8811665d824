// Drains: running what is queued, in order and once, until it is done or somebody else should have the hart.
#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"

namespace hv {

// Between two calls, in which the hart takes no interrupts: whether one would give the hart to somebody else
// or to a scan.
bool Hypervisor::hart_is_wanted(Arch& arch, Cycles now, Cycles& looked) {
  if (now - looked < Drain::kLookCycles) return false;
  looked = now;
  return hart_is_wanted(arch) || arch.ahead();
}

bool Hypervisor::hart_is_wanted(Arch& arch) {
  const bool nobody_runs = here(arch).slice_end == kNever;
  if (scheduler_.should_preempt(arch) || (nobody_runs && scheduler_.waited_for(arch))) return true;
  return arch.ticks() >= std::min({slice_end(arch), scheduler_.next_wake(arch), next_scan(arch)});
}

bool Hypervisor::wait_for_drain(Arch& arch, DlhQueue& queue, Patience patience) {
  return queue.wait_for_drain(
      arch, [&] { return patience == Patience::while_its_turn && (hart_is_wanted(arch) || arch.ahead()); });
}

// Until everything that the VM deferred before `drain` began has run, by whomever.
Hypervisor::Drained Hypervisor::drain_all(Arch& arch, Vm& vm, Drain& drain, Patience patience) {
  if (runs_in_trap()) return Drained::nothing;
  if (settings_.delivery == abi::Delivery::softirq) return drain_harts(arch, vm, drain, patience);
  arch.charge(Work::drain_check, 1);
  if (!drain.begun) {
    if (!something_waits(arch, vm) && !vm.queue.drained_elsewhere(arch)) return Drained::nothing;
    drain.begun = true;
    drain.until = vm.queue.appended();
  } else if (ring_count(vm) == 0 && vm.queue.finished() >= drain.until && !vm.queue.drained_elsewhere(arch)) {
    drain = {};  // others have run it meanwhile, and may never leave the right to drain to us
    return Drained::all;
  }
  announce(arch, HypervisorPhase::drain);
  if (!wait_for_drain(arch, vm.queue, patience)) return Drained::not_all;
  const bool whole = run_everything(arch, vm.queue, vm, drain, patience);
  if (whole) vm.queue.entry_done(false);
  vm.queue.end_drain(arch);
  if (!whole) return Drained::not_all;
  drain = {};
  return Drained::all;
}

Hypervisor::Drained Hypervisor::drain_harts(Arch& arch, Vm& vm, Drain& drain, Patience patience) {
  arch.charge(Work::drain_check, 1);
  if (!drain.begun && drain.step == 0 && load_acquire(vm.deferred) == 0) return Drained::nothing;
  announce(arch, HypervisorPhase::drain);
  for (; drain.step < kMaxHarts && all_harts_ >> drain.step != 0; ++drain.step)
    if ((all_harts_ >> drain.step & 1) != 0 &&
        drain_queue(arch, hart_queues_[drain.step], drain, patience) == Drained::not_all)
      return Drained::not_all;
  drain = {};
  return Drained::all;
}

// The same for one queue, whosever calls are in it.
Hypervisor::Drained Hypervisor::drain_queue(Arch& arch, DlhQueue& queue, Drain& drain, Patience patience) {
  if (!drain.begun) drain.until = queue.appended();
  drain.begun = false;
  if (queue.finished() >= drain.until) return Drained::nothing;
  announce(arch, HypervisorPhase::drain);
  drain.begun = true;
  if (!wait_for_drain(arch, queue, patience)) return Drained::not_all;
  drain.begun = !run_front(arch, queue, drain, patience);
  if (!drain.begun) queue.entry_done(false);
  queue.end_drain(arch);
  return drain.begun ? Drained::not_all : Drained::all;
}

// A call that returns a value is a barrier: what was queued before it runs before it. False: the VCPU's turn
// was over before all of it had.
bool Hypervisor::pass_barrier(Arch& arch, Vcpu& vcpu, Vm& vm) {
  const Drained drained = drain_all(arch, vm, vcpu.drain, Patience::while_its_turn);
  if (drained == Drained::not_all) return false;
  if (drained == Drained::nothing) return true;
  note(arch, vm, vm.statistics.barrier_drains, DeliveryEvent::barrier_drain, 0);
  announce(arch, HypervisorPhase::exit);
  return true;
}

// What is queued below drain.until, and what lay in each of the VM's rings when its turn came. For the holder
// of the drain. False: somebody else should have the hart.
bool Hypervisor::run_everything(Arch& arch, DlhQueue& queue, Vm& vm, Drain& drain, Patience patience) {
  for (;;) {
    if (queue.finished() < drain.until && !run_front(arch, queue, drain, patience)) return false;
    if (&queue != &vm.queue) return true;
    if (drain.step == 0 || !take_more(arch, vm, drain)) {
      if (drain.step >= ring_count(vm)) return true;
      const unsigned ring = drain.step++;
      const std::uint64_t pending = ring_pending(arch, vm, ring);
      drain.ring_until = vm.rings.heads[ring] + pending;
    }
    drain.until = queue.appended();
  }
}

// From the last ring that was begun. False: nothing is left there of what lay in it then.
bool Hypervisor::take_more(Arch& arch, Vm& vm, const Drain& drain) {
  const unsigned ring = drain.step - 1u;
  const std::uint64_t left = drain.ring_until - vm.rings.heads[ring];
  if (left == 0 || left > vm.rings.capacity) return false;  // the latter: the guest has moved its indices
  take_from_ring(arch, vm, ring, left);
  return true;
}

// Runs calls from the front until drain.until or until its budget is used up. For the holder of the drain.
// What VMs may see of it is written before others can find the queue empty. False: it stopped because
// somebody else should have the hart, though not before the first call.
bool Hypervisor::run_front(Arch& arch, DlhQueue& queue, Drain& drain, Patience patience) {
  const Cycles start = arch.cycles();
  Cycles looked = start;
  const DlhQueue::Ticket first = queue.finished(), until = std::min(drain.until, queue.appended());
  std::uint64_t calls = 0;
  bool stop = false, wanted = false;
  while (first + calls < until && !stop) {
    Vm& vm = vms_[queue.owner(first + calls)];
    arch.mark(MarkKind::serving, vm.id);
    arch.charge(Work::drain_run, 1);
    Ran ran;
    const std::uint64_t before = calls;
    do {
      const Cycles now = arch.cycles();
      wanted = patience == Patience::while_its_turn && calls != 0 && hart_is_wanted(arch, now, looked);
      stop = wanted || (drain.budget != Drain::kNoBudget && now - start >= drain.budget);
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
  }
  if (wanted && hart_is_wanted(arch)) {
    Vm& next = vms_[queue.owner(first + calls)];
    note(arch, next, next.statistics.interrupted_drains, DeliveryEvent::interrupted_drain, 0);
  }
  if (drain.budget != Drain::kNoBudget) drain.budget -= std::min(drain.budget, arch.cycles() - start);
  if (calls != 0 || first < until) arch.mark(MarkKind::serving, hvsim::isa::kMarkNoVm);
  queue.uses_indices(arch);
  queue.pop(calls);
  return !wanted;
}

}  // namespace hv
