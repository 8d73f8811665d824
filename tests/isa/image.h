// A whole memory of programs, as both machines start with it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tests/isa/program.h"

namespace hvsim::oracle {

using Memory = std::span<std::uint8_t>;  // all of RAM

// Driver, header and one slot per program; they are all for the same witness. `memory` must be zero.
void write_image(Memory memory, std::span<const std::uint8_t> driver, std::span<const Program> programs);

// The program that was running, or the number of programs if all have ended.
std::uint64_t current_program(std::span<const std::uint8_t> memory);

inline std::uint64_t slot_address(unsigned index) {
  return ORACLE_SLOTS + std::uint64_t{index} * ORACLE_SLOT_BYTES;
}

}  // namespace hvsim::oracle
