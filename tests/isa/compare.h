// What differs between the memories that two machines leave, and the words for it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/isa/program.h"

namespace hvsim::oracle {

struct Difference {
  std::string field;  // "x5", "trap 2 mtval", "memory 0x80123458"
  std::uint64_t qemu = 0, model = 0;
};

// How often each entry of the list of QEMU's known errors (known_differences.h) explained a difference.
using Explained = std::map<std::string, unsigned>;

// All differences of one program that nothing explains.
std::vector<Difference> differences(const Program& program, std::span<const std::uint8_t> qemu,
                                    std::span<const std::uint8_t> model, Explained& explained);

// Seed and number to repeat it, start state, listing, trap log and what differs.
std::string report(const Program& program, std::uint64_t seed, unsigned number,
                   std::span<const std::uint8_t> qemu, std::span<const std::uint8_t> model,
                   const std::vector<Difference>& found);

// A word of RAM.
std::uint64_t word_at(std::span<const std::uint8_t> memory, std::uint64_t address);

// The log of traps.
unsigned trap_count(const Program& program, std::span<const std::uint8_t> memory);
std::uint64_t trap_csr(const Program& program, std::span<const std::uint8_t> memory, unsigned trap,
                       TrapCsr csr);

}  // namespace hvsim::oracle
