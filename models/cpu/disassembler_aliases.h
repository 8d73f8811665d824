// The assembler's other names for some instructions (unprivileged manual, "RISC-V Assembly Programmer's
// Handbook": pseudoinstructions), as far as objdump uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/cpu/disassembler.h"
#include "models/cpu/op.h"

namespace hvsim::cpu {

// d s t: rd, rs1, rs2; D S: the FP registers rd and rs1; j: immediate; m: immediate and base; p: branch
// target; c: CSR; z: the 5-bit immediate of a CSR instruction. Commas go between.
struct Alias {
  const char* name;
  const char* operands;
};

std::optional<Alias> find_alias(const Op& op);
std::string alias_operands(const Alias& alias, const Op& op, std::uint64_t pc, DisassemblyStyle style);

}  // namespace hvsim::cpu
