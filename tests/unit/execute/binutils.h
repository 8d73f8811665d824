// The GNU assembler and disassembler for RISC-V as witnesses in tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hvsim::tests {

bool binutils_available();

struct Listed {
  std::uint64_t address = 0;
  std::uint32_t raw = 0;
  std::string text;  // "addi x1,x2,3"; ".4byte 0x..." or the like if it is none
};

// Assembles the lines and lists the result (objdump -d -M no-aliases,numeric). Empty if that fails.
std::vector<Listed> assemble_and_list(const std::vector<std::string>& lines);

}  // namespace hvsim::tests
