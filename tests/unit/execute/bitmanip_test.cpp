// Zba, Zbb, Zbc and Zbs against loops over bits and bytes.
#include <gtest/gtest.h>

#include "models/cpu/execute_bitmanip.h"
#include "tests/unit/execute/integer_expectations.h"

namespace hvsim::cpu {
namespace {

using tests::expect_for_all;
using tests::expect_for_all_amounts;
using tests::expect_for_all_pairs;
using tests::run;
using U = std::uint64_t;
using S = std::int64_t;

bool bit(U v, unsigned index) { return (v >> index & 1) != 0; }
U low_word(U v) { return v & 0xFFFFFFFF; }
S extend_word_sign(U v) { return static_cast<std::int32_t>(v); }

// Bit by bit: result bit i is source bit (i + right) mod width.
U rotate_right(U v, U right, unsigned width) {
  U result = 0;
  for (unsigned i = 0; i < width; ++i)
    if (bit(v, static_cast<unsigned>((i + right) % width))) result |= U{1} << i;
  return result;
}
U rotate_left(U v, U left, unsigned width) { return rotate_right(v, width - left % width, width); }

unsigned leading_zeros(U v, unsigned width) {
  unsigned count = 0;
  while (count < width && !bit(v, width - 1 - count)) ++count;
  return count;
}
unsigned trailing_zeros(U v, unsigned width) {
  unsigned count = 0;
  while (count < width && !bit(v, count)) ++count;
  return count;
}
unsigned ones(U v, unsigned width) {
  unsigned count = 0;
  for (unsigned i = 0; i < width; ++i) count += bit(v, i) ? 1 : 0;
  return count;
}

TEST(Bitmanip, AddressGenerationShiftsTheFirstOperand) {
  expect_for_all_pairs(execute::sh1add, [](U a, U b) { return a * 2 + b; });
  expect_for_all_pairs(execute::sh2add, [](U a, U b) { return a * 4 + b; });
  expect_for_all_pairs(execute::sh3add, [](U a, U b) { return a * 8 + b; });
  expect_for_all_pairs(execute::add_uw, [](U a, U b) { return low_word(a) + b; });
  expect_for_all_pairs(execute::sh1add_uw, [](U a, U b) { return low_word(a) * 2 + b; });
  expect_for_all_pairs(execute::sh2add_uw, [](U a, U b) { return low_word(a) * 4 + b; });
  expect_for_all_pairs(execute::sh3add_uw, [](U a, U b) { return low_word(a) * 8 + b; });
  expect_for_all_amounts(execute::slli_uw, 64, [](U a, U n) { return low_word(a) << n; });
}

// Result bit i of the 128 is the parity of the pairs of bits whose numbers add up to i.
bool product_bit(U a, U b, unsigned i) {
  bool parity = false;
  for (unsigned k = 0; k < 64; ++k)
    if (k <= i && i - k < 64) parity ^= bit(a, k) && bit(b, i - k);
  return parity;
}
U product_bits(U a, U b, unsigned first) {
  U result = 0;
  for (unsigned i = 0; i < 64; ++i) result |= U{product_bit(a, b, first + i)} << i;
  return result;
}

TEST(Bitmanip, CarrylessProductsAreTheirLowHighAndReversedParts) {
  expect_for_all_pairs(execute::clmul, [](U a, U b) { return product_bits(a, b, 0); });
  expect_for_all_pairs(execute::clmulh, [](U a, U b) { return product_bits(a, b, 64); });
  expect_for_all_pairs(execute::clmulr, [](U a, U b) { return product_bits(a, b, 63); });
}

TEST(Bitmanip, LogicWithNegatedOperand) {
  expect_for_all_pairs(execute::andn, [](U a, U b) { return a & ~b; });
  expect_for_all_pairs(execute::orn, [](U a, U b) { return a | ~b; });
  expect_for_all_pairs(execute::xnor, [](U a, U b) { return ~(a ^ b); });
}

TEST(Bitmanip, MinimumAndMaximumSignedAndUnsigned) {
  auto s = [](U v) { return static_cast<S>(v); };
  expect_for_all_pairs(execute::max, [s](U a, U b) { return s(a) < s(b) ? b : a; });
  expect_for_all_pairs(execute::min, [s](U a, U b) { return s(b) < s(a) ? b : a; });
  expect_for_all_pairs(execute::maxu, [](U a, U b) { return a < b ? b : a; });
  expect_for_all_pairs(execute::minu, [](U a, U b) { return b < a ? b : a; });
}

TEST(Bitmanip, RotationsMoveEveryBit) {
  expect_for_all_pairs(execute::rol, [](U a, U b) { return rotate_left(a, b % 64, 64); });
  expect_for_all_pairs(execute::ror, [](U a, U b) { return rotate_right(a, b % 64, 64); });
  expect_for_all_pairs(execute::rolw, [](U a, U b) { return extend_word_sign(rotate_left(a, b % 32, 32)); });
  expect_for_all_pairs(execute::rorw, [](U a, U b) { return extend_word_sign(rotate_right(a, b % 32, 32)); });
  expect_for_all_amounts(execute::rori, 64, [](U a, U n) { return rotate_right(a, n, 64); });
  expect_for_all_amounts(execute::roriw, 32,
                         [](U a, U n) { return extend_word_sign(rotate_right(a, n, 32)); });
}

TEST(Bitmanip, CountsAreThoseOfALoopAndTheWidthForZero) {
  expect_for_all(execute::clz, [](U a) { return leading_zeros(a, 64); });
  expect_for_all(execute::ctz, [](U a) { return trailing_zeros(a, 64); });
  expect_for_all(execute::cpop, [](U a) { return ones(a, 64); });
  expect_for_all(execute::clzw, [](U a) { return leading_zeros(a, 32); });
  expect_for_all(execute::ctzw, [](U a) { return trailing_zeros(a, 32); });
  expect_for_all(execute::cpopw, [](U a) { return ones(a, 32); });
}

TEST(Bitmanip, ExtensionsTakeBytesAndHalves) {
  expect_for_all(execute::sext_b, [](U a) { return S{static_cast<std::int8_t>(a)}; });
  expect_for_all(execute::sext_h, [](U a) { return S{static_cast<std::int16_t>(a)}; });
  expect_for_all(execute::zext_h, [](U a) { return a % 65536; });
}

TEST(Bitmanip, BytesAreCombinedAndReversedOneByOne) {
  expect_for_all(execute::orc_b, [](U a) {
    U result = 0;
    for (unsigned i = 0; i < 64; i += 8) result |= (a >> i & 0xFF) != 0 ? U{0xFF} << i : 0;
    return result;
  });
  expect_for_all(execute::rev8, [](U a) {
    U result = 0;
    for (unsigned i = 0; i < 64; i += 8) result |= (a >> i & 0xFF) << (56 - i);
    return result;
  });
  for (unsigned position = 0; position < 64; ++position)
    EXPECT_EQ(run(execute::orc_b, U{1} << position, 0), U{0xFF} << (position / 8 * 8));
}

TEST(Bitmanip, SingleBitsAreIndexedModulo64) {
  expect_for_all_pairs(execute::bset, [](U a, U b) { return a | U{1} << (b % 64); });
  expect_for_all_pairs(execute::bclr, [](U a, U b) { return a & ~(U{1} << (b % 64)); });
  expect_for_all_pairs(execute::binv, [](U a, U b) { return a ^ U { 1 } << (b % 64); });
  expect_for_all_pairs(execute::bext, [](U a, U b) { return bit(a, static_cast<unsigned>(b % 64)); });
  expect_for_all_amounts(execute::bseti, 64, [](U a, U n) { return a | U{1} << n; });
  expect_for_all_amounts(execute::bclri, 64, [](U a, U n) { return a & ~(U{1} << n); });
  expect_for_all_amounts(execute::binvi, 64, [](U a, U n) { return a ^ U { 1 } << n; });
  expect_for_all_amounts(execute::bexti, 64, [](U a, U n) { return bit(a, static_cast<unsigned>(n)); });
}

}  // namespace
}  // namespace hvsim::cpu
