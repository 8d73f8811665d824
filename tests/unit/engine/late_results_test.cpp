// What the results that are late remember when an access asks again for a time that was passed.
#include "models/cpu/late_results.h"

#include <gtest/gtest.h>

#include <vector>

namespace hvsim::cpu::test {
namespace {

constexpr std::uint64_t kLateRegister = 1 << 5;
constexpr isa::Cycles kReady = 1000;

// The second half of an access that crosses a page waits as the op that its first half has passed already.
// The ops behind it, which need what the first half brings, have not issued: nothing waits for them yet.
TEST(LateResults, AnOpThatWasPassedIsTheNextAgainAndNothingBehindItWaits) {
  LateResults late(8, true);
  std::vector<OpTimes> ops(4);
  for (int i = 0; i < 4; ++i) ops[static_cast<unsigned>(i)] = {.issue = i, .access = i};
  ops[1].unit = OpTimes::Unit::load;
  ops[2].reads = ops[3].reads = kLateRegister;
  late.stands_at(2);
  ASSERT_TRUE(
      late.add({.result = kLateRegister, .unit = OpTimes::Unit::load, .ready = kReady, .unit_free = 0}));

  late.advance(ops, 1, 0);
  EXPECT_EQ(late.shift(), 0u);
  EXPECT_TRUE(late.any()) << "it is late still";

  late.advance(ops, 3, 0);
  EXPECT_EQ(late.shift(), kReady - 2) << "the op that reads it issues when it is ready";
}

}  // namespace
}  // namespace hvsim::cpu::test
