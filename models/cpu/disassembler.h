// An Op as text, in the words of the GNU tools (objdump -M no-aliases,numeric).
#pragma once

#include <cstdint>
#include <string>

#include "models/cpu/op.h"

namespace hvsim::cpu {

// `pc` is the op's address: branches and jumps show their target. CSRs show their number. A compressed op
// reads as the instruction that it stands for.
std::string disassemble(const Op& op, std::uint64_t pc);

}  // namespace hvsim::cpu
