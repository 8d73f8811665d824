// Why a guest left: the closed set of exits and how a trap's CSRs become one.
#pragma once

#include <cstdint>
#include <string_view>

namespace hv {

// Names as `perf kvm stat` prints them on RISC-V where they mean the same; interrupts and `other` are ours.
enum class ExitReason : std::uint8_t {
  supervisor_syscall,  // ECALL from VS-mode: hypercalls and SBI
  virtual_inst_fault,  // WFI, or an instruction that a guest may not execute
  inst_illegal,        // illegal, or the first floating-point instruction (lazy FP)
  inst_guest_page_fault,
  load_guest_page_fault,
  store_guest_page_fault,
  inst_access,
  load_access,
  store_access,
  timer_interrupt,
  software_interrupt,
  external_interrupt,
  other,  // anything that this hypervisor delegates and should never see
  count
};

struct Exit {
  ExitReason reason = ExitReason::other;
  std::uint64_t cause = 0;           // scause
  std::uint64_t value = 0;           // stval: instruction bits or guest virtual address
  std::uint64_t guest_physical = 0;  // byte address, from htval and stval; guest page faults only
  std::uint64_t instruction = 0;     // htinst; guest page faults only
};

constexpr bool is_guest_page_fault(ExitReason reason) {
  return reason == ExitReason::inst_guest_page_fault || reason == ExitReason::load_guest_page_fault ||
         reason == ExitReason::store_guest_page_fault;
}

ExitReason exit_reason(std::uint64_t scause);
std::string_view exit_name(ExitReason reason);

// The port reads htval and htinst only when the reason is a guest page fault.
Exit make_exit(std::uint64_t scause, std::uint64_t stval, std::uint64_t htval, std::uint64_t htinst = 0);

}  // namespace hv
