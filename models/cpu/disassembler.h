// Instructions as text, in the words of the GNU tools.
#pragma once

#include <cstdint>
#include <string>

#include "models/cpu/op.h"

namespace hvsim::cpu {

struct DisassemblyStyle {
  bool aliases = true;   // "ret" for "jalr zero,0(ra)", and 16-bit encodings as what they stand for
  bool numeric = false;  // x10 for a0
};
inline constexpr DisassemblyStyle kCanonical{.aliases = false, .numeric = true};

// `pc` is the op's address: branches and jumps show their target. A compressed op reads as the instruction
// that it stands for, with or without aliases.
std::string disassemble(const Op& op, std::uint64_t pc, DisassemblyStyle style = kCanonical);

// "a0" or "x10".
std::string register_name(unsigned number, DisassemblyStyle style = {});
std::string float_register_name(unsigned number, DisassemblyStyle style = {});

// How many bytes an encoding takes that begins with `first` (unprivileged manual, "Base Instruction-Length
// Encoding"): 2, 4, 6 or 8; 2 for longer ones, which nobody knows.
unsigned encoding_length(std::uint16_t first);

// As objdump lists it: 16-bit encodings under their own names when canonical, and what is no instruction as
// data (".4byte 0x..."). `raw` holds at least encoding_length() bytes, later ones do not matter.
std::string list_encoding(std::uint64_t raw, std::uint64_t pc, DisassemblyStyle style);

}  // namespace hvsim::cpu
