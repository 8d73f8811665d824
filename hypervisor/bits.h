// Bit searches without library calls: RV64 without Zbb has no instruction for them, and there is no
// soft-float libgcc to link.
#pragma once

#include <cstdint>

namespace hv {

constexpr unsigned highest_bit(std::uint64_t word) {  // word != 0
  unsigned result = 0;
  for (unsigned step = 32; step != 0; step /= 2) {
    if ((word >> step) == 0) continue;
    word >>= step;
    result += step;
  }
  return result;
}
constexpr unsigned lowest_bit(std::uint64_t word) { return highest_bit(word & (0 - word)); }  // word != 0

// std::popcount calls libgcc where there is no Zbb.
constexpr unsigned count_bits(std::uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<unsigned>(word * 0x0101010101010101 >> 56);
}

}  // namespace hv
