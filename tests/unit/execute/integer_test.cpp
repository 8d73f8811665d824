// RV64I and M against 128-bit and plain C++ arithmetic, over all pairs of awkward values.
#include <gtest/gtest.h>

#include "models/cpu/execute_integer.h"
#include "tests/unit/execute/integer_expectations.h"

namespace hvsim::cpu {
namespace {

using tests::expect_for_all_amounts;
using tests::expect_for_all_immediates;
using tests::expect_for_all_pairs;
using tests::FakeCore;
using tests::kA;
using tests::kB;
using tests::kIntegers;
using tests::kResult;
using tests::op_with;
__extension__ typedef __int128 Wide;
using U = std::uint64_t;
using S = std::int64_t;

using Branch = bool (*)(FakeCore&, const Op&);

S sign_extend(U word) { return static_cast<std::int32_t>(word); }

TEST(Integer, AdditionAndLogicMatchPlainArithmetic) {
  expect_for_all_pairs(execute::add, [](U a, U b) { return a + b; });
  expect_for_all_pairs(execute::sub, [](U a, U b) { return a - b; });
  expect_for_all_pairs(execute::and_, [](U a, U b) { return a & b; });
  expect_for_all_pairs(execute::or_, [](U a, U b) { return a | b; });
  expect_for_all_pairs(execute::xor_, [](U a, U b) { return a ^ b; });
  expect_for_all_pairs(execute::slt, [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b); });
  expect_for_all_pairs(execute::sltu, [](U a, U b) { return a < b; });
  expect_for_all_pairs(execute::addw, [](U a, U b) { return sign_extend(a + b); });
  expect_for_all_pairs(execute::subw, [](U a, U b) { return sign_extend(a - b); });
}

TEST(Integer, ImmediatesAreSignExtendedEvenForUnsignedComparison) {
  expect_for_all_immediates(execute::addi, [](U a, S i) { return a + static_cast<U>(i); });
  expect_for_all_immediates(execute::slti, [](U a, S i) { return static_cast<S>(a) < i; });
  expect_for_all_immediates(execute::sltiu, [](U a, S i) { return a < static_cast<U>(i); });
  expect_for_all_immediates(execute::xori, [](U a, S i) { return a ^ static_cast<U>(i); });
  expect_for_all_immediates(execute::ori, [](U a, S i) { return a | static_cast<U>(i); });
  expect_for_all_immediates(execute::andi, [](U a, S i) { return a & static_cast<U>(i); });
  expect_for_all_immediates(execute::addiw, [](U a, S i) { return sign_extend(a + static_cast<U>(i)); });
}

TEST(Integer, ShiftsByRegisterUseSixBitsAndFiveForWords) {
  expect_for_all_pairs(execute::sll, [](U a, U b) { return a << (b % 64); });
  expect_for_all_pairs(execute::srl, [](U a, U b) { return a >> (b % 64); });
  expect_for_all_pairs(execute::sra, [](U a, U b) { return static_cast<S>(a) >> (b % 64); });
  expect_for_all_pairs(execute::sllw, [](U a, U b) { return sign_extend(a << (b % 32)); });
  expect_for_all_pairs(execute::srlw, [](U a, U b) { return sign_extend((a & 0xFFFFFFFF) >> (b % 32)); });
  expect_for_all_pairs(execute::sraw, [](U a, U b) { return sign_extend(a) >> (b % 32); });
}

TEST(Integer, ShiftsByImmediateMatchPlainArithmetic) {
  expect_for_all_amounts(execute::slli, 64, [](U a, unsigned n) { return a << n; });
  expect_for_all_amounts(execute::srli, 64, [](U a, unsigned n) { return a >> n; });
  expect_for_all_amounts(execute::srai, 64, [](U a, unsigned n) { return static_cast<S>(a) >> n; });
  expect_for_all_amounts(execute::slliw, 32, [](U a, unsigned n) { return sign_extend(a << n); });
  expect_for_all_amounts(execute::srliw, 32,
                         [](U a, unsigned n) { return sign_extend((a & 0xFFFFFFFF) >> n); });
  expect_for_all_amounts(execute::sraiw, 32, [](U a, unsigned n) { return sign_extend(a) >> n; });
}

TEST(Integer, UpperImmediatesAreSignExtendedAndAuipcAddsTheOpsOwnAddress) {
  FakeCore core;
  execute::lui(core, op_with(static_cast<std::int32_t>(0x80000000)));
  EXPECT_EQ(core.state.x[kResult], 0xFFFFFFFF80000000);
  core.state.pc = 0x80000000;
  Op op = op_with(static_cast<std::int32_t>(0xFFFFF000));
  op.offset = 12;
  execute::auipc(core, op);
  EXPECT_EQ(core.state.x[kResult], 0x7FFFF00Cu);
}

TEST(Integer, BranchesSayWhetherTheyAreTaken) {
  auto expect = [](Branch branch, bool (*taken)(U, U)) {
    for (U a : kIntegers)
      for (U b : kIntegers) {
        FakeCore core;
        core.state.x[kA] = a;
        core.state.x[kB] = b;
        EXPECT_EQ(branch(core, op_with()), taken(a, b)) << std::hex << a << " " << b;
      }
  };
  expect(execute::beq, [](U a, U b) { return a == b; });
  expect(execute::bne, [](U a, U b) { return a != b; });
  expect(execute::blt, [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b); });
  expect(execute::bge, [](U a, U b) { return static_cast<S>(a) >= static_cast<S>(b); });
  expect(execute::bltu, [](U a, U b) { return a < b; });
  expect(execute::bgeu, [](U a, U b) { return a >= b; });
}

TEST(Integer, ProductsMatch128BitArithmetic) {
  auto high = [](Wide product) { return static_cast<U>(product >> 64); };
  expect_for_all_pairs(execute::mul, [](U a, U b) { return a * b; });
  expect_for_all_pairs(execute::mulh,
                       [high](U a, U b) { return high(Wide{static_cast<S>(a)} * static_cast<S>(b)); });
  expect_for_all_pairs(execute::mulhsu, [high](U a, U b) {
    // a * b = a * (b mod 2^63) + a * 2^63 if b has its top bit: both products fit.
    const Wide wide_a = static_cast<S>(a), low = static_cast<S>(b << 1 >> 1);
    const Wide product = wide_a * low + ((b >> 63) != 0 ? wide_a * (Wide{1} << 63) : Wide{0});
    return high(product);
  });
  expect_for_all_pairs(execute::mulhu, [](U a, U b) {
    // Schoolbook, in 32-bit digits.
    const U a0 = a & 0xFFFFFFFF, a1 = a >> 32, b0 = b & 0xFFFFFFFF, b1 = b >> 32;
    const U middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (middle & 0xFFFFFFFF);
    return a1 * b1 + (middle >> 32) + (other >> 32);
  });
  expect_for_all_pairs(execute::mulw, [](U a, U b) { return sign_extend(a * b); });
}

TEST(Integer, DivisionNeverTrapsAndHasTheManualsSpecialCases) {
  // Table "Semantics for division by zero and division overflow", in arithmetic that cannot overflow.
  auto quotient = [](Wide a, Wide b) { return b == 0 ? Wide{-1} : a / b; };
  auto rest = [](Wide a, Wide b) { return b == 0 ? a : a % b; };
  auto s = [](U v) { return Wide{static_cast<S>(v)}; };
  auto sw = [](U v) { return Wide{sign_extend(v)}; };
  auto u = [](U v) { return static_cast<Wide>(v); };
  auto uw = [](U v) { return static_cast<Wide>(v & 0xFFFFFFFF); };
  auto w = [](Wide v) { return sign_extend(static_cast<U>(v)); };
  expect_for_all_pairs(execute::div, [&](U a, U b) { return quotient(s(a), s(b)); });
  expect_for_all_pairs(execute::divu, [&](U a, U b) { return quotient(u(a), u(b)); });
  expect_for_all_pairs(execute::rem, [&](U a, U b) { return rest(s(a), s(b)); });
  expect_for_all_pairs(execute::remu, [&](U a, U b) { return rest(u(a), u(b)); });
  expect_for_all_pairs(execute::divw, [&](U a, U b) { return w(quotient(sw(a), sw(b))); });
  expect_for_all_pairs(execute::divuw, [&](U a, U b) { return w(quotient(uw(a), uw(b))); });
  expect_for_all_pairs(execute::remw, [&](U a, U b) { return w(rest(sw(a), sw(b))); });
  expect_for_all_pairs(execute::remuw, [&](U a, U b) { return w(rest(uw(a), uw(b))); });
}

TEST(Integer, X0StaysZeroBecauseItsWritesGoToTheSink) {
  FakeCore core;
  Op op = op_with(7);
  op.rd = HartState::kSink;
  op.rs1 = 0;
  execute::addi(core, op);
  EXPECT_EQ(core.state.x[0], 0u);
  EXPECT_EQ(core.state.x[HartState::kSink], 7u);
}

TEST(Zicond, ZeroesOnItsCondition) {
  tests::expect_for_all_pairs(execute::czero_eqz,
                              [](std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : a; });
  tests::expect_for_all_pairs(execute::czero_nez,
                              [](std::uint64_t a, std::uint64_t b) { return b == 0 ? a : 0; });
}

}  // namespace
}  // namespace hvsim::cpu
