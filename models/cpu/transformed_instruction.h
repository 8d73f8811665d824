// What htinst and mtinst say of a faulting load or store.
#pragma once

#include <cstdint>

namespace hvsim::cpu {

// The standard transformation (H extension, section "Transformed Instruction or Pseudoinstruction for mtinst
// or htinst") of a load, store, atomic or virtual-machine access; 0 for any other instruction. 16-bit
// encodings are taken zero-extended. `address_offset`: faulting address minus the access's own, for
// misaligned accesses.
std::uint32_t transformed_instruction(std::uint32_t instruction, unsigned address_offset);

}  // namespace hvsim::cpu
