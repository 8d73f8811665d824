// IEEE 754 arithmetic in integers: unpack, compute exactly in 128 bits, round once.
#include "models/cpu/soft_float.h"

#include <bit>
#include <optional>
#include <utility>

namespace hvsim::cpu::soft {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr int top_bit(Wide v) {
  const auto high = static_cast<std::uint64_t>(v >> 64);
  return high != 0 ? 127 - std::countl_zero(high) : 63 - std::countl_zero(static_cast<std::uint64_t>(v));
}

// A finite number that is not zero: (-1)^negative * significand * 2^exponent. Bit 0 of the significand may
// stand for "and something below", as long as it lies well below what rounding keeps.
struct Number {
  bool negative = false;
  int exponent = 0;
  Wide significand = 0;
};

constexpr Wide shift_right_sticky(Wide v, int count) {
  if (count >= 128) return v != 0 ? 1 : 0;
  if (count <= 0) return v;
  const bool lost = (v & ((Wide{1} << count) - 1)) != 0;
  return v >> count | (lost ? 1u : 0u);
}

constexpr bool rounds_away(Wide kept, Wide lost, Wide half, bool negative, Rounding mode) {
  switch (mode) {
    case Rounding::nearest_even:
      return lost > half || (lost == half && (kept & 1) != 0);
    case Rounding::toward_zero:
      return false;
    case Rounding::down:
      return negative && lost != 0;
    case Rounding::up:
      return !negative && lost != 0;
    case Rounding::nearest_away:
      return lost != 0 && lost >= half;
  }
  return false;
}

struct Dropped {
  Wide kept;  // rounded
  bool inexact;
};

// The significand without its `count` low bits, rounded.
constexpr Dropped drop(Wide significand, int count, bool negative, Rounding mode) {
  if (count <= 0) return {significand << -count, false};
  if (count > 126) return drop(1, 2, negative, mode);  // less than a quarter
  const Wide kept = significand >> count;
  const Wide lost = significand & ((Wide{1} << count) - 1);
  const bool away = rounds_away(kept, lost, Wide{1} << (count - 1), negative, mode);
  return {kept + (away ? 1 : 0), lost != 0};
}

template <class F>
constexpr Rounded<typename F::Bits> overflowed(bool negative, Rounding mode) {
  const bool to_infinity = mode == Rounding::nearest_even || mode == Rounding::nearest_away ||
                           mode == (negative ? Rounding::down : Rounding::up);
  const auto value = static_cast<typename F::Bits>(F::infinite(negative) - (to_infinity ? 0 : 1));
  return {value, fflag::overflow | fflag::inexact};
}

template <class F>
Rounded<typename F::Bits> round(const Number& n, Rounding mode) {
  using Bits = typename F::Bits;
  constexpr int smallest_exponent = 1 - F::bias;
  const int top = top_bit(n.significand);
  const int excess = top - F::fraction_bits;  // bits beyond a normal significand
  const int exponent = n.exponent + top;
  const Dropped normal = drop(n.significand, excess, n.negative, mode);
  const bool carried = normal.kept >> (F::fraction_bits + 1) != 0;
  if (exponent >= smallest_exponent) {
    // A carry out of the fraction lands in the exponent, where it belongs.
    const int biased = exponent + F::bias;
    if (biased + (carried ? 1 : 0) >= F::exponent_special) return overflowed<F>(n.negative, mode);
    const auto value =
        static_cast<Bits>((Wide{static_cast<unsigned>(biased - 1)} << F::fraction_bits) + normal.kept);
    return {static_cast<Bits>(F::zero(n.negative) | value),
            normal.inexact ? fflag::inexact : std::uint8_t{0}};
  }
  const Dropped subnormal = drop(n.significand, excess + smallest_exponent - exponent, n.negative, mode);
  const bool tiny = exponent < smallest_exponent - 1 || !carried;  // after rounding to unbounded range
  std::uint8_t flags = 0;
  if (subnormal.inexact) flags = tiny ? fflag::inexact | fflag::underflow : fflag::inexact;
  return {static_cast<Bits>(F::zero(n.negative) | static_cast<Bits>(subnormal.kept)), flags};
}

template <class F>
Number unpack(typename F::Bits v) {
  const int biased = F::exponent(v);
  const Wide significand = biased == 0 ? F::fraction(v) : F::fraction(v) | F::hidden_bit;
  return {F::negative(v), (biased == 0 ? 1 : biased) - F::bias - F::fraction_bits, significand};
}

// The invalid operation if a signaling NaN is among the operands, a quiet NaN if any NaN is.
template <class F, class... Operands>
std::optional<Rounded<typename F::Bits>> nan_result(Operands... operands) {
  if (!(F::is_nan(operands) || ...)) return std::nullopt;
  const bool signaling = (F::is_signaling(operands) || ...);
  return Rounded<typename F::Bits>{F::canonical_nan, signaling ? fflag::invalid : std::uint8_t{0}};
}

template <class F>
Rounded<typename F::Bits> invalid() {
  return {F::canonical_nan, fflag::invalid};
}

constexpr int kAligned = 125;  // leaves room for a carry

Number normalize(Number n) {
  const int shift = kAligned - top_bit(n.significand);
  return {n.negative, n.exponent - shift, n.significand << shift};
}

// The exact sum, or nothing if it is zero. Once the exponents differ by two or more at most one leading bit
// cancels, so the sticky bit stays far below what rounding looks at.
std::optional<Number> sum(const Number& a, const Number& b) {
  Number large = normalize(a), small = normalize(b);
  if (std::pair(large.exponent, large.significand) < std::pair(small.exponent, small.significand))
    std::swap(large, small);
  const Wide aligned = shift_right_sticky(small.significand, large.exponent - small.exponent);
  large.significand =
      large.negative == small.negative ? large.significand + aligned : large.significand - aligned;
  if (large.significand == 0) return std::nullopt;
  return large;
}

// x + (-x), and zeros of either sign.
template <class F>
Rounded<typename F::Bits> zero_sum(bool a_negative, bool b_negative, Rounding mode) {
  return {F::zero(a_negative == b_negative ? a_negative : mode == Rounding::down), 0};
}

template <class F>
Rounded<typename F::Bits> rounded_sum(const Number& a, const Number& b, Rounding mode) {
  const std::optional<Number> exact = sum(a, b);
  return exact ? round<F>(*exact, mode) : zero_sum<F>(false, true, mode);
}

// floor(sqrt(v)) and whether something remains.
std::pair<Wide, bool> integer_root(Wide v) {
  Wide root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const Wide trial = root | Wide{1} << bit;
    if (trial * trial <= v) root = trial;
  }
  return {root, root * root != v};
}

}  // namespace

template <class F>
Rounded<typename F::Bits> add(typename F::Bits a, typename F::Bits b, Rounding mode) {
  if (auto nan = nan_result<F>(a, b)) return *nan;
  const bool opposite = F::negative(a) != F::negative(b);
  if (F::is_infinite(a))
    return F::is_infinite(b) && opposite ? invalid<F>() : Rounded<typename F::Bits>{a, 0};
  if (F::is_infinite(b)) return {b, 0};
  if (F::is_zero(a) && F::is_zero(b)) return zero_sum<F>(F::negative(a), F::negative(b), mode);
  if (F::is_zero(a)) return {b, 0};
  if (F::is_zero(b)) return {a, 0};
  return rounded_sum<F>(unpack<F>(a), unpack<F>(b), mode);
}

template <class F>
Rounded<typename F::Bits> multiply(typename F::Bits a, typename F::Bits b, Rounding mode) {
  if (auto nan = nan_result<F>(a, b)) return *nan;
  const bool negative = F::negative(a) != F::negative(b);
  if (F::is_infinite(a) || F::is_infinite(b)) {
    if (F::is_zero(a) || F::is_zero(b)) return invalid<F>();
    return {F::infinite(negative), 0};
  }
  if (F::is_zero(a) || F::is_zero(b)) return {F::zero(negative), 0};
  const Number x = unpack<F>(a), y = unpack<F>(b);
  return round<F>({negative, x.exponent + y.exponent, x.significand * y.significand}, mode);
}

template <class F>
Rounded<typename F::Bits> divide(typename F::Bits a, typename F::Bits b, Rounding mode) {
  if (auto nan = nan_result<F>(a, b)) return *nan;
  const bool negative = F::negative(a) != F::negative(b);
  if (F::is_infinite(a))
    return F::is_infinite(b) ? invalid<F>() : Rounded<typename F::Bits>{F::infinite(negative), 0};
  if (F::is_infinite(b)) return {F::zero(negative), 0};
  if (F::is_zero(b)) {
    if (F::is_zero(a)) return invalid<F>();
    return {F::infinite(negative), fflag::divide_by_zero};
  }
  if (F::is_zero(a)) return {F::zero(negative), 0};
  const Number x = normalize(unpack<F>(a)), y = unpack<F>(b);
  const Wide quotient = x.significand / y.significand;  // at least 72 bits, more than rounding needs
  const bool rest = quotient * y.significand != x.significand;
  return round<F>({negative, x.exponent - y.exponent, quotient | (rest ? 1u : 0u)}, mode);
}

template <class F>
Rounded<typename F::Bits> square_root(typename F::Bits a, Rounding mode) {
  if (auto nan = nan_result<F>(a)) return *nan;
  if (F::is_zero(a)) return {a, 0};
  if (F::negative(a)) return invalid<F>();
  if (F::is_infinite(a)) return {a, 0};
  Number x = normalize(unpack<F>(a));
  if (x.exponent % 2 != 0) x = {false, x.exponent - 1, x.significand << 1};
  const auto [root, rest] = integer_root(x.significand);
  return round<F>({false, x.exponent / 2 - 1, root << 1 | (rest ? 1u : 0u)}, mode);
}

template <class F>
Rounded<typename F::Bits> multiply_add(typename F::Bits a, typename F::Bits b, typename F::Bits c,
                                       Rounding mode) {
  const bool undefined = (F::is_infinite(a) && F::is_zero(b)) || (F::is_zero(a) && F::is_infinite(b));
  if (undefined) return invalid<F>();
  if (auto nan = nan_result<F>(a, b, c)) return *nan;
  const bool negative = F::negative(a) != F::negative(b);
  if (F::is_infinite(a) || F::is_infinite(b)) {
    if (F::is_infinite(c) && F::negative(c) != negative) return invalid<F>();
    return {F::infinite(negative), 0};
  }
  if (F::is_infinite(c)) return {c, 0};
  if (F::is_zero(a) || F::is_zero(b))
    return F::is_zero(c) ? zero_sum<F>(negative, F::negative(c), mode) : Rounded<typename F::Bits>{c, 0};
  const Number x = unpack<F>(a), y = unpack<F>(b);
  const Number product{negative, x.exponent + y.exponent, x.significand * y.significand};
  if (F::is_zero(c)) return round<F>(product, mode);
  return rounded_sum<F>(product, unpack<F>(c), mode);
}

template <class To, class From>
Rounded<typename To::Bits> convert(typename From::Bits a, Rounding mode) {
  if (From::is_nan(a)) return {To::canonical_nan, From::is_signaling(a) ? fflag::invalid : std::uint8_t{0}};
  if (From::is_infinite(a)) return {To::infinite(From::negative(a)), 0};
  if (From::is_zero(a)) return {To::zero(From::negative(a)), 0};
  return round<To>(unpack<From>(a), mode);
}

template <class F>
Rounded<typename F::Bits> from_unsigned(std::uint64_t value, Rounding mode) {
  if (value == 0) return {0, 0};
  return round<F>({false, 0, value}, mode);
}

template <class F>
Rounded<typename F::Bits> from_signed(std::int64_t value, Rounding mode) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) return from_unsigned<F>(bits, mode);
  return round<F>({true, 0, 0 - bits}, mode);
}

template <class F>
Rounded<std::uint64_t> to_integer(typename F::Bits a, IntegerType type, Rounding mode) {
  const unsigned spare = 64 - type.width;
  const std::uint64_t most = ~std::uint64_t{0} >> spare >> (type.is_signed ? 1 : 0);
  const std::uint64_t least = type.is_signed ? most + 1 : 0;  // magnitude of the least value
  auto extended = [spare](std::uint64_t v) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(v << spare) >> spare);
  };
  const bool negative = F::negative(a) && !F::is_nan(a);
  const Rounded<std::uint64_t> too_large{extended(negative ? 0 - least : most), fflag::invalid};
  if (F::is_nan(a) || F::is_infinite(a)) return too_large;
  if (F::is_zero(a)) return {0, 0};
  const Number n = unpack<F>(a);
  if (n.exponent > 64) return too_large;
  const Dropped whole = drop(n.significand, -n.exponent, negative, mode);
  if (whole.kept > (negative ? least : most)) return too_large;
  const auto magnitude = static_cast<std::uint64_t>(whole.kept);
  return {extended(negative ? 0 - magnitude : magnitude), whole.inexact ? fflag::inexact : std::uint8_t{0}};
}

template Rounded<Single::Bits> add<Single>(Single::Bits, Single::Bits, Rounding);
template Rounded<Double::Bits> add<Double>(Double::Bits, Double::Bits, Rounding);
template Rounded<Single::Bits> multiply<Single>(Single::Bits, Single::Bits, Rounding);
template Rounded<Double::Bits> multiply<Double>(Double::Bits, Double::Bits, Rounding);
template Rounded<Single::Bits> divide<Single>(Single::Bits, Single::Bits, Rounding);
template Rounded<Double::Bits> divide<Double>(Double::Bits, Double::Bits, Rounding);
template Rounded<Single::Bits> square_root<Single>(Single::Bits, Rounding);
template Rounded<Double::Bits> square_root<Double>(Double::Bits, Rounding);
template Rounded<Single::Bits> multiply_add<Single>(Single::Bits, Single::Bits, Single::Bits, Rounding);
template Rounded<Double::Bits> multiply_add<Double>(Double::Bits, Double::Bits, Double::Bits, Rounding);
template Rounded<Single::Bits> convert<Single, Double>(Double::Bits, Rounding);
template Rounded<Double::Bits> convert<Double, Single>(Single::Bits, Rounding);
template Rounded<Single::Bits> from_signed<Single>(std::int64_t, Rounding);
template Rounded<Double::Bits> from_signed<Double>(std::int64_t, Rounding);
template Rounded<Single::Bits> from_unsigned<Single>(std::uint64_t, Rounding);
template Rounded<Double::Bits> from_unsigned<Double>(std::uint64_t, Rounding);
template Rounded<std::uint64_t> to_integer<Single>(Single::Bits, IntegerType, Rounding);
template Rounded<std::uint64_t> to_integer<Double>(Double::Bits, IntegerType, Rounding);

}  // namespace hvsim::cpu::soft
