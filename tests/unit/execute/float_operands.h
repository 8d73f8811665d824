// Operands on which floating point goes wrong if it does, and random ones that meet each other.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "models/cpu/float_format.h"

namespace hvsim::tests {

template <class F>
std::vector<typename F::Bits> special_floats() {
  using Bits = typename F::Bits;
  const Bits least = 1, most_subnormal = F::fraction_mask, least_normal = F::hidden_bit,
             most = F::infinity - 1;
  std::vector<Bits> values{0,
                           least,
                           2,
                           3,
                           most_subnormal,
                           most_subnormal - 1,
                           least_normal,
                           least_normal + 1,
                           most,
                           most - 1,
                           F::infinity,
                           F::one,
                           F::one + 1,
                           F::one - 1,
                           F::one | F::quiet_bit,                        // 1.5
                           F::one + F::hidden_bit,                       // 2
                           F::one - (F::hidden_bit * F::fraction_bits),  // one unit in the last place of 1
                           F::canonical_nan,
                           F::canonical_nan | 5,
                           F::infinity | 1,
                           static_cast<Bits>(F::infinity | (F::quiet_bit - 1))};
  const std::size_t positive = values.size();
  for (std::size_t i = 0; i < positive; ++i) values.push_back(values[i] | F::sign_bit);
  return values;
}

// Mostly near each other in magnitude, with runs of zeros and ones, so that sums cancel and ties happen.
template <class F>
class RandomFloats {
 public:
  explicit RandomFloats(std::uint64_t seed) : random_(seed) {}

  typename F::Bits next() {
    using Bits = typename F::Bits;
    const auto kind = random_() % 8;
    if (kind == 0) return specials_[random_() % specials_.size()];
    if (kind == 1) return static_cast<Bits>(random_());
    int exponent = F::bias + static_cast<int>(random_() % 9) - 4;
    if (kind == 2) exponent = static_cast<int>(random_() % 3);                            // about subnormal
    if (kind == 3) exponent = F::exponent_special - 1 - static_cast<int>(random_() % 3);  // about overflow
    if (kind == 4) exponent = F::bias / 2 + static_cast<int>(random_() % 60) - 30;  // products underflow
    auto fraction = static_cast<Bits>(random_()) & F::fraction_mask;
    if (random_() % 2 == 0) {
      const auto cut = random_() % static_cast<unsigned>(F::fraction_bits);
      const auto low = static_cast<Bits>((Bits{1} << cut) - 1);
      fraction = random_() % 2 == 0 ? fraction & ~low : fraction | low;
    }
    const Bits sign = random_() % 2 == 0 ? 0 : F::sign_bit;
    return sign | static_cast<Bits>(static_cast<Bits>(exponent) << F::fraction_bits) | fraction;
  }

 private:
  std::mt19937_64 random_;
  std::vector<typename F::Bits> specials_ = special_floats<F>();
};

}  // namespace hvsim::tests
