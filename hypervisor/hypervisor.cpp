// What each exit means, and how VMs end.
#include "hypervisor/hypervisor.h"

#include "hypervisor/atomics.h"
#include "hypervisor/locked.h"
#include "hypervisor/phase.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;

constexpr std::uint64_t kWfi = 0x10500073;

// The longest name of an exit or a counter with blank and equals sign, and the digits of any number.
constexpr std::size_t kStatisticBytes = sizeof " STORE_GUEST_PAGE_FAULT=" + 20;
constexpr std::size_t kStatisticsLineBytes =
    sizeof "[hv] statistics \n" + kMaxNameBytes +
    (static_cast<std::size_t>(ExitReason::count) + 19) * kStatisticBytes;

constexpr std::size_t kSharingLineBytes =
    sizeof "[hv] sharing \n" + kMaxNameBytes + kSharingCounters * (sizeof " longest_detect_ticks=" + 20);

bool from_supervisor(const Vcpu& vcpu) { return (vcpu.general.sstatus & csr::kSpp) != 0; }

}  // namespace

Vcpu* Hypervisor::handle(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  announce(arch, HypervisorPhase::exit);
  arch.charge(Work::exit_dispatch, 1);
  vm_of(vcpu).count(vm_of(vcpu).statistics.exits[static_cast<std::size_t>(exit.reason)]);
  if (settings_.audit_exits != 0) audit_now_and_then(arch);
  const Verdict verdict = dispatch(arch, vcpu, exit);
  scan_if_due(arch, &vcpu);
  return select(arch, vcpu, verdict);
}

Hypervisor::Verdict Hypervisor::dispatch(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  switch (exit.reason) {
    case ExitReason::supervisor_syscall:
      return environment_call(arch, vcpu);
    case ExitReason::virtual_inst_fault:
    case ExitReason::inst_illegal:
      return instruction_fault(arch, vcpu, exit);
    case ExitReason::timer_interrupt:
      return timer_expired(arch);
    case ExitReason::software_interrupt:
      return Verdict::resume;  // what is pending is found at entry
    case ExitReason::inst_guest_page_fault:
    case ExitReason::load_guest_page_fault:
    case ExitReason::store_guest_page_fault:
      return guest_page_fault(arch, vcpu, exit);
    case ExitReason::inst_access:
    case ExitReason::load_access:
    case ExitReason::store_access:
    case ExitReason::external_interrupt:
    case ExitReason::other:
    case ExitReason::count:
      break;
  }
  return kill(arch, vcpu, exit);
}

Hypervisor::Verdict Hypervisor::instruction_fault(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  const bool fp_off = (vcpu.general.sstatus & csr::kFs) == 0;
  if (exit.reason == ExitReason::inst_illegal && fp_off) {
    load_fp(arch, vcpu);  // it may have been a floating-point instruction; if not, it comes back
    return Verdict::resume;
  }
  if (exit.reason == ExitReason::virtual_inst_fault && exit.value == kWfi && from_supervisor(vcpu)) {
    vcpu.general.sepc += 4;
    return Verdict::block;
  }
  return reflect(arch, vcpu, exit);
}

// The guest made the mistake, so the guest gets the exception: as if the hart had delegated it to VS-mode.
Hypervisor::Verdict Hypervisor::reflect(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  arch.save(vcpu, RegisterGroup::vs);
  VsRegisters& vs = vcpu.vs;
  if ((vs.vstvec & ~std::uint64_t{3}) == 0) return kill(arch, vcpu, exit);
  const bool interrupts_on = (vs.vsstatus & csr::kSie) != 0;
  vs.vsepc = vcpu.general.sepc;
  vs.vscause = static_cast<std::uint64_t>(hvsim::isa::Exception::illegal_instruction);
  vs.vstval = exit.value;
  vs.vsstatus &= ~(csr::kSie | csr::kSpie | csr::kSpp);
  vs.vsstatus |= (interrupts_on ? csr::kSpie : 0) | (vcpu.general.sstatus & csr::kSpp);
  vcpu.general.sepc = vs.vstvec & ~std::uint64_t{3};
  vcpu.general.sstatus |= csr::kSpp;
  arch.restore(vcpu, RegisterGroup::vs);
  return Verdict::resume;
}

Hypervisor::Verdict Hypervisor::kill(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  if (drain_all(arch, vm_of(vcpu), vcpu.drain, Patience::while_its_turn) == Drained::not_all) {
    vcpu.unfinished = Vcpu::Unfinished::fault;
    vcpu.fatal = exit;
    return Verdict::unfinished;
  }
  Text reason;
  reason.add("killed: ").add(exit_name(exit.reason)).add(" at pc ").hex(vcpu.general.sepc);
  if (is_guest_page_fault(exit.reason)) reason.add(", guest-physical ").hex(exit.guest_physical);
  reason.add(", cause ").hex(exit.cause).add(", value ").hex(exit.value);
  return end_vm(arch, vm_of(vcpu), kKilled, reason);
}

// From here on none of its VCPUs is started again; the last one to leave its hart reaps the VM.
Hypervisor::Verdict Hypervisor::end_vm(Arch& arch, Vm& vm, std::uint32_t code, const Text& reason) {
  if (exchange(vm.exit_recorded, std::uint32_t{1}) != 0) return Verdict::stop;
  arch.charge(Work::vm_end, 1);
  vm.exit_code = code;
  if (code != 0 && load_acquire(first_failure_) == 0) store_release(first_failure_, code);
  vm.console.finish(arch);
  Text line;
  line.add("[hv] ").add(vm.name()).add(": ").add(reason.view()).add("\n");
  arch.console(line.view());
  scheduler_.condemn(arch, vm.id);
  return Verdict::stop;
}

// No VCPU of the VM is on any hart any more, and each has drained before it left: settle what was deferred in
// between, then give the VM's memory back.
void Hypervisor::reap(Arch& arch, Vm& vm) {
  arch.charge(Work::vm_end, 1);
  Drain drain;
  drain_all(arch, vm, drain, Patience::to_the_end);
  vm.queue.wait_for_drain(arch);  // a hart that polls may still be at it; it looks before it begins anew
  vm.queue.end_drain(arch);
  vm.console.finish(arch);
  if (settings_.print_statistics) print_statistics(arch, vm);
  arch.fence({GuestFence::Kind::g_stage, vm.hgatp(), all_harts_});
  {
    const Locked locked(arch, vm.memory_lock);
    const Locked pages(arch, vm.sharing.lock);
    frames_.release(arch, pool_, vm);
    vm.disk.release(arch, pool_);
    vm.state = Vm::State::off;
  }
  if (scans_maps(load_relaxed(settings_.sharing.policy)) &&
      settings_.sharing.source == MapSource::introspection && vm.sharing.search == VmSharing::MapSearch::open)
    report_search(arch, vm, introspections_[vm.id].why());
  send_counters(arch, vm.id);
  feed_starved(arch);
  add(vms_off_, std::uint32_t{1});
}

void Hypervisor::print_statistics(Arch& arch, const Vm& vm) {
  const VmStatistics& s = vm.statistics;
  BoundedText<kStatisticsLineBytes> line;  // in one piece, so that no other hart's text gets into it
  line.add("[hv] statistics ").add(vm.name());
  for (std::size_t i = 0; i < s.exits.size(); ++i)
    if (s.exits[i] != 0)
      line.add(" ").add(exit_name(static_cast<ExitReason>(i))).add("=").decimal(s.exits[i]);
  line.add(" entries=").decimal(s.entries).add(" queued=").decimal(s.queued);
  line.add(" deepest=").decimal(s.deepest_queue).add(" overflows=").decimal(s.overflow_drains);
  line.add(" barriers=").decimal(s.barrier_drains).add(" budget_stops=").decimal(s.budget_stops);
  line.add(" notifications=").decimal(s.notifications).add(" from_rings=").decimal(s.from_rings);
  line.add(" drained=").decimal(s.drained).add(" blocking=").decimal(s.blocking_drains);
  line.add(" forced=").decimal(s.forced_drains).add(" ring_errors=").decimal(s.ring_errors);
  line.add(" interrupted=").decimal(s.interrupted_drains);
  line.add(" completion_interrupts=").decimal(s.completion_interrupts);
  const Scheduler::Times times = scheduler_.times(arch, vm.id);
  const auto microseconds = [&](Scheduler::Activity activity) {
    return times[static_cast<std::size_t>(activity)] * 1'000'000 / timebase_hz_;
  };
  line.add(" run_us=").decimal(microseconds(Scheduler::Activity::running));
  line.add(" steal_us=").decimal(microseconds(Scheduler::Activity::ready));
  line.add(" wait_us=").decimal(microseconds(Scheduler::Activity::blocked));
  line.add(" capped_us=").decimal(microseconds(Scheduler::Activity::capped)).add("\n");
  arch.console(line.view());
  if (settings_.sharing.shares()) print_sharing(arch, vm);
}

void Hypervisor::print_sharing(Arch& arch, const Vm& vm) {
  BoundedText<kSharingLineBytes> line;
  line.add("[hv] sharing ").add(vm.name());
  for (std::size_t i = 0; i <= static_cast<std::size_t>(SharingCounter::declined); ++i)
    if (vm.sharing.counters[i] != 0)
      line.add(" ").add(kSharingCounterNames[i]).add("=").decimal(vm.sharing.counters[i]);
  line.add("\n");
  arch.console(line.view());
}

bool Hypervisor::all_off() const { return load_acquire(vms_off_) == vm_count_; }

std::uint32_t Hypervisor::exit_code() const {
  const std::uint32_t code = load_acquire(first_failure_);
  if (code == 0) return 0;
  return (code & 0xff) == 0 ? kKilled : code & 0xff;
}

}  // namespace hv
