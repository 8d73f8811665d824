// How deferrable hypercalls are delivered: what runs in its trap, what is queued where, who drains how much.
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"

namespace hv {
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

// Deliveries that do not queue: the trap that brought the calls runs them. The result is how many of them it
// ran before somebody else should have the hart.
std::uint64_t Hypervisor::run_now(Arch& arch, Vm& vm, std::span<const abi::Notification> calls,
                                  std::int64_t& last_error) {
  arch.charge(Work::trap_run, 1);
  Ran ran;
  std::uint64_t count = 0;
  Cycles looked = arch.cycles();
  for (const abi::Notification& call : calls) {
    if (count != 0 && hart_is_wanted(arch, arch.cycles(), looked)) break;
    last_error = run_one(arch, vm, call, ran);
    ++count;
  }
  publish_completed(arch, vm, ran);
  return count;
}

// A full queue is drained on the spot: nothing is ever dropped. What was queued is taken off `calls`. False:
// the VCPU's turn was over before there was room for all of them.
bool Hypervisor::enqueue(Arch& arch, Vcpu& vcpu, Vm& vm, std::span<const abi::Notification>& calls) {
  const bool softirq = settings_.delivery == abi::Delivery::softirq;
  if (!vcpu.drain.begun) {  // else that was done before its turn ended
    arch.charge(Work::deferral, 1);
    arch.charge(Work::enqueue, calls.size());
  }
  DlhQueue& queue = queue_for(arch, vm);
  if (softirq) vcpu.drain = {};  // perhaps it was another hart's queue that was full
  for (bool full = vcpu.drain.begun;; full = true) {
    if (full) {
      if (drain_queue(arch, queue, vcpu.drain, Patience::while_its_turn) == Drained::not_all) return false;
      announce(arch, HypervisorPhase::enqueue);
    }
    const std::uint64_t wanted = calls.size();
    for (const abi::Notification& call : calls)
      publish_status(arch, vm, call.completion, abi::Status::queued);
    if (softirq) add(vm.deferred, wanted);  // before others can run them
    note_depth(arch, vm, queue.push(arch, vm.id, calls));
    if (softirq && !calls.empty()) add(vm.deferred, ~std::uint64_t{calls.size()} + 1);
    vm.count(vm.statistics.queued, wanted - calls.size());
    if (calls.empty()) return true;
    note(arch, vm, vm.statistics.overflow_drains, DeliveryEvent::overflow_drain, 0);
  }
}

void Hypervisor::note_depth(Arch& arch, Vm& vm, std::uint64_t depth) {
  if (depth > vm.statistics.deepest_queue) vm.statistics.deepest_queue = depth;
  arch.mark(MarkKind::delivery, hvsim::isa::mark_delivery(vm.id, DeliveryEvent::depth, depth));
}

// Whether right before an entry something may have to run: known once and for all.
bool Hypervisor::entries_may_drain() const {
  return settings_.drain_at_entry &&
         (settings_.delivery == abi::Delivery::dlh || settings_.delivery == abi::Delivery::softirq ||
          settings_.delivery == abi::Delivery::dlh_ring);
}

// Step 4 of the claims: right before a VCPU is entered. False: its turn was over before the drain was. Most
// entries find nothing.
bool Hypervisor::drain_at_entry(Arch& arch, Vcpu& vcpu) {
  const bool goes_on = vcpu.unfinished == Vcpu::Unfinished::entry;
  if (!goes_on && settings_.delivery == abi::Delivery::dlh_ring) {
    if (!something_waits(arch, vm_of(vcpu))) return true;
  } else if (!goes_on) {
    arch.charge(Work::drain_check, 1);
    if (queue_for(arch, vm_of(vcpu)).size() == 0) return true;
  }
  return drain_before_entry(arch, vcpu, goes_on);
}

bool Hypervisor::drain_before_entry(Arch& arch, Vcpu& vcpu, bool goes_on) {
  const bool done = drain_within_budget(arch, vm_of(vcpu), vcpu.drain);
  if (!done)
    vcpu.unfinished = Vcpu::Unfinished::entry;
  else if (goes_on)
    vcpu.finish();
  return done;
}

// The budget bounds what one entry pays; max_deferred_entries bounds how long a call waits.
bool Hypervisor::drain_within_budget(Arch& arch, Vm& vm, Drain& drain) {
  const bool softirq = settings_.delivery == abi::Delivery::softirq;
  DlhQueue& queue = softirq && drain.begun ? hart_queues_[drain.step] : queue_for(arch, vm);
  if (!queue.begin_drain(arch)) {  // another hart is at it
    drain = {};
    return true;
  }
  announce(arch, HypervisorPhase::drain);
  if (!drain.begun) {
    drain.begun = true;
    if (softirq) drain.step = static_cast<std::uint8_t>(arch.hart());
    if (!queue.must_drain_all()) {
      drain.budget = queue.limits().drain_budget_cycles;
      drain.left_over = !take_from_rings(arch, vm);
    }
    drain.until = queue.appended();
  }
  const bool all = drain.budget == Drain::kNoBudget;
  const bool whole = all ? run_everything(arch, queue, vm, drain, Patience::while_its_turn)
                         : run_front(arch, queue, drain, Patience::while_its_turn);
  const bool left_over = !all && (drain.left_over || queue.finished() < drain.until);
  if (whole) queue.entry_done(left_over);
  queue.end_drain(arch);
  if (!whole) return false;
  drain = {};
  if (left_over) note(arch, vm, vm.statistics.budget_stops, DeliveryEvent::budget_stop, 0);
  if (all) note(arch, vm, vm.statistics.forced_drains, DeliveryEvent::forced_drain, 0);
  return true;
}

// Before a hart idles: nobody's time, and what is done may give somebody work. True: look again.
bool Hypervisor::drain_when_idle(Arch& arch) {
  if (!drains_before_rest(arch) || arch.ahead()) return false;
  arch.mark(MarkKind::vcpu, hvsim::isa::kMarkNoVcpu);
  here(arch).announced = kNoVcpu;
  no_slice(arch);
  Drain drain;
  if (drain_queue(arch, hart_queues_[arch.hart()], drain, Patience::while_its_turn) == Drained::not_all) {
    wake_sleepers(arch);
    scan_if_due(arch, nullptr);
  }
  announce(arch, HypervisorPhase::schedule);
  return true;
}

bool Hypervisor::drains_before_rest(Arch& arch) {
  return settings_.delivery == abi::Delivery::softirq && hart_queues_[arch.hart()].size() != 0;
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
      Drain drain{.until = vm.queue.appended()};
      run_everything(arch, vm.queue, vm, drain, Patience::to_the_end);
      vm.queue.entry_done(false);
    }
    vm.queue.end_drain(arch);
    announce(arch, HypervisorPhase::poll);
  }
}

bool Hypervisor::polls(const Arch& arch) const {
  return settings_.delivery == abi::Delivery::polling && arch.hart() == highest_bit(all_harts_);
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
