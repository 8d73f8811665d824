// Values that find errors: near boundaries more often than not.
#include "tests/isa/random.h"

#include <array>

namespace hvsim::oracle {
namespace {

// Exponents around zero, one, the integer limits and the ends of the format; few or many fraction bits.
std::uint64_t special_float(Random& random, unsigned exponent_bits, unsigned fraction_bits) {
  const std::uint64_t max_exponent = (1u << exponent_bits) - 1, bias = max_exponent / 2;
  const std::uint64_t full = (std::uint64_t{1} << fraction_bits) - 1;
  const std::array<std::uint64_t, 16> exponents{0,
                                                0,
                                                1,
                                                2,
                                                bias - 1,
                                                bias,
                                                bias + 1,
                                                bias + fraction_bits,
                                                bias + 30,
                                                bias + 31,
                                                bias + 32,
                                                bias + 62,
                                                bias + 63,
                                                bias + 64,
                                                max_exponent - 1,
                                                max_exponent};
  std::uint64_t exponent = random.one_in(4) ? random.below(max_exponent + 1) : random.of(exponents);
  if (random.one_in(4)) exponent = bias - 8 + random.below(16);
  const std::array<std::uint64_t, 8> fractions{
      0,
      1,
      full,
      full - 1,
      full / 2,
      full / 2 + 1,
      random.next() & full,
      (std::uint64_t{1} << random.below(fraction_bits)) | (random.next() & 1)};
  const std::uint64_t fraction = random.one_in(2) ? random.of(fractions) : random.next() & full;
  return (random.next() & 1) << (exponent_bits + fraction_bits) | (exponent & max_exponent) << fraction_bits |
         fraction;
}

}  // namespace

std::uint64_t Random::integer() {
  switch (below(8)) {
    case 0:
      return below(16);
    case 1:
      return 0 - std::uint64_t{below(16)};
    case 2:
      return std::uint64_t{1} << below(64);
    case 3:
      return (std::uint64_t{1} << of({7, 8, 15, 16, 31, 32, 63})) - 2 + below(4);
    case 4:
      return 0 - (std::uint64_t{1} << of({7, 8, 15, 16, 31, 32, 63})) - 2 + below(4);
    case 5:
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(next())));
    default:
      return next();
  }
}

std::uint64_t Random::floating() {
  constexpr std::uint64_t box = 0xFFFF'FFFF'0000'0000;
  switch (below(8)) {
    case 0:
      return next();
    case 1:
      return special_float(*this, 8, 23) | (next() << 32);  // rarely a proper box
    case 2:
    case 3:
    case 4:
      return special_float(*this, 8, 23) | box;
    default:
      return special_float(*this, 11, 52);
  }
}

}  // namespace hvsim::oracle
