// Trap entry by the privileged manual: sections "Trap Entry" of the H extension and "Machine Trap Delegation
// Registers".
#include "models/cpu/trap.h"

#include <array>

#include "models/cpu/csr_fields.h"
#include "models/cpu/transformed_instruction.h"

namespace hvsim::cpu {
namespace {

namespace csr = isa::csr;
using isa::Exception;
using isa::Privilege;

bool delegated(std::uint64_t mask, const isa::Trap& trap) { return (mask >> trap.code & 1) != 0; }

void set_bit(std::uint64_t& status, std::uint64_t field, bool value) {
  status = value ? status | field : status & ~field;
}

// xPIE = xIE, xIE = 0.
void push_enable(std::uint64_t& status, std::uint64_t enable, std::uint64_t previous) {
  set_bit(status, previous, (status & enable) != 0);
  status &= ~enable;
}

std::uint64_t cause(const isa::Trap& trap, std::uint64_t code) {
  return trap.interrupt ? code | isa::kInterruptBit : code;
}

std::uint64_t vector(std::uint64_t tvec, const isa::Trap& trap, std::uint64_t code) {
  const std::uint64_t base = tvec & ~std::uint64_t{3};
  const bool vectored = (tvec & 3) == 1 && trap.interrupt;
  return vectored ? base + 4 * code : base;
}

void enter_machine(HartState& hart, const isa::Trap& trap) {
  CsrState& c = hart.csr;
  push_enable(c.mstatus, csr::kMie, csr::kMpie);
  c.mstatus = (c.mstatus & ~csr::kMpp) | std::uint64_t{static_cast<std::uint8_t>(hart.mode.privilege)}
                                             << csr::kMppShift;
  set_bit(c.mstatus, csr::kMpv, hart.mode.virtualized);
  set_bit(c.mstatus, csr::kGva, trap.guest_virtual);
  c.mepc = hart.pc;
  c.mcause = cause(trap, trap.code);
  c.mtval = trap.tval;
  c.mtval2 = trap.guest_physical;
  c.mtinst = trap.instruction;
  hart.pc = vector(c.mtvec, trap, trap.code);
}

void enter_supervisor(HartState& hart, const isa::Trap& trap) {
  CsrState& c = hart.csr;
  const bool from_supervisor = hart.mode.privilege == Privilege::supervisor;
  push_enable(c.mstatus, csr::kSie, csr::kSpie);
  set_bit(c.mstatus, csr::kSpp, from_supervisor);
  if (hart.mode.virtualized) set_bit(c.hstatus, csr::kSpvp, from_supervisor);
  set_bit(c.hstatus, csr::kSpv, hart.mode.virtualized);
  set_bit(c.hstatus, csr::kHGva, trap.guest_virtual);
  c.sepc = hart.pc;
  c.scause = cause(trap, trap.code);
  c.stval = trap.tval;
  c.htval = trap.guest_physical;
  c.htinst = trap.instruction;
  hart.pc = vector(c.stvec, trap, trap.code);
}

// The guest knows its interrupts 2, 6 and 10 as 1, 5 and 9.
void enter_virtual_supervisor(HartState& hart, const isa::Trap& trap) {
  CsrState& c = hart.csr;
  const std::uint64_t code = trap.interrupt ? trap.code - 1u : trap.code;
  push_enable(c.vsstatus, csr::kSie, csr::kSpie);
  set_bit(c.vsstatus, csr::kSpp, hart.mode.privilege == Privilege::supervisor);
  c.vsepc = hart.pc;
  c.vscause = cause(trap, code);
  c.vstval = trap.tval;
  hart.pc = vector(c.vstvec, trap, code);
}

// Fetch, load (and LR, HLV, HLVX), store (and SC, AMO, HSV).
struct FaultCodes {
  Exception misaligned, access, page, guest_page;
};
FaultCodes codes(isa::Access access) {
  switch (access) {
    case isa::Access::fetch:
      return {Exception::instruction_address_misaligned, Exception::instruction_access_fault,
              Exception::instruction_page_fault, Exception::instruction_guest_page_fault};
    case isa::Access::store:
      return {Exception::store_address_misaligned, Exception::store_access_fault, Exception::store_page_fault,
              Exception::store_guest_page_fault};
    case isa::Access::load:
    case isa::Access::execute_read:
      break;
  }
  return {Exception::load_address_misaligned, Exception::load_access_fault, Exception::load_page_fault,
          Exception::load_guest_page_fault};
}

isa::Trap data_trap(Exception code, isa::Access access, isa::Gva address, bool guest_virtual,
                    std::uint32_t instruction, unsigned address_offset = 0) {
  isa::Trap trap;
  trap.code = static_cast<std::uint8_t>(code);
  trap.guest_virtual = guest_virtual;
  trap.tval = address.value;
  if (access != isa::Access::fetch) trap.instruction = transformed_instruction(instruction, address_offset);
  return trap;
}

// A doubleword of a VS-stage page table: read by the walk, or written to set A or D.
constexpr std::uint64_t kPseudoRead = 0x3000, kPseudoWrite = 0x3020;

}  // namespace

isa::Mode trap_destination(const HartState& hart, const isa::Trap& trap) {
  const CsrState& c = hart.csr;
  if (hart.mode.privilege == Privilege::machine) return {Privilege::machine, false};
  if (!delegated(trap.interrupt ? effective_mideleg(hart) : c.medeleg, trap))
    return {Privilege::machine, false};
  const bool further = hart.mode.virtualized && delegated(trap.interrupt ? c.hideleg : c.hedeleg, trap);
  return {Privilege::supervisor, further};
}

TrapTaken take_trap(HartState& hart, const isa::Trap& trap) {
  const TrapTaken taken{hart.mode, trap_destination(hart, trap), trap, hart.pc};
  if (taken.to.privilege == Privilege::machine)
    enter_machine(hart, trap);
  else if (taken.to.virtualized)
    enter_virtual_supervisor(hart, trap);
  else
    enter_supervisor(hart, trap);
  hart.mode = taken.to;
  return taken;
}

isa::Trap memory_fault(const mmu::TranslationFault& fault, isa::Access access, isa::Gva address,
                       const mmu::AddressSpace& space, std::uint32_t instruction, unsigned address_offset) {
  const FaultCodes code = codes(access);
  const bool guest_page_fault = !fault.access_fault() && fault.stage == mmu::Stage::g_stage;
  const Exception exception = fault.access_fault() ? code.access
                              : guest_page_fault   ? code.guest_page
                                                   : code.page;
  isa::Trap trap = data_trap(exception, access, address, space.virtualized, instruction, address_offset);
  if (guest_page_fault) {
    trap.guest_physical = fault.guest_physical.value >> 2;
    // htval names the page-table entry then, and zero is not allowed in htinst.
    if (fault.implicit) trap.instruction = fault.implicit_write ? kPseudoWrite : kPseudoRead;
  }
  return trap;
}

isa::Trap access_fault(isa::Access access, isa::Gva address, bool guest_virtual, std::uint32_t instruction,
                       unsigned address_offset) {
  return data_trap(codes(access).access, access, address, guest_virtual, instruction, address_offset);
}

isa::Trap misaligned_fault(isa::Access access, isa::Gva address, bool guest_virtual,
                           std::uint32_t instruction) {
  return data_trap(codes(access).misaligned, access, address, guest_virtual, instruction);
}

isa::Trap illegal_instruction(std::uint32_t instruction) {
  isa::Trap trap;
  trap.code = static_cast<std::uint8_t>(Exception::illegal_instruction);
  trap.tval = instruction;
  return trap;
}

isa::Trap virtual_instruction(std::uint32_t instruction) {
  isa::Trap trap = illegal_instruction(instruction);
  trap.code = static_cast<std::uint8_t>(Exception::virtual_instruction);
  return trap;
}

}  // namespace hvsim::cpu
