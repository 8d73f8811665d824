// Why a guest left: the closed set of exits and how a trap's CSRs become one.
#include "hypervisor/exits.h"

#include "models/cpu/isa/cause.h"

namespace hv {

using hvsim::isa::Exception;
using hvsim::isa::Interrupt;

ExitReason exit_reason(std::uint64_t scause) {
  if ((scause & hvsim::isa::kInterruptBit) != 0) {
    switch (scause & ~hvsim::isa::kInterruptBit) {
      case static_cast<std::uint64_t>(Interrupt::supervisor_timer):
        return ExitReason::timer_interrupt;
      case static_cast<std::uint64_t>(Interrupt::supervisor_software):
        return ExitReason::software_interrupt;
      case static_cast<std::uint64_t>(Interrupt::supervisor_external):
        return ExitReason::external_interrupt;
      default:
        return ExitReason::other;
    }
  }
  switch (scause) {
    case static_cast<std::uint64_t>(Exception::ecall_from_vs):
      return ExitReason::supervisor_syscall;
    case static_cast<std::uint64_t>(Exception::virtual_instruction):
      return ExitReason::virtual_inst_fault;
    case static_cast<std::uint64_t>(Exception::illegal_instruction):
      return ExitReason::inst_illegal;
    case static_cast<std::uint64_t>(Exception::instruction_guest_page_fault):
      return ExitReason::inst_guest_page_fault;
    case static_cast<std::uint64_t>(Exception::load_guest_page_fault):
      return ExitReason::load_guest_page_fault;
    case static_cast<std::uint64_t>(Exception::store_guest_page_fault):
      return ExitReason::store_guest_page_fault;
    case static_cast<std::uint64_t>(Exception::instruction_access_fault):
      return ExitReason::inst_access;
    case static_cast<std::uint64_t>(Exception::load_access_fault):
      return ExitReason::load_access;
    case static_cast<std::uint64_t>(Exception::store_access_fault):
      return ExitReason::store_access;
    default:
      return ExitReason::other;
  }
}

std::string_view exit_name(ExitReason reason) {
  switch (reason) {
    case ExitReason::supervisor_syscall:
      return "SUPERVISOR_SYSCALL";
    case ExitReason::virtual_inst_fault:
      return "VIRTUAL_INST_FAULT";
    case ExitReason::inst_illegal:
      return "INST_ILLEGAL";
    case ExitReason::inst_guest_page_fault:
      return "INST_GUEST_PAGE_FAULT";
    case ExitReason::load_guest_page_fault:
      return "LOAD_GUEST_PAGE_FAULT";
    case ExitReason::store_guest_page_fault:
      return "STORE_GUEST_PAGE_FAULT";
    case ExitReason::inst_access:
      return "INST_ACCESS";
    case ExitReason::load_access:
      return "LOAD_ACCESS";
    case ExitReason::store_access:
      return "STORE_ACCESS";
    case ExitReason::timer_interrupt:
      return "TIMER_INTERRUPT";
    case ExitReason::software_interrupt:
      return "SOFTWARE_INTERRUPT";
    case ExitReason::external_interrupt:
      return "EXTERNAL_INTERRUPT";
    case ExitReason::other:
    case ExitReason::count:
      break;
  }
  return "OTHER";
}

Exit make_exit(std::uint64_t scause, std::uint64_t stval, std::uint64_t htval, std::uint64_t htinst) {
  Exit exit{exit_reason(scause), scause, stval, 0, 0};
  // htval is the guest-physical address shifted right by 2; stval has the two bits below.
  if (is_guest_page_fault(exit.reason)) {
    exit.guest_physical = (htval << 2) | (stval & 3);
    exit.instruction = htinst;
  }
  return exit;
}

}  // namespace hv
