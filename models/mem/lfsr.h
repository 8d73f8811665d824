// Deterministic pseudo-random replacement choices: a 32-bit xorshift register with a fixed seed.
#pragma once

#include <cstdint>

namespace hvsim::mem {

class Lfsr {
 public:
  // A number below `limit` (at least 1).
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return static_cast<std::uint32_t>((std::uint64_t{state_} * limit) >> 32);
  }

 private:
  std::uint32_t state_ = 0x2545F491;
};

}  // namespace hvsim::mem
