// Arithmetic against two witnesses: the host's C library under <cfenv>, and the integer implementation
// against the host's unit; each with all flags.
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <sstream>
#include <string>

#include "models/cpu/host_float.h"
#include "tests/unit/execute/float_operands.h"

namespace hvsim::cpu {
namespace {

constexpr int kRandomTuples = 20'000;
constexpr Rounding kHostModes[] = {Rounding::nearest_even, Rounding::toward_zero, Rounding::down,
                                   Rounding::up};

int host_mode(Rounding mode) {
  switch (mode) {
    case Rounding::toward_zero:
      return FE_TOWARDZERO;
    case Rounding::down:
      return FE_DOWNWARD;
    case Rounding::up:
      return FE_UPWARD;
    default:
      return FE_TONEAREST;
  }
}

std::uint8_t flags_of_host() {
  const int raised = std::fetestexcept(FE_ALL_EXCEPT);
  return static_cast<std::uint8_t>(((raised & FE_INEXACT) ? 1 : 0) | ((raised & FE_UNDERFLOW) ? 2 : 0) |
                                   ((raised & FE_OVERFLOW) ? 4 : 0) | ((raised & FE_DIVBYZERO) ? 8 : 0) |
                                   ((raised & FE_INVALID) ? 16 : 0));
}

// Keeps the compiler from computing early, late or in its head.
template <class Value>
Value opaque(Value value) {
  asm volatile("" : "+m"(value) : : "memory");
  return value;
}

// The C expression, evaluated at run time in the given mode.
template <class F, class Expression, class... Operands>
Rounded<typename F::Bits> by_library(Rounding mode, Expression expression, Operands... operands) {
  std::feclearexcept(FE_ALL_EXCEPT);
  std::fesetround(host_mode(mode));
  const typename F::Host result = opaque(expression(opaque(operands)...));
  std::fesetround(FE_TONEAREST);
  const auto bits = std::bit_cast<typename F::Bits>(result);
  return {F::is_nan(bits) ? F::canonical_nan : bits, flags_of_host()};
}

template <class Bits>
std::string show(const Rounded<Bits>& result) {
  std::ostringstream text;
  text << std::hex << +result.value << " flags " << +result.flags;
  return text.str();
}

template <class F, class Operation, class Expression, class... Operands>
void expect_agreement(Expression expression, Operands... operands) {
  for (Rounding mode : kHostModes) {
    const auto library = by_library<F>(mode, expression, to_host(operands)...);
    begin_float();
    const auto fast = compute<F, Operation>(mode, operands...);
    begin_float();
    const auto exact = Operation::in_integers(operands..., mode);
    if (fast == library && exact == library) continue;
    std::ostringstream where;
    where << "mode " << static_cast<int>(mode) << " of" << std::hex;
    ((where << " " << +operands), ...);
    ADD_FAILURE() << where.str() << ": library " << show(library) << ", host " << show(fast) << ", integers "
                  << show(exact);
  }
}

template <class F>
class FloatWitness : public testing::Test {};
using Formats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(FloatWitness, Formats);

template <class F, class Check>
void for_many_pairs(Check check) {
  const auto specials = tests::special_floats<F>();
  for (auto a : specials)
    for (auto b : specials) check(a, b);
  tests::RandomFloats<F> random(1);
  for (int i = 0; i < kRandomTuples; ++i) {
    const auto a = random.next(), b = random.next();
    check(a, b);
  }
}

TYPED_TEST(FloatWitness, AdditionAndSubtraction) {
  using F = TypeParam;
  for_many_pairs<F>([](auto a, auto b) {
    expect_agreement<F, arithmetic::Add<F>>([](auto x, auto y) { return x + y; }, a, b);
    expect_agreement<F, arithmetic::Subtract<F>>([](auto x, auto y) { return x - y; }, a, b);
  });
}

TYPED_TEST(FloatWitness, Multiplication) {
  using F = TypeParam;
  for_many_pairs<F>([](auto a, auto b) {
    expect_agreement<F, arithmetic::Multiply<F>>([](auto x, auto y) { return x * y; }, a, b);
  });
}

TYPED_TEST(FloatWitness, Division) {
  using F = TypeParam;
  for_many_pairs<F>([](auto a, auto b) {
    expect_agreement<F, arithmetic::Divide<F>>([](auto x, auto y) { return x / y; }, a, b);
  });
}

TYPED_TEST(FloatWitness, SquareRoot) {
  using F = TypeParam;
  for_many_pairs<F>([](auto a, auto) {
    expect_agreement<F, arithmetic::SquareRoot<F>>([](auto x) { return std::sqrt(x); }, a);
  });
}

TYPED_TEST(FloatWitness, FusedMultiplyAdd) {
  using F = TypeParam;
  tests::RandomFloats<F> random(2);
  for (int i = 0; i < 3 * kRandomTuples; ++i) {
    const auto a = random.next(), b = random.next(), c = random.next();
    // The library may or may not object to infinity * 0 + quiet NaN; RISC-V must (tested elsewhere).
    if (F::is_nan(c) && (F::is_zero(a) || F::is_zero(b))) continue;
    if (!host::has_multiply_add()) return;  // there the library's is the one that harts use
    expect_agreement<F, arithmetic::MultiplyAdd<F>>([](auto x, auto y, auto z) { return std::fma(x, y, z); },
                                                    a, b, c);
  }
}

TEST(FloatWitnessBetweenFormats, ConversionBetweenFormats) {
  for_many_pairs<Double>([](auto a, auto) {
    expect_agreement<Single, arithmetic::Convert<Single, Double>>(
        [](double x) { return static_cast<float>(x); }, a);
  });
  for_many_pairs<Single>([](auto a, auto) {
    expect_agreement<Double, arithmetic::Convert<Double, Single>>(
        [](float x) { return static_cast<double>(x); }, a);
  });
}

TYPED_TEST(FloatWitness, ConversionFromIntegers) {
  using F = TypeParam;
  std::mt19937_64 random(3);
  for (int i = 0; i < kRandomTuples; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (random() % 64));
    const std::int64_t signed_value = random() % 2 == 0 ? value : -value;
    expect_agreement<F, arithmetic::FromSigned<F>>(
        [](std::int64_t x) { return static_cast<typename F::Host>(x); }, signed_value);
    const std::uint64_t unsigned_value = random() >> (random() % 64);
    for (Rounding mode : kHostModes) {
      const auto library = by_library<F>(
          mode, [](std::uint64_t x) { return static_cast<typename F::Host>(x); }, unsigned_value);
      // Compilers convert the upper half of the range with shifts and a doubling: right in all modes, as
      // the lost bit is kept sticky.
      EXPECT_EQ(soft::from_unsigned<F>(unsigned_value, mode), library) << unsigned_value;
    }
  }
}

}  // namespace
}  // namespace hvsim::cpu
