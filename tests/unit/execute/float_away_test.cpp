// Rounding to nearest with ties away from zero, which no host has: single precision against exact doubles.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "models/cpu/soft_float.h"
#include "tests/unit/execute/float_operands.h"

namespace hvsim::cpu {
namespace {

constexpr int kRandomTuples = 100'000;

// The nearer of the two singles around an exact double; of equals the larger magnitude.
float nearest_away(double exact) {
  const auto below = std::bit_cast<float>(
      soft::convert<Single, Double>(std::bit_cast<std::uint64_t>(exact), Rounding::toward_zero).value);
  const float away = std::nextafter(below, std::copysign(std::numeric_limits<float>::infinity(), below));
  const double distance_below = std::fabs(exact - double{below});
  // The step beyond the largest number counts as if the exponent went on.
  const double step = std::isinf(away) ? std::ldexp(1.0, 104) : std::fabs(double{away} - double{below});
  return distance_below >= step - distance_below ? away : below;
}

bool ordinary(double v) { return std::isfinite(v) && std::fabs(v) < 0x1p127; }

TEST(RoundingAway, NarrowingPicksTheNearerSingleAndTheLargerOfTwo) {
  tests::RandomFloats<Single> random(4);
  for (int i = 0; i < kRandomTuples; ++i) {
    // Halfway between two singles, or one unit of double beside it, or anything near.
    const double base = std::bit_cast<float>(random.next());
    if (!ordinary(base) || base == 0) continue;
    const double next =
        std::nextafter(static_cast<float>(base), std::copysign(INFINITY, static_cast<float>(base)));
    const double middle = base + (next - base) / 2;
    for (double exact : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, 2 * middle), base}) {
      const auto result =
          soft::convert<Single, Double>(std::bit_cast<std::uint64_t>(exact), Rounding::nearest_away);
      EXPECT_EQ(std::bit_cast<float>(result.value), nearest_away(exact)) << std::hexfloat << exact;
      EXPECT_EQ((result.flags & fflag::inexact) != 0, exact != base);
    }
  }
}

TEST(RoundingAway, ProductsOfSinglesAreExactDoublesRoundedOnce) {
  tests::RandomFloats<Single> random(5);
  for (int i = 0; i < kRandomTuples; ++i) {
    const auto a = random.next(), b = random.next();
    const double exact = double{std::bit_cast<float>(a)} * double{std::bit_cast<float>(b)};
    if (!ordinary(exact) || exact == 0) continue;
    EXPECT_EQ(std::bit_cast<float>(soft::multiply<Single>(a, b, Rounding::nearest_away).value),
              nearest_away(exact))
        << std::hex << a << " * " << b;
  }
}

TEST(RoundingAway, SumsOfSinglesOfLikeMagnitudeAreExactDoublesRoundedOnce) {
  tests::RandomFloats<Single> random(6);
  for (int i = 0; i < kRandomTuples; ++i) {
    const auto a = random.next(), b = random.next();
    if (std::abs(Single::exponent(a) - Single::exponent(b)) > 28) continue;  // else the double is inexact
    const double exact = double{std::bit_cast<float>(a)} + double{std::bit_cast<float>(b)};
    if (!ordinary(exact) || exact == 0) continue;
    EXPECT_EQ(std::bit_cast<float>(soft::add<Single>(a, b, Rounding::nearest_away).value),
              nearest_away(exact))
        << std::hex << a << " + " << b;
    const auto fused = soft::multiply_add<Single>(a, Single::one, b, Rounding::nearest_away);
    EXPECT_EQ(std::bit_cast<float>(fused.value), nearest_away(exact)) << std::hex << a << " + " << b;
  }
}

// Quotients and roots of normal numbers are never ties.
TEST(RoundingAway, QuotientsAndRootsAgreeWithTiesToEven) {
  tests::RandomFloats<Double> random(7);
  for (int i = 0; i < kRandomTuples; ++i) {
    const auto a = random.next(), b = random.next();
    EXPECT_EQ(soft::square_root<Double>(a, Rounding::nearest_away),
              soft::square_root<Double>(a, Rounding::nearest_even));
    const auto quotient = soft::divide<Double>(a, b, Rounding::nearest_away);
    if (Double::exponent(quotient.value) <= 1) continue;  // subnormal quotients can be ties
    EXPECT_EQ(quotient, soft::divide<Double>(a, b, Rounding::nearest_even)) << std::hex << a << " / " << b;
  }
}

}  // namespace
}  // namespace hvsim::cpu
