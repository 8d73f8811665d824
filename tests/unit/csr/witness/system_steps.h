// Steps for the witness program: random, but such that every one comes back to machine mode.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu::witness {

inline constexpr unsigned kLoaded[] = {
#define WITNESS_LOAD(number) number,
#define WITNESS_DUMP(number)
#include "tests/unit/csr/witness/witness_csrs.inc"
#undef WITNESS_LOAD
#undef WITNESS_DUMP
};
inline constexpr unsigned kDumped[] = {
#define WITNESS_LOAD(number)
#define WITNESS_DUMP(number) number,
#include "tests/unit/csr/witness/witness_csrs.inc"
#undef WITNESS_LOAD
#undef WITNESS_DUMP
};

struct Step {
  isa::Mode mode;
  std::uint32_t instruction = 0;
  std::uint64_t x5 = 0, x6 = 0;
  std::vector<std::uint64_t> loads;  // by kLoaded
};

// x10 and the CSRs of kDumped after a step.
struct Outcome {
  std::uint64_t x10 = 0;
  std::vector<std::uint64_t> dump;
};

inline constexpr std::uint64_t kSteps = 0x81000000;  // where the program reads its steps

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count);
std::string describe(const Step& step);
bool is_csr_instruction(std::uint32_t instruction);

// What the model makes of a step; `slot` and the vectors are the witness program's addresses.
struct Addresses {
  std::uint64_t slot = 0, machine_entry = 0, supervisor_entry = 0, virtual_entry = 0;
  std::uint64_t guest_value = 0;  // what HLV finds at kSteps
};
Outcome run_on_model(const Step& step, const Addresses& addresses);

}  // namespace hvsim::cpu::witness
