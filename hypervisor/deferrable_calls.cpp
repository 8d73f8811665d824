// The deferrable hypercalls: which may be deferred, and the routine behind each, every argument checked.
#include <algorithm>
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {

bool Hypervisor::may_be_deferred(const Vm& vm, const abi::Notification& entry) {
  constexpr std::uint32_t known_bits = abi::kCompletionInterrupt | 0xFFu << 16 | (abi::kStatusSlots - 1);
  const bool interrupts = (entry.completion & abi::kCompletionInterrupt) != 0;
  const std::uint32_t vcpu = abi::completion_vcpu(entry.completion);
  return abi::known_hypercall(entry.call) && abi::deferrable(static_cast<abi::Hypercall>(entry.call)) &&
         (entry.completion & ~known_bits) == 0 && (interrupts ? vcpu < vm.vcpus : vcpu == 0);
}

namespace {

void charge_hint(Arch& arch, const Vm& vm, Gpa at, std::uint64_t pages) {
  arch.charge(Work::page_hint, 1);
  arch.charge(Work::hint_word, vm.hints.words(at, pages));
}

}  // namespace

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
    case abi::Hypercall::remote_fence:
      error = deferred_fence(arch, vm, arguments[0], arguments[1]);
      break;
    case abi::Hypercall::dirty_log_update:
      charge_hint(arch, vm, Gpa{arguments[0]}, arguments[1]);
      error = dirty_log_update(vm, Gpa{arguments[0]}, arguments[1]);
      break;
    case abi::Hypercall::page_release:
    case abi::Hypercall::page_claim:
    case abi::Hypercall::share:
    case abi::Hypercall::unshare:
      charge_hint(arch, vm, Gpa{arguments[0]},
                  std::uint64_t{1} << std::min(arguments[1], PageHints::kMaxOrder));
      error = page_hint(arch, vm, static_cast<abi::Hypercall>(call.call), Gpa{arguments[0]}, arguments[1]);
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

// Also for VCPUs that are on no hart: they fence when they are entered. In effect when this returns.
std::int64_t Hypervisor::deferred_fence(Arch& arch, Vm& vm, std::uint64_t vcpus, std::uint64_t what) {
  const bool instructions = what == static_cast<std::uint64_t>(abi::RemoteFence::instructions);
  if (what > static_cast<std::uint64_t>(abi::RemoteFence::instructions) || vcpus >> vm.vcpus != 0)
    return abi::kErrorInvalidParameter;
  fence_vcpus(arch, vm, vcpus, instructions);
  return abi::kSuccess;
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
  arch.uses(&vcpu.software_pending, sizeof vcpu.software_pending, true);
  store_release(vcpu.software_pending, std::uint32_t{1});
  scheduler_.wake(arch, vcpu.id);
}

std::uint64_t Hypervisor::routine(Arch& arch, std::uint64_t iterations) {
  arch.charge(Work::routine_iteration, iterations);
  return abi::routine_value(iterations);
}

}  // namespace hv
