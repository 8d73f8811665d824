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

}  // namespace hv
