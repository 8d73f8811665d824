// Time slices: how long a VCPU may have its hart, and when the hart is interrupted for that.
#include <algorithm>

#include "hypervisor/hypervisor.h"

namespace hv {
namespace {

// What is left of a slice whose VCPU pays of what it owes; half of it at least.
std::uint64_t pay_debt(Vcpu& vcpu, std::uint64_t slice) {
  const std::uint64_t paid = std::min(vcpu.debt_ticks, slice / 2);
  vcpu.debt_ticks -= paid;
  return slice - paid;
}

}  // namespace

// While nobody else could have the hart it is not interrupted at the end of the slice. That is decided once
// per slice, so that harts are interrupted for those who come and go no more often than slices end.
void Hypervisor::new_slice(Arch& arch, Vcpu& vcpu) {
  Hart& hart = here(arch);
  const std::uint64_t left = pay_debt(vcpu, scheduler_.slice(arch, vcpu.id));
  hart.slice_end = arch.ticks() + left;
  hart.slice_of = vcpu.id;
  if (hart.untimed || !scheduler_.alone(arch) || settings_.delivery == abi::Delivery::dlh_ring) return;
  hart.untimed = true;
  scheduler_.set_untimed(arch, true);  // who becomes ready from here on interrupts this hart
}

// No VCPU has the hart.
void Hypervisor::no_slice(Arch& arch) {
  Hart& hart = here(arch);
  hart.slice_end = kNever;
  if (!hart.untimed) return;
  hart.untimed = false;
  scheduler_.set_untimed(arch, false);
}

// What entries drain must not wait for ever while a guest needs no entry. Nobody knows what a guest puts into
// its rings meanwhile, so that with `dlh_ring` slices always end in interrupts.
bool Hypervisor::calls_wait(Arch& arch) {
  const Vcpu& vcpu = vcpus_[here(arch).slice_of];
  return queue_for(arch, vm_of(vcpu)).size() != 0;
}

// A VCPU gives its hart away. While calls of its VM wait, one of those VCPUs that go on must be entered
// again.
void Hypervisor::leave_calls(Arch& arch, Vm& vm) {
  if (!entries_drain_ || vm.vcpus == 1 || vm.queue.size() == 0) return;
  const std::uint64_t all = (std::uint64_t{1} << vm.vcpus) - 1;
  scheduler_.interrupt_untimed(arch, scheduler_.running_harts(arch, vm.first_vcpu, all));
}

// Slices count from here, from where they would be had the hart been interrupted at the end of each.
std::uint64_t Hypervisor::begin_timing(Arch& arch) {
  Hart& hart = here(arch);
  hart.untimed = false;
  scheduler_.set_untimed(arch, false);
  pass_slices(arch);
  return hart.slice_end;
}

// Slices that ended while their VCPU was alone: each pays some of its debt in time, and debts in turns are
// forgiven who has nobody to be passed over for.
void Hypervisor::pass_slices(Arch& arch) {
  Hart& hart = here(arch);
  const std::uint64_t now = arch.ticks();
  if (now < hart.slice_end) return;
  Vcpu& vcpu = vcpus_[hart.slice_of];
  scheduler_.forgive(arch, vcpu.id);
  const std::uint64_t slice = scheduler_.slice(arch, vcpu.id);
  for (unsigned i = 0; i < 2 && now >= hart.slice_end; ++i)  // it owes less than a slice
    hart.slice_end += pay_debt(vcpu, slice);
  if (now >= hart.slice_end && slice != 0) hart.slice_end += ((now - hart.slice_end) / slice + 1) * slice;
}

// Round robin only: the credit scheduler counts all time of a VCPU anyway.
// Time that a VCPU took beyond its slice (long drains, long hypercalls) is paid back in full, in turns that
// go to others and the rest off its later slices, at most half of each: who floods its queue slows itself.
// Called whenever it gives the hart away, whatever for.
void Hypervisor::settle_overrun(Arch& arch, Vcpu& vcpu) {
  Hart& hart = here(arch);
  const std::uint64_t now = arch.ticks(), slice = ticks_of_us(settings_.time_slice_us);
  if (settings_.scheduler == SchedulerPolicy::credit || now <= slice_end(arch)) return;
  vcpu.debt_ticks += now - hart.slice_end;
  hart.slice_end = now;  // if it stays after all, it goes on from here
  if (slice == 0 || vcpu.debt_ticks < slice) return;
  scheduler_.owe(arch, vcpu.id, vcpu.debt_ticks / slice);
  vcpu.debt_ticks %= slice;
}

Hypervisor::Verdict Hypervisor::timer_expired(Arch& arch) {
  arch.charge(Work::expiry, 1);
  wake_sleepers(arch);
  return arch.ticks() < slice_end(arch) ? Verdict::resume : Verdict::slice_over;
}

}  // namespace hv
