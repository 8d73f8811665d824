// VCPUs whose turn ends while the hypervisor is at something for them, and how that goes on.
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"

namespace hv {

// Between two calls of a drain: what a timer interrupt would do between two instructions of the guest.
Vcpu* Hypervisor::give_way(Arch& arch, Vcpu& vcpu) {
  const bool goes = timer_expired(arch) == Verdict::slice_over || scheduler_.should_preempt(arch);
  return goes ? preempt(arch, vcpu, Scheduler::Because::slice_is_over) : &vcpu;
}

Vcpu* Hypervisor::give_way(Arch& arch, Vcpu& vcpu, Vcpu::Unfinished what) {
  vcpu.unfinished = what;
  return give_way(arch, vcpu);
}

// Others have caught up, and perhaps want the hart.
Vcpu* Hypervisor::resume_drain(Arch& arch, Vcpu& vcpu) {
  if (scheduler_.begun_to_block(vcpu.id)) return block(arch, vcpu);
  if (!scheduler_.condemned(vcpu.vm) && !hart_is_wanted(arch)) return &vcpu;
  scan_if_due(arch, &vcpu);
  return select(arch, vcpu, Verdict::unfinished);
}

// It has begun to block, and its turn is over before it may.
Vcpu* Hypervisor::stay(Arch& arch, Vcpu& vcpu, Vcpu::Unfinished what) {
  scheduler_.wake(arch, vcpu.id);
  scheduler_.finish_block(arch, vcpu.id, kNever);
  return scheduler_.condemned(vcpu.vm) ? leave(arch, vcpu) : give_way(arch, vcpu, what);
}

// With what is unfinished: as after an exit.
Vcpu* Hypervisor::go_on(Arch& arch, Vcpu& vcpu) {
  const Verdict verdict = finish(arch, vcpu);
  scan_if_due(arch, &vcpu);
  return select(arch, vcpu, verdict);
}

Hypervisor::Verdict Hypervisor::finish(Arch& arch, Vcpu& vcpu) {
  switch (vcpu.unfinished) {
    case Vcpu::Unfinished::call:
      announce(arch, HypervisorPhase::exit);
      return environment_call(arch, vcpu);
    case Vcpu::Unfinished::wait:
      return Verdict::block;
    case Vcpu::Unfinished::starve:
      return Verdict::starve;
    case Vcpu::Unfinished::fault:
      announce(arch, HypervisorPhase::exit);
      return kill(arch, vcpu, vcpu.fatal);
    case Vcpu::Unfinished::end:
      return Verdict::stop;
    case Vcpu::Unfinished::nothing:
    case Vcpu::Unfinished::entry:
      break;  // the drain has just stopped
  }
  return Verdict::unfinished;
}

// What the VM deferred runs before its end, and in the time of those of its VCPUs that were on harts.
// False: this one's turn is over before.
bool Hypervisor::settle(Arch& arch, Vcpu& vcpu) {
  if (vcpu.unfinished != Vcpu::Unfinished::end) vcpu.finish();
  const Drained drained = drain_all(arch, vm_of(vcpu), vcpu.drain, Patience::while_its_turn);
  if (drained != Drained::nothing) announce(arch, HypervisorPhase::schedule);
  if (drained == Drained::not_all) scheduler_.linger(arch, vcpu.id);
  if (drained != Drained::not_all) vcpu.finish();
  return drained != Drained::not_all;
}

}  // namespace hv
