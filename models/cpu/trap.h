// Trap entry: where a trap goes, what it writes, and how faults become traps.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"
#include "models/mmu/mmu.h"

namespace hvsim::cpu {

struct TrapTaken {
  isa::Mode from{}, to{};
  isa::Trap trap{};  // as raised: VS-level interrupts with their HS-level codes
  std::uint64_t epc = 0;
};

// Delivers `trap` at state.pc: delegation, CSRs, mode, and state.pc = the vector.
TrapTaken take_trap(HartState& hart, const isa::Trap& trap);

// Where take_trap() would go.
isa::Mode trap_destination(const HartState& hart, const isa::Trap& trap);

// The trap for a failed access to `address`, made as `space` says. `instruction` is the encoding of the load
// or store (16-bit ones zero-extended); `address_offset` is how far `address` lies above the first byte of a
// misaligned access.
isa::Trap memory_fault(const mmu::TranslationFault& fault, isa::Access access, isa::Gva address,
                       const mmu::AddressSpace& space, std::uint32_t instruction,
                       unsigned address_offset = 0);

// The same for an access fault found after translation (nothing there, or a device that refuses), and for
// accesses that must be aligned and are not.
isa::Trap access_fault(isa::Access access, isa::Gva address, bool guest_virtual, std::uint32_t instruction,
                       unsigned address_offset = 0);
isa::Trap misaligned_fault(isa::Access access, isa::Gva address, bool guest_virtual,
                           std::uint32_t instruction);

// Illegal- and virtual-instruction exceptions carry the instruction's bits.
isa::Trap illegal_instruction(std::uint32_t instruction);
isa::Trap virtual_instruction(std::uint32_t instruction);

}  // namespace hvsim::cpu
