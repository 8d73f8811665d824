// IEEE 754 formats, exception flags and rounding modes as the F and D extensions name them.
#pragma once

#include <cstdint>

namespace hvsim::cpu {

// frm and rm values (unprivileged manual, table "Rounding mode encoding").
enum class Rounding : std::uint8_t {
  nearest_even = 0,
  toward_zero = 1,
  down = 2,
  up = 3,
  nearest_away = 4,  // nearest, ties to the larger magnitude
};
inline constexpr unsigned kRoundingModes = 5;
inline constexpr unsigned kDynamicRounding = 7;

// fflags bits.
namespace fflag {
inline constexpr std::uint8_t inexact = 1, underflow = 2, overflow = 4, divide_by_zero = 8, invalid = 16;
}

template <class BitsOfFormat, class SignedBits, class HostType, int kFraction, int kExponentBias>
struct FloatFormat {
  using Bits = BitsOfFormat;
  using Signed = SignedBits;
  using Host = HostType;
  static constexpr int width = 8 * static_cast<int>(sizeof(Bits));
  static constexpr int fraction_bits = kFraction;
  static constexpr int bias = kExponentBias;
  static constexpr int exponent_special = 2 * bias + 1;  // infinities and NaNs
  static constexpr Bits sign_bit = Bits{1} << (width - 1);
  static constexpr Bits hidden_bit = Bits{1} << fraction_bits;
  static constexpr Bits fraction_mask = hidden_bit - 1;
  static constexpr Bits infinity = Bits{exponent_special} << fraction_bits;
  static constexpr Bits quiet_bit = hidden_bit >> 1;
  static constexpr Bits canonical_nan = infinity | quiet_bit;
  static constexpr Bits one = Bits{bias} << fraction_bits;

  static constexpr bool negative(Bits v) { return (v & sign_bit) != 0; }
  static constexpr Bits magnitude(Bits v) { return v & ~sign_bit; }
  static constexpr int exponent(Bits v) { return static_cast<int>(magnitude(v) >> fraction_bits); }
  static constexpr Bits fraction(Bits v) { return v & fraction_mask; }
  static constexpr bool is_zero(Bits v) { return magnitude(v) == 0; }
  static constexpr bool is_infinite(Bits v) { return magnitude(v) == infinity; }
  static constexpr bool is_nan(Bits v) { return magnitude(v) > infinity; }
  static constexpr bool is_signaling(Bits v) { return is_nan(v) && (v & quiet_bit) == 0; }
  static constexpr Bits zero(bool is_negative) { return is_negative ? sign_bit : Bits{0}; }
  static constexpr Bits infinite(bool is_negative) { return zero(is_negative) | infinity; }
};

using Single = FloatFormat<std::uint32_t, std::int32_t, float, 23, 127>;
using Double = FloatFormat<std::uint64_t, std::int64_t, double, 52, 1023>;

// A result and the exceptions that it raised.
template <class Value>
struct Rounded {
  Value value{};
  std::uint8_t flags = 0;
  friend constexpr bool operator==(const Rounded&, const Rounded&) = default;
};

}  // namespace hvsim::cpu
