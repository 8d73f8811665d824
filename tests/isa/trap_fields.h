// What the fields of a trap in the log say, for the list of known differences.
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/op.h"
#include "tests/isa/known_differences.h"

namespace hvsim::oracle {

inline bool is_guest_physical(TrapCsr csr) { return csr == TrapCsr::mtval2 || csr == TrapCsr::htval; }
inline bool is_instruction_csr(TrapCsr csr) { return csr == TrapCsr::mtinst || csr == TrapCsr::htinst; }
bool is_cause(TrapCsr csr);
bool is_value(TrapCsr csr);  // mtval, stval, vstval

// Sets of causes: bit n is cause n.
inline constexpr std::uint64_t kLoadFaults = 1u << 5 | 1u << 13 | 1u << 21, kStoreFaults = kLoadFaults << 2,
                               kAccessFaults = 1u << 1 | 1u << 5 | 1u << 7,
                               kFoundByReading = 1u << 7 | 1u << 23,
                               kGuestPageFaults = 1u << 20 | 1u << 21 | 1u << 23;
inline bool is_one_of(std::uint64_t causes, std::uint64_t cause) {
  return cause < 64 && (causes >> cause & 1) != 0;
}

// The instruction that a trap was taken from, if it is one of the program.
std::optional<std::uint32_t> instruction_at(const Program& program, std::uint64_t pc);
cpu::Class class_of(std::uint32_t raw);
bool is_system(std::uint32_t raw);  // CSRs, HLV and relatives, cache blocks, and what moves between modes
bool is_hlvx(std::uint32_t raw);
// "Transformed Instruction or Pseudoinstruction for mtinst or htinst", all but the Addr. Offset field.
std::uint32_t transformed(std::uint32_t raw);

// The pc of the trap that the field's CSR belongs to, its cause as our machine has it, and another CSR of it
// by level.
std::uint64_t pc_of(const TrapField& field);
std::uint64_t model_cause(const TrapField& field);
std::uint64_t model_at(const TrapField& field, TrapCsr machine, TrapCsr supervisor);

}  // namespace hvsim::oracle
