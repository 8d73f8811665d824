// What the results that are late remember when an access asks again for a time that was passed.
#include "models/cpu/late_results.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace hvsim::cpu::test {
namespace {

constexpr std::uint64_t kLateRegister = 1 << 5;
constexpr isa::Cycles kReady = 1000;

// The second half of an access that crosses a page waits as the op that its first half has passed already.
// The ops behind it, which need what the first half brings, have not issued: nothing waits for them yet.
TEST(LateResults, AnOpThatWasPassedIsTheNextAgainAndNothingBehindItWaits) {
  LateResults late(8, true);
  BlockTimes times{.ops = std::vector<OpTimes>(4)};
  auto& ops = times.ops;
  for (int i = 0; i < 4; ++i) ops[static_cast<unsigned>(i)] = {.issue = i, .access = i};
  ops[1].unit = OpTimes::Unit::load;
  ops[2].reads = ops[3].reads = kLateRegister;
  times.find_users();
  late.stands_at(2);
  ASSERT_TRUE(
      late.add({.result = kLateRegister, .unit = OpTimes::Unit::load, .ready = kReady, .unit_free = 0}));

  late.advance(times, 1, 0);
  EXPECT_EQ(late.shift(), 0u);
  EXPECT_TRUE(late.any()) << "it is late still";

  late.advance(times, 3, 0);
  EXPECT_EQ(late.shift(), kReady - 2) << "the op that reads it issues when it is ready";
}

// What LateResults says it does, op by op.
struct OpByOp {
  static constexpr unsigned kScoreboard = 8;
  struct Late {
    LateResults::Late what;
    std::uint64_t full_at;
  };
  std::vector<Late> late;
  std::uint64_t passed = 0;
  isa::Cycles shift = 0;

  void pass(const OpTimes& op, isa::Cycles began) {
    if (late.empty()) return;
    ++passed;
    const isa::Cycles issue = began + shift + static_cast<isa::Cycles>(op.issue);
    isa::Cycles from = issue;
    for (const auto& [what, full_at] : late) {
      if ((op.reads & what.result) != 0) from = std::max(from, what.ready);
      if (passed >= full_at) from = std::max(from, what.ready + 2);
      if (op.unit == OpTimes::Unit::load && what.unit == op.unit)
        from = std::max(from, what.unit_free - static_cast<isa::Cycles>(op.access - op.issue));
    }
    shift += from - issue;
    std::erase_if(late, [from](const Late& each) { return each.what.ready + 2 <= from; });
  }
};

BlockTimes draw_block(std::mt19937& random) {
  BlockTimes times{.ops = std::vector<OpTimes>(1 + random() % 12)};
  std::int32_t issue = static_cast<std::int32_t>(random() % 3) - 1;
  for (OpTimes& op : times.ops) {
    issue += static_cast<std::int32_t>(random() % 3);
    op = {
        .issue = issue, .access = issue + 2, .reads = random() % 8 & random(), .writes = 1U << random() % 3};
    if (random() % 3 == 0) op.unit = OpTimes::Unit::load;
  }
  times.find_users();
  return times;
}

TEST(LateResults, OpsAreLateAsIfEachWereLookedAt) {
  std::mt19937 random(1);
  LateResults late(OpByOp::kScoreboard, true);
  OpByOp model;
  isa::Cycles began = 1000;
  unsigned waited = 0;
  for (unsigned round = 0; round < 100'000; ++round) {
    const BlockTimes times = draw_block(random);
    const auto count = static_cast<unsigned>(times.ops.size());
    unsigned next = 0;
    const auto advance = [&](unsigned until) {
      if (!late.advances_at_once(until)) late.advance(times, until, began);
      for (; next < until; ++next) model.pass(times.ops[next], began);
      ASSERT_EQ(late.shift(), model.shift) << round;
      ASSERT_EQ(late.any(), !model.late.empty() || until != 0) << round;
      isa::Cycles last = 0;
      for (const auto& each : model.late) last = std::max(last, each.what.ready + 1);
      ASSERT_EQ(late.last_commit(), last) << round;
    };
    for (unsigned at = 0; at < count; ++at) {
      if (random() % 4 != 0 || model.late.size() >= 3) continue;
      ASSERT_NO_FATAL_FAILURE(advance(at + 1));
      const OpTimes& op = times.ops[at];
      const isa::Cycles now = began + late.shift() + static_cast<isa::Cycles>(op.access);
      LateResults::Late what{.why = Component::store_buffer, .ready = now + random() % 40};
      const bool load = op.unit == OpTimes::Unit::load;
      if (load) what = {op.writes, op.unit, Component::dcache, now + random() % 40, now + random() % 40};
      ASSERT_TRUE(late.add(what, load ? op.next_reader : kMaxBlockOps));
      model.late.push_back({what, model.passed + OpByOp::kScoreboard});
    }
    ASSERT_NO_FATAL_FAILURE(advance(count));
    waited += model.shift != 0;
    began += static_cast<isa::Cycles>(times.ops.back().issue + 2) + late.end_block();
    model.shift = 0;
  }
  EXPECT_GT(waited, 10'000U);
}

}  // namespace
}  // namespace hvsim::cpu::test
