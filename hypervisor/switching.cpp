// Who runs next on this hart, and what moves between hart and memory when that is somebody else.
#include <algorithm>
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
using hvsim::isa::Interrupt;

constexpr std::uint64_t kVssip = bit(Interrupt::virtual_supervisor_software);
constexpr std::uint64_t kVstip = bit(Interrupt::virtual_supervisor_timer);
constexpr std::uint64_t kVseip = bit(Interrupt::virtual_supervisor_external);
constexpr std::uint64_t kFsClean = std::uint64_t{2} << csr::kFsShift;

// What a switch looks at of a VM: who it is, where it may run, its table.
constexpr std::size_t kVmHead = 128;

std::uint64_t only(unsigned hart) { return std::uint64_t{1} << hart; }

}  // namespace

// Step 3 of the claims. Whoever does not stay has its registers saved before another hart can select it.
Vcpu* Hypervisor::select(Arch& arch, Vcpu& vcpu, Verdict verdict) {
  announce(arch, HypervisorPhase::schedule);
  arch.charge(Work::schedule, 1);
  if (scheduler_.condemned(vcpu.vm)) return leave(arch, vcpu);
  switch (verdict) {
    case Verdict::resume:
      if (!scheduler_.should_preempt(arch)) return &vcpu;
      return preempt(arch, vcpu, Scheduler::Because::slice_is_over);
    case Verdict::slice_over:
      return preempt(arch, vcpu, Scheduler::Because::slice_is_over);
    case Verdict::yield:
      return preempt(arch, vcpu, Scheduler::Because::yields);
    case Verdict::block:
      return block(arch, vcpu);
    case Verdict::starve:
      return starve(arch, vcpu);
    case Verdict::unfinished:
      return give_way(arch, vcpu);
    case Verdict::stop:
      break;
  }
  return leave(arch, vcpu);
}

Vcpu* Hypervisor::preempt(Arch& arch, Vcpu& vcpu, Scheduler::Because because) {
  arch.charge(Work::preempt, 1);
  settle_overrun(arch, vcpu);
  if (scheduler_.over_cap(arch, vcpu.id)) return park(arch, vcpu);
  const VcpuId next = scheduler_.take_instead(arch, vcpu.id, because);
  if (next == kNoVcpu) {
    new_slice(arch, vcpu);
    return &vcpu;
  }
  unload(arch, vcpu);
  if (scheduler_.put_back(arch, vcpu.id)) reap(arch, vm_of(vcpu));
  new_slice(arch, vcpus_[next]);
  return &vcpus_[next];
}

// Until the next period of its VM's cap.
Vcpu* Hypervisor::park(Arch& arch, Vcpu& vcpu) {
  unload(arch, vcpu);
  if (scheduler_.park(arch, vcpu.id)) reap(arch, vm_of(vcpu));
  return next_vcpu(arch);
}

Vcpu* Hypervisor::block(Arch& arch, Vcpu& vcpu) {
  bool last = false;
  if (scheduler_.begun_to_block(vcpu.id)) {
    last = scheduler_.last_to_block(vcpu.vm);
  } else {
    unload(arch, vcpu);
    if (interrupt_waits(arch, vcpu)) {
      vcpu.finish();
      return &vcpu;
    }
    arch.charge(Work::block, 1);
    last = scheduler_.begin_block(arch, vcpu.id);
  }
  if (arch.meets()) {  // whoever wakes it does so before it blocks, or afterwards
    vcpu.unfinished = Vcpu::Unfinished::wait;
    return &vcpu;
  }
  if (interrupt_waits(arch, vcpu)) scheduler_.wake(arch, vcpu.id);
  if (last && drains_before_blocking()) {
    const Drained drained = drain_all(arch, vm_of(vcpu), vcpu.drain, Patience::while_its_turn);
    if (drained != Drained::nothing) announce(arch, HypervisorPhase::schedule);
    if (drained == Drained::not_all) return stay(arch, vcpu, Vcpu::Unfinished::wait);
    if (drained == Drained::all)
      note(arch, vm_of(vcpu), vm_of(vcpu).statistics.blocking_drains, DeliveryEvent::blocking_drain, 0);
  }
  settle_overrun(arch, vcpu);  // of the drain, too, and while the VCPU is still ours
  const std::uint64_t wake_at = vcpu.sstc ? vcpu.vs.vstimecmp : late_deadline(vcpu);
  vcpu.finish();
  if (!scheduler_.finish_block(arch, vcpu.id, wake_at))
    return scheduler_.condemned(vcpu.vm) ? leave(arch, vcpu) : &vcpu;
  here(arch).announced = kNoVcpu;  // so that its return is announced, even if nobody runs in between
  return next_vcpu(arch);
}

Vcpu* Hypervisor::leave(Arch& arch, Vcpu& vcpu) {
  Hart& hart = here(arch);
  leave_calls(arch, vm_of(vcpu));
  if (hart.loaded == vcpu.id) hart.loaded = kNoVcpu;
  if (hart.fp_loaded == vcpu.id) hart.fp_loaded = kNoVcpu;
  if (scheduler_.condemned(vcpu.vm) && !settle(arch, vcpu))
    return give_way(arch, vcpu, Vcpu::Unfinished::end);
  settle_overrun(arch, vcpu);
  if (scheduler_.stop(arch, vcpu.id)) reap(arch, vm_of(vcpu));
  return next_vcpu(arch);
}

Vcpu* Hypervisor::next_vcpu(Arch& arch) {
  arch.charge(Work::take, 1);
  VcpuId next = scheduler_.take(arch);
  while (next == kNoVcpu && drain_when_idle(arch)) next = scheduler_.take(arch);
  if (next == kNoVcpu) return nullptr;
  new_slice(arch, vcpus_[next]);
  return &vcpus_[next];
}

Vcpu* Hypervisor::resume_idle(Arch& arch) {
  announce(arch, HypervisorPhase::schedule);
  arch.charge(Work::schedule, 1);
  wake_sleepers(arch);
  scan_if_due(arch, nullptr);
  return next_vcpu(arch);
}

void Hypervisor::rest(Arch& arch) {
  Hart& hart = here(arch);
  if (hart.announced != kNoVcpu || !hart.idle_announced) arch.mark(MarkKind::vcpu, hvsim::isa::kMarkNoVcpu);
  hart.announced = kNoVcpu;
  hart.idle_announced = true;
  no_slice(arch);
  program_timer(arch, std::min(scheduler_.next_wake(arch), next_scan(arch)));
  announce(arch, HypervisorPhase::idle);
}

void Hypervisor::wake_sleepers(Arch& arch) {
  Hart& hart = here(arch);
  const std::uint64_t now = arch.ticks();
  if (now >= hart.timer) hart.timer = 0;  // it has fired: it must be set again, even to the same time
  if (now >= scheduler_.next_wake(arch)) scheduler_.wake_expired(arch, now);
}

// Not so if its turn ended before it was entered: then its registers are in memory.
bool Hypervisor::loaded_here(Arch& arch, const Vcpu& vcpu) {
  return here(arch).loaded == vcpu.id && vcpu.last_hart == arch.hart();
}

void Hypervisor::unload(Arch& arch, Vcpu& vcpu) {
  leave_calls(arch, vm_of(vcpu));
  if (!loaded_here(arch, vcpu)) return;
  arch.charge(Work::unload, 1);
  arch.save(vcpu, RegisterGroup::vs);
  if ((vcpu.general.sstatus & csr::kFs) != csr::kFs) return;  // not dirty
  arch.save(vcpu, RegisterGroup::fp);
  vcpu.general.sstatus = (vcpu.general.sstatus & ~csr::kFs) | kFsClean;
}

Vcpu* Hypervisor::prepare_entry(Arch& arch, Vcpu& vcpu) {
  arch.uses(&here(arch), offsetof(Hart, last_vcpu), true);
  Vcpu* const next = finish_before_entry(arch, vcpu);
  if (next == nullptr || next->unfinished != Vcpu::Unfinished::nothing) return next;
  vm_of(*next).count(vm_of(*next).statistics.entries);
  if (load_relaxed(next->suspended) != 0) store_release(next->suspended, std::uint32_t{0});
  // Something else than frames may have woken it: an interrupt whose handler sleeps is no wait for memory.
  if (load_relaxed(next->starved) != 0) starves_no_longer(arch, *next);
  announce(arch, HypervisorPhase::restore);
  load(arch, *next);
  merge_interrupts(arch, *next);
  program_timer(
      arch, std::min({slice_end(arch), scheduler_.next_wake(arch), late_deadline(*next), next_scan(arch)}));
  return next;
}

// Step 4, first half of the claims: the queue of the VM that owns the selected VCPU is drained right before
// the VCPU's context is loaded. Where that takes all of its turn, somebody else is selected.
Vcpu* Hypervisor::finish_before_entry(Arch& arch, Vcpu& vcpu) {
  using Unfinished = Vcpu::Unfinished;
  for (Vcpu* next = &vcpu; next != nullptr; next = go_on(arch, *next)) {
    announce_vcpu(arch, *next);
    const Unfinished what = next->unfinished;
    if (what != Unfinished::nothing && arch.ahead()) return next;
    const bool is_entry = what == Unfinished::nothing || what == Unfinished::entry;
    if (is_entry && (!entries_drain_ || drain_at_entry(arch, *next))) return next;
  }
  return nullptr;
}

// From here on the time is this VCPU's.
void Hypervisor::announce_vcpu(Arch& arch, const Vcpu& vcpu) {
  Hart& hart = here(arch);
  if (hart.announced == vcpu.id) return;
  arch.mark(MarkKind::vcpu, hvsim::isa::mark_vcpu(vcpu.vm, vcpu.number));
  hart.announced = vcpu.id;
  hart.idle_announced = false;
}

void Hypervisor::load(Arch& arch, Vcpu& vcpu) {
  Hart& hart = here(arch);
  const bool moved = vcpu.last_hart != arch.hart();
  if (hart.loaded != vcpu.id || moved) {
    arch.charge(Work::vcpu_switch, 1);
    arch.uses(&vcpu.id, sizeof vcpu - offsetof(Vcpu, id), true);
    arch.uses(&vm_of(vcpu), kVmHead, false);
    note_hart(arch, vm_of(vcpu));
    arch.restore(vcpu, RegisterGroup::vs);
    fence_for(arch, vcpu, moved);
    hart.loaded = vcpu.id;
    vcpu.last_hart = static_cast<std::uint16_t>(arch.hart());
    const bool fp_here = hart.fp_loaded == vcpu.id && vcpu.fp_hart == arch.hart();
    vcpu.general.sstatus = (vcpu.general.sstatus & ~csr::kFs) | (fp_here ? kFsClean : 0);
  }
  if (load_relaxed(vcpu.fence_pending) == 0) return;
  const std::uint32_t wanted = exchange(vcpu.fence_pending, std::uint32_t{0});
  const std::uint64_t hgatp = vcpu.vs.hgatp;
  if ((wanted & kFenceMappings) != 0) arch.fence({GuestFence::Kind::vs_stage, hgatp, only(arch.hart())});
  if ((wanted & kFenceInstructions) != 0)
    arch.fence({GuestFence::Kind::instructions, hgatp, only(arch.hart())});
}

// From here on the hart may hold translations of the VM, and is reached by its fences.
void Hypervisor::note_hart(Arch& arch, Vm& vm) {
  const std::uint64_t bit = only(arch.hart());
  if ((load_relaxed(vm.sharing.seen_harts) & bit) != 0) return;
  add_bits(vm.sharing.seen_harts, bit);
  order_all();
}

// Translations are tagged by VMID and ASID only. What this hart cached for the VMID may be another VCPU's or,
// when this one ran elsewhere since, out of date.
void Hypervisor::fence_for(Arch& arch, const Vcpu& vcpu, bool moved) {
  VcpuId& last = here(arch).last_vcpu[vcpu.vm];
  const std::uint64_t hgatp = vcpu.vs.hgatp;
  if (!vmids_suffice_)
    arch.fence({GuestFence::Kind::everything, 0, only(arch.hart())});
  else if (last != kNoVcpu && (last != vcpu.id || moved))
    arch.fence({GuestFence::Kind::vs_stage, hgatp, only(arch.hart())});
  last = vcpu.id;
  // What it fenced elsewhere is not fenced here.
  if (moved) arch.fence({GuestFence::Kind::instructions, hgatp, only(arch.hart())});
}

void Hypervisor::load_fp(Arch& arch, Vcpu& vcpu) {
  arch.restore(vcpu, RegisterGroup::fp);
  here(arch).fp_loaded = vcpu.id;
  vcpu.fp_hart = static_cast<std::uint16_t>(arch.hart());
  vcpu.general.sstatus = (vcpu.general.sstatus & ~csr::kFs) | kFsClean;
}

void Hypervisor::merge_interrupts(Arch& arch, Vcpu& vcpu) {
  arch.charge(Work::interrupt_merge, 1);
  if (load_relaxed(vcpu.software_pending) != 0 && exchange(vcpu.software_pending, std::uint32_t{0}) != 0)
    vcpu.general.hvip |= kVssip;
  if (load_acquire(vcpu.external_pending) != 0)
    vcpu.general.hvip |= kVseip;
  else
    vcpu.general.hvip &= ~kVseip;
  if (vcpu.timer_deadline != kNever && arch.ticks() >= vcpu.timer_deadline) vcpu.general.hvip |= kVstip;
}

// Whether WFI would return at once: an interrupt is pending and enabled in sie, whatever sstatus.SIE says.
bool Hypervisor::interrupt_waits(Arch& arch, const Vcpu& vcpu) const {
  std::uint64_t pending = vcpu.general.hvip & ~kVseip;
  if (load_acquire(vcpu.external_pending) != 0) pending |= kVseip;
  if (load_acquire(vcpu.software_pending) != 0) pending |= kVssip;
  const std::uint64_t deadline = vcpu.sstc ? vcpu.vs.vstimecmp : vcpu.timer_deadline;
  if (deadline != kNever && arch.ticks() >= deadline) pending |= kVstip;
  return ((pending >> 1) & vcpu.vs.vsie) != 0;  // vsie has the bits at their S-mode places
}

void Hypervisor::program_timer(Arch& arch, std::uint64_t deadline) {
  Hart& hart = here(arch);
  if (hart.timer == deadline) return;
  arch.charge(Work::timer, 1);
  arch.set_timer(deadline);
  hart.timer = deadline;
}

// When the hart should trap for the VCPU's timer; kNever when it was presented already, or the guest has
// Sstc.
std::uint64_t Hypervisor::late_deadline(const Vcpu& vcpu) const {
  if (vcpu.timer_deadline == kNever || (vcpu.general.hvip & kVstip) != 0) return kNever;
  const std::uint64_t slack = load_acquire(vms_[vcpu.vm].timer_slack_ticks);
  return vcpu.timer_deadline + slack < slack ? kNever : vcpu.timer_deadline + slack;
}

}  // namespace hv
