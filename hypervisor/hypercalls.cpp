// The hypercalls of abi/hypercall.h: what guests may ask, each argument checked.
#include <algorithm>

#include "hypervisor/guest_memory.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"

namespace hv {
namespace {

// a0..a7 are x10..x17.
std::uint64_t argument(const Vcpu& vcpu, unsigned n) { return vcpu.general.x[10 + n]; }

// A list is taken over in pieces of so many entries, to spare the stack.
constexpr std::uint64_t kNotificationPiece = 16;

bool carries(abi::Hypercall call) {
  return call == abi::Hypercall::notify || call == abi::Hypercall::dlh_fence;
}

}  // namespace

Hypervisor::Verdict Hypervisor::environment_call(Arch& arch, Vcpu& vcpu) {
  Vm& vm = vm_of(vcpu);
  arch.charge(Work::hypercall_dispatch, 1);
  const std::uint64_t extension = argument(vcpu, 7), function = argument(vcpu, 6);
  vcpu.general.sepc += 4;
  const bool ours = extension == abi::kHypercallExtension;
  const Answer answer = ours ? hypercall(arch, vcpu, vm, function) : sbi(arch, vcpu, vm, extension, function);
  if (answer.verdict == Verdict::unfinished) {  // made anew when it is this VCPU's turn again
    vcpu.general.sepc -= 4;
    vcpu.unfinished = Vcpu::Unfinished::call;
    return answer.verdict;
  }
  if (vcpu.unfinished != Vcpu::Unfinished::nothing) vcpu.finish();
  if (answer.verdict == Verdict::stop) return answer.verdict;
  vcpu.general.x[10] = static_cast<std::uint64_t>(answer.error);
  if (extension != abi::kSbiLegacyPutchar) vcpu.general.x[11] = answer.value;
  return answer.verdict;
}

Hypervisor::Answer Hypervisor::hypercall(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t number) {
  if (!abi::known_hypercall(number)) return reject(vm, abi::kErrorNotSupported);
  const auto call = static_cast<abi::Hypercall>(number);
  if (abi::deferrable(call)) return deferrable(arch, vcpu, vm, call);
  if (call == abi::Hypercall::ring_kick) return kick(arch, vcpu, vm);
  if (call == abi::Hypercall::notify)
    return notify(arch, vcpu, vm, Gpa{argument(vcpu, 0)}, argument(vcpu, 1));

  arch.charge(Work::answer, 1);
  if (!pass_barrier(arch, vcpu, vm)) return {.verdict = Verdict::unfinished};
  const Answer answer = synchronous(arch, vcpu, vm, call);
  if (answer.error == abi::kSuccess) {
    vm.count(vm.statistics.hypercalls[number]);
    if (!carries(call)) arch.mark(MarkKind::hypercall_done, hvsim::isa::mark_calls(vm.id, 1));
  }
  return answer;
}

Hypervisor::Answer Hypervisor::synchronous(Arch& arch, Vcpu& vcpu, Vm& vm, abi::Hypercall call) {
  switch (call) {
    case abi::Hypercall::vm_info:
      return {.value = std::uint64_t{vm.id} << 32 | std::uint64_t{vm_count_} << 16 | vm.vcpus};
    case abi::Hypercall::yield:
      return {.verdict = Verdict::yield};
    case abi::Hypercall::power_off: {
      const auto code = static_cast<std::uint32_t>(argument(vcpu, 0));
      Text reason;
      reason.add("powered off, code ").decimal(code);
      return {.verdict = end_vm(arch, vm, code, reason)};
    }
    case abi::Hypercall::query:
      if (argument(vcpu, 0) > abi::kMaxRoutineIterations) return reject(vm, abi::kErrorInvalidParameter);
      return {.value = routine(arch, argument(vcpu, 0))};
    default:
      return {};  // dlh_fence: the barrier was all
  }
}

// A deferrable call in a trap of its own.
Hypervisor::Answer Hypervisor::deferrable(Arch& arch, Vcpu& vcpu, Vm& vm, abi::Hypercall call) {
  abi::Notification entry{
      static_cast<std::uint32_t>(call), static_cast<std::uint32_t>(argument(vcpu, 5)), {}};
  if (argument(vcpu, 5) != entry.completion || !may_be_deferred(vm, entry))
    return reject(vm, abi::kErrorInvalidParameter);
  for (unsigned i = 0; i < 5; ++i) entry.arguments[i] = argument(vcpu, i);
  const bool again = vcpu.unfinished == Vcpu::Unfinished::call;
  if (!again) note(arch, vm, vm.statistics.notifications, DeliveryEvent::notification, 1);
  if (runs_in_trap()) {
    arch.charge(Work::trap_run, 1);
    Ran ran;
    const Answer answer{.error = run_one(arch, vm, entry, ran)};
    publish_completed(arch, vm, ran);
    return answer;
  }
  announce(arch, HypervisorPhase::enqueue);
  std::span<const abi::Notification> one{&entry, 1};
  if (!enqueue(arch, vcpu, vm, one)) return {.verdict = Verdict::unfinished};
  return {};
}

// Calls that a guest has collected for one trap. Each is copied before it is looked at, so that a guest that
// changes the list meanwhile changes nothing. All of it is queued, or with `multicall` run, or nothing from
// the first entry on that may not be; the value says how many were taken.
Hypervisor::Answer Hypervisor::notify(Arch& arch, Vcpu& vcpu, Vm& vm, Gpa list, std::uint64_t count) {
  const bool multicall = settings_.delivery == abi::Delivery::multicall;
  if (runs_in_trap() && !multicall) return reject(vm, abi::kErrorNotSupported);
  if (count == 0 || count > abi::kMaxNotifications || list.value % alignof(abi::Notification) != 0)
    return reject(vm, abi::kErrorInvalidParameter);
  const bool again = vcpu.unfinished == Vcpu::Unfinished::call;
  if (!again) note(arch, vm, vm.statistics.notifications, DeliveryEvent::notification, count);
  if (!multicall) announce(arch, HypervisorPhase::enqueue);
  abi::Notification entries[kNotificationPiece];
  for (std::uint64_t taken = vcpu.taken; taken < count;) {
    const std::uint64_t piece = std::min<std::uint64_t>(count - taken, kNotificationPiece);
    if (!copy_from_guest(arch, vm, entries, list + taken * sizeof entries[0], piece * sizeof entries[0]))
      return reject(vm, abi::kErrorInvalidAddress, taken);
    const auto bad = std::find_if_not(
        entries, entries + piece, [&](const abi::Notification& entry) { return may_be_deferred(vm, entry); });
    const auto good = static_cast<std::uint64_t>(bad - entries);
    std::int64_t error = abi::kSuccess;  // status words tell which failed
    std::span<const abi::Notification> rest{entries, good};
    if (good != 0 && multicall) rest = rest.subspan(run_now(arch, vm, rest, error));
    if (good != 0 && !multicall) enqueue(arch, vcpu, vm, rest);
    if (!rest.empty()) {
      vcpu.taken = taken + good - rest.size();
      return {.verdict = Verdict::unfinished};
    }
    if (good < piece) return reject(vm, abi::kErrorInvalidParameter, taken + good);
    taken += piece;
  }
  vm.count(vm.statistics.hypercalls[static_cast<std::size_t>(abi::Hypercall::notify)]);
  return {.value = count};
}

Hypervisor::Answer Hypervisor::reject(Vm& vm, std::int64_t error, std::uint64_t value) {
  vm.count(vm.statistics.rejected_calls);
  return {.error = error, .value = value};
}

}  // namespace hv
