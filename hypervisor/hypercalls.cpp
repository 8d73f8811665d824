// The hypercalls of abi/hypercall.h: what guests may ask, each argument checked.
#include <algorithm>
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

// a0..a7 are x10..x17.
std::uint64_t argument(const Vcpu& vcpu, unsigned n) { return vcpu.general.x[10 + n]; }

bool known(std::uint64_t number) {
  return number <= static_cast<std::uint64_t>(abi::Hypercall::query) ||
         (number >= static_cast<std::uint64_t>(abi::Hypercall::console_write) &&
          number < abi::kHypercallCount);
}

bool may_be_queued(const abi::Notification& entry) {
  return known(entry.call) && abi::deferrable(static_cast<abi::Hypercall>(entry.call)) &&
         entry.status_slot < abi::kStatusSlots;
}

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
  if (answer.verdict == Verdict::stop) return answer.verdict;
  vcpu.general.x[10] = static_cast<std::uint64_t>(answer.error);
  if (extension != abi::kSbiLegacyPutchar) vcpu.general.x[11] = answer.value;
  return answer.verdict;
}

Hypervisor::Answer Hypervisor::hypercall(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t number) {
  if (!known(number)) return reject(vm, abi::kErrorNotSupported);
  const auto call = static_cast<abi::Hypercall>(number);
  if (abi::deferrable(call)) return deferrable(arch, vcpu, vm, call);
  if (call == abi::Hypercall::notify) return notify(arch, vm, Gpa{argument(vcpu, 0)}, argument(vcpu, 1));

  // A call that is not deferrable is a barrier: what was queued before it runs before it.
  if (drain_all(arch, vm)) {
    vm.count(vm.statistics.barrier_drains);
    arch.mark(MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::exit));
  }
  const Answer answer = synchronous(arch, vcpu, vm, call);
  if (answer.error == abi::kSuccess) {
    vm.count(vm.statistics.hypercalls[number]);
    if (!carries(call)) arch.mark(MarkKind::hypercall_done, 1);
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

// Delivery `immediate` runs the routine inside this trap, `dlh` only queues it.
Hypervisor::Answer Hypervisor::deferrable(Arch& arch, Vcpu& vcpu, Vm& vm, abi::Hypercall call) {
  if (argument(vcpu, 5) >= abi::kStatusSlots) return reject(vm, abi::kErrorInvalidParameter);
  abi::Notification entry{
      static_cast<std::uint32_t>(call), static_cast<std::uint32_t>(argument(vcpu, 5)), {}};
  for (unsigned i = 0; i < 5; ++i) entry.arguments[i] = argument(vcpu, i);
  if (settings_.delivery == abi::Delivery::immediate) {
    const std::int64_t error = run_deferrable(arch, vm, entry);
    const bool good = error == abi::kSuccess;
    publish_status(arch, vm, entry.status_slot, good ? abi::Status::done : abi::Status::failed);
    publish_completed(arch, vm, {.calls = 1, .succeeded = good ? 1u : 0u});
    return {.error = error};
  }
  arch.mark(MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::enqueue));
  enqueue(arch, vm, {&entry, 1});
  return {};
}

// The list is copied once, so that a guest that changes it meanwhile changes nothing. All of it is queued, or
// nothing from the first entry on that may not be; the value says how many were taken.
Hypervisor::Answer Hypervisor::notify(Arch& arch, Vm& vm, Gpa list, std::uint64_t count) {
  if (settings_.delivery == abi::Delivery::immediate) return reject(vm, abi::kErrorNotSupported);
  if (count == 0 || count > abi::kMaxNotifications || list.value % alignof(abi::Notification) != 0)
    return reject(vm, abi::kErrorInvalidParameter);
  arch.mark(MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::enqueue));
  abi::Notification entries[kNotificationPiece];
  for (std::uint64_t taken = 0; taken < count;) {
    const std::uint64_t piece = std::min<std::uint64_t>(count - taken, kNotificationPiece);
    if (!copy_from_guest(arch, vm.table, entries, list + taken * sizeof entries[0],
                         piece * sizeof entries[0]))
      return reject(vm, abi::kErrorInvalidAddress, taken);
    const auto bad = std::find_if_not(entries, entries + piece, may_be_queued);
    const auto good = static_cast<std::uint64_t>(bad - entries);
    if (good != 0) enqueue(arch, vm, {entries, good});
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

// The routines behind the deferrable calls. `call.call` is known to be one of them.
std::int64_t Hypervisor::run_deferrable(Arch& arch, Vm& vm, const abi::Notification& call) {
  const auto& arguments = call.arguments;
  std::int64_t error = abi::kSuccess;
  switch (static_cast<abi::Hypercall>(call.call)) {
    case abi::Hypercall::console_write: {
      const std::uint64_t count = arguments[0];
      if (count < 1 || count > 4 * sizeof(std::uint64_t)) {
        error = abi::kErrorInvalidParameter;
        break;
      }
      char text[4 * sizeof(std::uint64_t)];
      for (std::size_t i = 0; i < count; ++i)
        text[i] = static_cast<char>(arguments[1 + i / 8] >> (8 * (i % 8)));
      vm.console.put(arch, {text, static_cast<std::size_t>(count)});
      break;
    }
    case abi::Hypercall::event_send:
      error = send_event(arch, arguments[0], arguments[1]);
      break;
    case abi::Hypercall::statistics_update:
      if (arguments[0] < vm.statistics.counters.size())
        vm.count(vm.statistics.counters[arguments[0]], arguments[1]);
      else
        error = abi::kErrorInvalidParameter;
      break;
    case abi::Hypercall::timer_slack:
      if (arguments[0] <= kMaxTimerSlackMicroseconds)
        store_release(vm.timer_slack_ticks, ticks_of_us(arguments[0]));
      else
        error = abi::kErrorInvalidParameter;
      break;
    case abi::Hypercall::routine:
      if (arguments[0] <= abi::kMaxRoutineIterations)
        store_release(vm.last_routine, routine(arch, arguments[0]));
      else
        error = abi::kErrorInvalidParameter;
      break;
    default:
      error = abi::kErrorNotSupported;
      break;
  }
  if (error == abi::kSuccess)
    vm.count(vm.statistics.hypercalls[call.call]);
  else
    vm.count(vm.statistics.rejected_calls);
  return error;
}

std::int64_t Hypervisor::send_event(Arch& arch, std::uint64_t target, std::uint64_t event) {
  if (target >= vm_count_ || event >= 64) return abi::kErrorInvalidParameter;
  Vm& vm = vms_[target];
  const Locked locked(arch, vm.memory_lock);  // its memory must not go away under us
  if (scheduler_.condemned(vm.id)) return abi::kErrorFailed;
  arch.or_word(vm.shared_page + offsetof(abi::SharedPage, events), std::uint64_t{1} << event);
  raise_software_interrupt(arch, vcpus_[vm.first_vcpu]);
  return abi::kSuccess;
}

void Hypervisor::raise_software_interrupt(Arch& arch, Vcpu& vcpu) {
  store_release(vcpu.software_pending, std::uint32_t{1});
  scheduler_.wake(arch, vcpu.id);
}

std::uint64_t Hypervisor::routine(Arch& arch, std::uint64_t iterations) {
  arch.charge(Work::routine_iteration, iterations);
  return abi::routine_value(iterations);
}

}  // namespace hv
