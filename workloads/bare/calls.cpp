// What each hypercall does on the bare machine.
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/bare/board.h"
#include "workloads/bare/monitor.h"
#include "workloads/runtime/csr.h"

namespace bare {

namespace {

using hv::abi::Hypercall;
using hv::abi::Notification;
using hv::abi::SharedPage;
using hv::abi::Status;

constexpr std::uint64_t kCounters = 16, kEvents = 64, kConsoleBytes = 32;

alignas(4096) constinit SharedPage page{};
constinit std::uint64_t counters[kCounters];
volatile std::uint64_t routine_result;  // keeps the routine's work from being left out

constexpr Answer kInvalid{hv::abi::kErrorInvalidParameter};

Answer console_write(const std::uint64_t (&a)[5]) {
  if (a[0] == 0 || a[0] > kConsoleBytes) return kInvalid;
  for (std::uint64_t i = 0; i < a[0]; ++i) put(static_cast<char>(a[1 + i / 8] >> (8 * (i % 8))));
  return {};
}

Answer event_send(std::uint64_t target, std::uint64_t event) {
  if (target != 0 || event >= kEvents) return kInvalid;
  std::atomic_ref{page.events}.fetch_or(std::uint64_t{1} << event);
  guest::csr_set<hvsim::isa::csr::mip>(bit(hvsim::isa::Interrupt::supervisor_software));
  return {};
}

Answer statistics_update(std::uint64_t counter, std::uint64_t increment) {
  if (counter >= kCounters) return kInvalid;
  counters[counter] += increment;
  return {};
}

Answer run_routine(std::uint64_t iterations) {
  if (iterations > hv::abi::kMaxRoutineIterations) return kInvalid;
  routine_result = hv::abi::routine_value(iterations);
  return {hv::abi::kSuccess, routine_result};
}

Answer deferrable_call(Hypercall call, const std::uint64_t (&a)[5]) {
  Answer answer{hv::abi::kErrorNotSupported};
  switch (call) {
    case Hypercall::console_write:
      answer = console_write(a);
      break;
    case Hypercall::event_send:
      answer = event_send(a[0], a[1]);
      break;
    case Hypercall::statistics_update:
      answer = statistics_update(a[0], a[1]);
      break;
    case Hypercall::timer_slack:
    case Hypercall::remote_fence:  // one hart, which fences by itself; and nobody wants its pages
    case Hypercall::dirty_log_update:
    case Hypercall::page_release:
    case Hypercall::page_claim:
    case Hypercall::share:
    case Hypercall::unshare:
      answer = {};
      break;
    case Hypercall::routine:
      answer = {run_routine(a[0]).error};
      break;
    default:
      return answer;
  }
  ++page.completed;
  return answer;
}

Answer run_entry(const Notification& entry) {
  const Answer answer = deferrable_call(static_cast<Hypercall>(entry.call), entry.arguments);
  if (const std::uint32_t slot = hv::abi::completion_slot(entry.completion); slot != 0)
    page.status[slot] =
        static_cast<std::uint32_t>(answer.error == hv::abi::kSuccess ? Status::done : Status::failed);
  return answer;
}

Answer notify(const Monitor& monitor, std::uint64_t address, std::uint64_t count) {
  const hv::abi::BootInfo& info = monitor.boot_info;
  if (count == 0 || count > hv::abi::kMaxNotifications) return kInvalid;
  if (address % 8 != 0 || address < info.memory_base ||
      address - info.memory_base > info.memory_bytes - count * sizeof(Notification))
    return {hv::abi::kErrorInvalidAddress};
  const auto* const entries = reinterpret_cast<const Notification*>(address);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!deferrable(static_cast<Hypercall>(entries[i].call))) return kInvalid;
    run_entry(entries[i]);
  }
  return {};
}

}  // namespace

SharedPage* shared_page() { return &page; }

Answer hypercall(Monitor& monitor, const Notification& call) {
  const auto& a = call.arguments;
  switch (static_cast<Hypercall>(call.call)) {
    case Hypercall::vm_info:
      return {hv::abi::kSuccess, (1u << 16) | 1};
    case Hypercall::yield:
      return {};
    case Hypercall::dlh_fence:
      return {};
    case Hypercall::power_off:
      stop(monitor, a[0]);
    case Hypercall::notify:
      return notify(monitor, a[0], a[1]);
    case Hypercall::query:
      return run_routine(a[0]);
    default:
      return run_entry(call);
  }
}

}  // namespace bare
