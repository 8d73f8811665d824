// Where QEMU 7.2 and the machine may differ, because QEMU errs or the manual leaves a choice.
#pragma once

#include <cstdint>
#include <span>

#include "tests/isa/program.h"

namespace hvsim::oracle {

struct TrapField {
  const Program& program;
  std::span<const std::uint8_t> qemu, model;
  unsigned trap;
  TrapCsr csr;
  std::uint64_t qemu_value, model_value;
};
struct FinalField {
  const Program& program;
  std::span<const std::uint8_t> qemu, model;
  FinalCsr csr;
  std::uint64_t qemu_value, model_value;
};

// What the programs keep clear of, because no field shows it to be QEMU's error or the manual's freedom.
inline constexpr const char* kAvoided[] = {
    "ctzw of a value with a zero low word and another high word: QEMU counts into the high word (Zbb, ctzw)",
    "misaligned SC where it fails: QEMU looks at the reservation first (\"Zalrsc\": either is legal)",
    "SC after other stores to its reservation set, or of another size than LR (\"Zalrsc\": either is legal)",
};

// Null: nothing explains it. Otherwise why, with the manual's section.
const char* explanation(const TrapField& field);
const char* explanation(const FinalField& field);

}  // namespace hvsim::oracle
