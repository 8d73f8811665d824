// Deterministic pseudo-random replacement choices: a 32-bit xorshift register, seeded by the run.
#pragma once

#include <cstdint>

#include "models/state/archive_forward.h"

namespace hvsim::mem {

class Lfsr {
 public:
  explicit Lfsr(std::uint64_t seed) : state_(spread(seed)) {}

  // A number below `limit` (at least 1).
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return static_cast<std::uint32_t>((std::uint64_t{state_} * limit) >> 32);
  }

  void persist(state::Archive& archive);

 private:
  // Neighbouring seeds must not give similar sequences (Fibonacci hashing), and zero would stay zero.
  static constexpr std::uint32_t spread(std::uint64_t seed) {
    const auto mixed = static_cast<std::uint32_t>((seed * 0x9E37'79B9'7F4A'7C15) >> 32);
    return mixed != 0 ? mixed : 0x2545'F491;
  }

  std::uint32_t state_;
};

}  // namespace hvsim::mem
