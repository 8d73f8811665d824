// F and D as instructions: boxing, NaNs, flags, rounding modes and the conversions' edges, with expectations
// from the manual's tables.
#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "models/cpu/csr_float.h"
#include "models/cpu/execute_float.h"
#include "tests/unit/execute/fake_core.h"

namespace hvsim::cpu {
namespace {

using tests::FakeCore;
using tests::kA;
using tests::kB;
using tests::kC;
using tests::kResult;
using tests::op_with;
using U = std::uint64_t;
using MayTrap = bool (*)(FakeCore&, const Op&);
using Plain = void (*)(FakeCore&, const Op&);

constexpr U kNaN = Double::canonical_nan, kSignaling = Double::infinity | 1;
constexpr U kNaNSingle = 0xFFFFFFFF7FC00000, kSignalingSingle = 0xFFFFFFFF7F800001;
constexpr U d(double v) { return std::bit_cast<U>(v); }
constexpr U s(float v) { return 0xFFFFFFFF00000000 | std::bit_cast<std::uint32_t>(v); }
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Outcome {
  U f, x;
  unsigned flags;
};

Outcome finish(const FakeCore& core) {
  return {core.state.f[kResult], core.state.x[kResult], core.state.csr.fflags};
}

FakeCore core_with(U a, U b = 0, U c = 0) {
  begin_float();
  FakeCore core;
  core.state.f[kA] = core.state.x[kA] = a;
  core.state.f[kB] = core.state.x[kB] = b;
  core.state.f[kC] = c;
  return core;
}

Outcome run(MayTrap function, U a, U b = 0, U c = 0, Rounding mode = Rounding::nearest_even) {
  FakeCore core = core_with(a, b, c);
  EXPECT_TRUE(function(core, op_with(0, static_cast<std::uint8_t>(mode))));
  return finish(core);
}
Outcome run(Plain function, U a, U b = 0) {
  FakeCore core = core_with(a, b);
  function(core, op_with());
  return finish(core);
}

constexpr unsigned kNx = fflag::inexact, kUf = fflag::underflow, kOf = fflag::overflow,
                   kDz = fflag::divide_by_zero, kNv = fflag::invalid;

void expect_f(Outcome outcome, U value, unsigned flags) {
  EXPECT_EQ(outcome.f, value) << std::hex << outcome.f;
  EXPECT_EQ(outcome.flags, flags);
}
void expect_x(Outcome outcome, U value, unsigned flags) {
  EXPECT_EQ(outcome.x, value) << std::hex << outcome.x;
  EXPECT_EQ(outcome.flags, flags);
}

TEST(Float, ASingleThatIsNotBoxedReadsAsTheCanonicalNaN) {
  expect_f(run(execute::fadd_s, s(1), 0x000000003F800000), kNaNSingle, 0);
  expect_f(run(execute::fadd_s, s(1), 0xFFFFFFFE3F800000), kNaNSingle, 0);
  expect_f(run(execute::fadd_s, s(1), s(1)), s(2), 0);
  expect_f(run(execute::fsgnj_s, 0x3F800000, s(-1)), kNaNSingle | 0x80000000, 0);
  expect_x(run(execute::fclass_s, 0), 1u << 9, 0);
  expect_x(run(execute::fmv_x_w, 0x1234567880000001), 0xFFFFFFFF80000001, 0);  // moves look at no box
  expect_f(run(execute::fmv_w_x, 0x1234567880000001), 0xFFFFFFFF80000001, 0);
  expect_f(run(execute::fmv_d_x, kSignaling), kSignaling, 0);
  expect_x(run(execute::fmv_x_d, kSignaling), kSignaling, 0);
}

TEST(Float, NaNResultsAreCanonicalAndOnlySignalingOperandsAreInvalid) {
  for (MayTrap f : {&execute::fadd_d<FakeCore>, &execute::fsub_d<FakeCore>, &execute::fmul_d<FakeCore>,
                    &execute::fdiv_d<FakeCore>}) {
    expect_f(run(f, kNaN | Double::sign_bit | 77, d(1)), kNaN, 0);
    expect_f(run(f, d(1), kSignaling), kNaN, kNv);
    expect_f(run(f, kNaN, kSignaling), kNaN, kNv);
  }
  expect_f(run(execute::fsub_d, d(kInfinity), d(kInfinity)), kNaN, kNv);
  expect_f(run(execute::fmul_d, d(kInfinity), d(0)), kNaN, kNv);
  expect_f(run(execute::fdiv_d, d(0), d(-0.0)), kNaN, kNv);
  expect_f(run(execute::fdiv_d, d(-1), d(0)), d(-kInfinity), kDz);
  expect_f(run(execute::fsqrt_d, d(-1)), kNaN, kNv);
  expect_f(run(execute::fsqrt_d, d(-0.0)), d(-0.0), 0);
  expect_f(run(execute::fcvt_s_d, kSignaling), kNaNSingle, kNv);
  expect_f(run(execute::fcvt_d_s, kSignalingSingle), kNaN, kNv);
  expect_f(run(execute::fcvt_d_s, kNaNSingle | 0x80000123), kNaN, 0);
}

TEST(Float, FusedMultiplyAddHasFourSignsAndRoundsOnce) {
  expect_f(run(execute::fmadd_d, d(2), d(3), d(1)), d(7), 0);
  expect_f(run(execute::fmsub_d, d(2), d(3), d(1)), d(5), 0);
  expect_f(run(execute::fnmsub_d, d(2), d(3), d(1)), d(-5), 0);
  expect_f(run(execute::fnmadd_d, d(2), d(3), d(1)), d(-7), 0);
  expect_f(run(execute::fnmadd_s, s(2), s(3), s(1)), s(-7), 0);
  // (1 + 2^-52)^2 - (1 + 2^-51) is 2^-104 exactly; rounding the product first would give 0.
  expect_f(run(execute::fmsub_d, d(0x1.0000000000001p0), d(0x1.0000000000001p0), d(0x1.0000000000002p0)),
           d(0x1p-104), 0);
  // 2^-70 below a tie of singles: a double cannot tell, and the tie would go up to the even neighbour.
  expect_f(run(execute::fmadd_s, s(0x1.000002p0F), s(0x1.fffffcp-25F), s(0x1.000002p0F)), s(0x1.000002p0F),
           kNx);
  // Exact zero takes its sign from the rounding mode.
  expect_f(run(execute::fmsub_d, d(2), d(3), d(6)), d(0), 0);
  expect_f(run(execute::fmsub_d, d(2), d(3), d(6), Rounding::down), d(-0.0), 0);
}

TEST(Float, InfinityTimesZeroPlusQuietNaNIsInvalid) {
  for (MayTrap f : {&execute::fmadd_d<FakeCore>, &execute::fmsub_d<FakeCore>, &execute::fnmadd_d<FakeCore>,
                    &execute::fnmsub_d<FakeCore>}) {
    expect_f(run(f, d(kInfinity), d(0), kNaN), kNaN, kNv);
    expect_f(run(f, d(-0.0), d(kInfinity), kNaN), kNaN, kNv);
    expect_f(run(f, d(1), d(0), kNaN), kNaN, 0);
  }
  expect_f(run(execute::fmadd_s, s(0), s(std::numeric_limits<float>::infinity()), kNaNSingle), kNaNSingle,
           kNv);
}

TEST(Float, UnderflowIsDetectedAfterRounding) {
  // (1 - 2^-46) * 2^-126 rounds to the least normal also with an unbounded exponent: not tiny.
  expect_f(run(execute::fmul_s, s(0x1.000002p-126F), s(0x1.fffffcp-1F)), s(0x1p-126F), kNx);
  // (1 - 2^-24) * 2^-126 is a 24-bit number below the least normal: tiny, though it rounds to it.
  expect_f(run(execute::fmul_s, s(0x1p-126F), s(0x1.fffffep-1F)), s(0x1p-126F), kNx | kUf);
  // Subnormal but exact: no flag.
  expect_f(run(execute::fmul_d, d(0x1p-1022), d(0.5)), d(0x1p-1023), 0);
  expect_f(run(execute::fmul_d, d(0x1p-1074), d(0.5)), d(0), kNx | kUf);
  expect_f(run(execute::fcvt_s_d, d(0x1p-150)), s(0), kNx | kUf);
}

TEST(Float, EveryRoundingModeGoesItsOwnWay) {
  const U tie = d(0x1p-53), one = d(1), next = d(0x1.0000000000001p0);
  const U minus_one = d(-1), minus_next = d(-0x1.0000000000001p0);
  struct Case {
    Rounding mode;
    U positive, negative;
  };
  for (const Case& c :
       {Case{Rounding::nearest_even, one, minus_one}, Case{Rounding::toward_zero, one, minus_one},
        Case{Rounding::down, one, minus_next}, Case{Rounding::up, next, minus_one},
        Case{Rounding::nearest_away, next, minus_next}}) {
    expect_f(run(execute::fadd_d, one, tie, 0, c.mode), c.positive, kNx);
    expect_f(run(execute::fsub_d, minus_one, tie, 0, c.mode), c.negative, kNx);
  }
}

TEST(Float, OverflowGivesInfinityOrTheLargestNumberByRoundingMode) {
  const U most = Double::infinity - 1, infinite = Double::infinity;
  for (Rounding mode : {Rounding::nearest_even, Rounding::up, Rounding::nearest_away})
    expect_f(run(execute::fmul_d, most, d(2), 0, mode), infinite, kOf | kNx);
  for (Rounding mode : {Rounding::toward_zero, Rounding::down})
    expect_f(run(execute::fmul_d, most, d(2), 0, mode), most, kOf | kNx);
}

TEST(Float, DynamicRoundingComesFromFrmAndReservedValuesAreIllegal) {
  for (unsigned frm = 0; frm < 8; ++frm) {
    FakeCore core = core_with(d(1), d(0x1p-53));
    core.state.csr.frm = static_cast<std::uint8_t>(frm);
    const bool legal = frm < kRoundingModes;
    EXPECT_EQ(execute::fadd_d(core, op_with(0, kDynamicRounding)), legal);
    EXPECT_EQ(core.illegal_count, legal ? 0u : 1u);
    EXPECT_EQ(core.state.f[kResult], legal ? (frm >= 3 ? d(0x1.0000000000001p0) : d(1)) : 0u);
    EXPECT_EQ(core.state.csr.mstatus, legal ? isa::csr::kFs : 0u);
  }
  FakeCore core = core_with(d(1), d(1));  // a static mode does not care about frm
  core.state.csr.frm = 7;
  EXPECT_TRUE(execute::fadd_d(core, op_with(0, 0)));
}

TEST(Float, MinimumAndMaximumPreferNumbersAndOrderZeros) {
  expect_f(run(execute::fmin_d, d(0.0), d(-0.0)), d(-0.0), 0);
  expect_f(run(execute::fmax_d, d(-0.0), d(0.0)), d(0.0), 0);
  expect_f(run(execute::fmin_d, d(-2), d(-3)), d(-3), 0);
  expect_f(run(execute::fmax_d, d(-2), d(3)), d(3), 0);
  expect_f(run(execute::fmin_d, kNaN, d(1)), d(1), 0);
  expect_f(run(execute::fmax_d, d(1), kNaN), d(1), 0);
  expect_f(run(execute::fmax_d, d(1), kSignaling), d(1), kNv);
  expect_f(run(execute::fmin_d, kNaN | 3, kNaN | 5), kNaN, 0);
  expect_f(run(execute::fmin_d, kSignaling, kNaN), kNaN, kNv);
  expect_f(run(execute::fmin_s, s(1), s(-1)), s(-1), 0);
}

TEST(Float, ComparisonsAreQuietOrSignaling) {
  for (U quiet : {kNaN, kNaN | Double::sign_bit}) {
    expect_x(run(execute::feq_d, quiet, quiet), 0, 0);
    expect_x(run(execute::flt_d, quiet, d(1)), 0, kNv);
    expect_x(run(execute::fle_d, d(1), quiet), 0, kNv);
  }
  expect_x(run(execute::feq_d, kSignaling, d(1)), 0, kNv);
  expect_x(run(execute::feq_d, d(0.0), d(-0.0)), 1, 0);
  expect_x(run(execute::flt_d, d(-0.0), d(0.0)), 0, 0);
  expect_x(run(execute::fle_d, d(0.0), d(-0.0)), 1, 0);
  const double ascending[] = {-kInfinity, -2, -1, -0x1p-1074, 0, 0x1p-1074, 1, 2, kInfinity};
  for (double a : ascending)
    for (double b : ascending) {
      expect_x(run(execute::feq_d, d(a), d(b)), a == b, 0);
      expect_x(run(execute::flt_d, d(a), d(b)), a < b, 0);
      expect_x(run(execute::fle_d, d(a), d(b)), a <= b, 0);
      expect_x(run(execute::fle_s, s(static_cast<float>(a)), s(static_cast<float>(b))),
               static_cast<float>(a) <= static_cast<float>(b), 0);
    }
}

TEST(Float, ClassesAreTheTenOfTheManual) {
  const U values[] = {d(-kInfinity), d(-1), d(-0x1p-1074), d(-0.0),    d(0.0),
                      d(0x1p-1074),  d(1),  d(kInfinity),  kSignaling, kNaN};
  for (unsigned i = 0; i < 10; ++i) expect_x(run(execute::fclass_d, values[i]), U{1} << i, 0);
}

TEST(Float, SignInjectionMovesSignsOnly) {
  expect_f(run(execute::fsgnj_d, kSignaling, d(-1)), kSignaling | Double::sign_bit, 0);
  expect_f(run(execute::fsgnjn_d, d(1), d(-1)), d(1), 0);
  expect_f(run(execute::fsgnjx_d, d(-1), d(-1)), d(1), 0);
  expect_f(run(execute::fsgnjn_s, s(2), s(1)), s(-2), 0);
}

TEST(Float, ConversionsToIntegersSaturateAndAreInvalidOutOfRange) {
  // Table "Domains of float-to-integer conversions and behavior for invalid inputs".
  const U max_w = 0x7FFFFFFF, min_w = 0xFFFFFFFF80000000, max_l = 0x7FFFFFFFFFFFFFFF, min_l = U{1} << 63,
          all = ~U{0};
  for (U large : {d(kInfinity), kNaN, kNaN | Double::sign_bit, kSignaling, d(1e30)}) {
    expect_x(run(execute::fcvt_w_d, large), max_w, kNv);
    expect_x(run(execute::fcvt_wu_d, large), all, kNv);
    expect_x(run(execute::fcvt_l_d, large), max_l, kNv);
    expect_x(run(execute::fcvt_lu_d, large), all, kNv);
  }
  for (U small : {d(-kInfinity), d(-1e30)}) {
    expect_x(run(execute::fcvt_w_d, small), min_w, kNv);
    expect_x(run(execute::fcvt_wu_d, small), 0, kNv);
    expect_x(run(execute::fcvt_l_d, small), min_l, kNv);
    expect_x(run(execute::fcvt_lu_d, small), 0, kNv);
  }
}

TEST(Float, ConversionsToIntegersRoundFirstAndThenLookAtTheRange) {
  const auto zero = Rounding::toward_zero;
  expect_x(run(execute::fcvt_w_d, d(2147483647.5), 0, 0, zero), 0x7FFFFFFF, kNx);
  expect_x(run(execute::fcvt_w_d, d(2147483647.5)), 0x7FFFFFFF, kNv);
  expect_x(run(execute::fcvt_w_d, d(-2147483648.5), 0, 0, zero), 0xFFFFFFFF80000000, kNx);
  expect_x(run(execute::fcvt_w_d, d(-2147483649), 0, 0, zero), 0xFFFFFFFF80000000, kNv);
  expect_x(run(execute::fcvt_wu_d, d(4294967295)), ~U{0}, 0);  // sign-extended though unsigned
  expect_x(run(execute::fcvt_wu_d, d(3000000000)), 0xFFFFFFFFB2D05E00, 0);
  expect_x(run(execute::fcvt_lu_d, d(-0.75), 0, 0, zero), 0, kNx);
  expect_x(run(execute::fcvt_lu_d, d(-0.75)), 0, kNv);
  expect_x(run(execute::fcvt_l_d, d(-0x1p63)), U{1} << 63, 0);
  expect_x(run(execute::fcvt_l_d, d(0x1p63)), (U{1} << 63) - 1, kNv);
  expect_x(run(execute::fcvt_lu_d, d(0x1p63)), U{1} << 63, 0);
  expect_x(run(execute::fcvt_lu_s, s(0x1.fffffep63F)), 0xFFFFFF0000000000, 0);
  expect_x(run(execute::fcvt_w_s, 0x3F800000), 0x7FFFFFFF, kNv);  // not boxed: NaN
  struct Case {
    Rounding mode;
    std::int64_t of_two_and_a_half, of_minus_half;
  };
  for (const Case& c :
       {Case{Rounding::nearest_even, 2, 0}, Case{Rounding::toward_zero, 2, 0}, Case{Rounding::down, 2, -1},
        Case{Rounding::up, 3, 0}, Case{Rounding::nearest_away, 3, -1}}) {
    expect_x(run(execute::fcvt_l_d, d(2.5), 0, 0, c.mode), static_cast<U>(c.of_two_and_a_half), kNx);
    expect_x(run(execute::fcvt_w_s, s(-0.5F), 0, 0, c.mode), static_cast<U>(c.of_minus_half), kNx);
  }
}

TEST(Float, ConversionsFromIntegersRoundOnce) {
  expect_f(run(execute::fcvt_d_w, 0x1234567880000000), d(-2147483648.0), 0);
  expect_f(run(execute::fcvt_d_wu, 0x1234567880000000), d(2147483648.0), 0);
  expect_f(run(execute::fcvt_d_l, ~U{0}), d(-1), 0);
  expect_f(run(execute::fcvt_d_lu, ~U{0}), d(0x1p64), kNx);
  expect_f(run(execute::fcvt_d_lu, ~U{0}, 0, 0, Rounding::toward_zero), d(0x1.fffffffffffffp63), kNx);
  expect_f(run(execute::fcvt_s_lu, U{1} << 63), s(0x1p63F), 0);
  // 2^24 + 1 is a tie for single precision.
  expect_f(run(execute::fcvt_s_w, 0x1000001), s(0x1p24F), kNx);
  expect_f(run(execute::fcvt_s_w, 0x1000001, 0, 0, Rounding::nearest_away), s(0x1.000002p24F), kNx);
  // Through double this would round twice: 2^54 + 2^30 + 1 lies just above a tie.
  expect_f(run(execute::fcvt_s_l, (U{1} << 54) + (U{1} << 30) + 1), s(0x1.000002p54F), kNx);
}

TEST(Float, FlagsAccrueAndOldOnesDoNotComeBackOnceCleared) {
  FakeCore core = core_with(d(1), d(3));
  EXPECT_TRUE(execute::fdiv_d(core, op_with()));
  EXPECT_EQ(core.state.csr.fflags, kNx);
  core.state.f[kB] = d(0);
  EXPECT_TRUE(execute::fdiv_d(core, op_with()));
  EXPECT_EQ(core.state.csr.fflags, kNx | kDz);
  write_fflags(core.state, 0);
  core.state.f[kB] = d(2);
  EXPECT_TRUE(execute::fdiv_d(core, op_with()));
  EXPECT_EQ(core.state.csr.fflags, 0u);
}

TEST(Float, DirtyIsMarkedForTheGuestTooAndOnlyWhenStateChanges) {
  FakeCore core = core_with(d(1), d(1));
  execute::feq_d(core, op_with());
  EXPECT_EQ(core.state.csr.mstatus, 0u);
  core.state.f[kB] = kSignaling;
  execute::feq_d(core, op_with());  // raises a flag
  EXPECT_EQ(core.state.csr.mstatus, isa::csr::kFs);
  EXPECT_EQ(core.state.csr.vsstatus, 0u);
  core.state.csr.mstatus = 0;
  execute::feq_d(core, op_with());  // a flag that is already up
  EXPECT_EQ(core.state.csr.mstatus, 0u);
  core.state.mode.virtualized = true;
  execute::fsgnj_d(core, op_with());
  EXPECT_EQ(core.state.csr.mstatus, isa::csr::kFs);
  EXPECT_EQ(core.state.csr.vsstatus, isa::csr::kFs);
}

TEST(Float, DirectedRoundingLeavesTheHostRoundingToNearest) {
  run(execute::fdiv_d, d(1), d(3), 0, Rounding::up);
  volatile double one = 1, three = 3;
  EXPECT_EQ(one / three, 0x1.5555555555555p-2);
}

}  // namespace
}  // namespace hvsim::cpu
