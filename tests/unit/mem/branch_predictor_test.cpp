// Branch prediction: counters, targets and returns behave as the textbook has them.
#include "models/cpu/branch_predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace hvsim::cpu {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kPc = 0x80001000;

TEST(BranchPredictor, ALoopMispredictsOnceEnteringAndOncePerExit) {
  BranchPredictor predictor({});
  unsigned mispredicts = 0;
  for (unsigned run = 0; run < 10; ++run)
    for (unsigned i = 0; i < 100; ++i) mispredicts += predictor.predict_and_update_branch(kPc, i != 99);
  EXPECT_EQ(mispredicts, 1U + 10);
  EXPECT_EQ(predictor.stats().branches, 1000U);
  EXPECT_EQ(predictor.stats().branch_mispredicts, 11U);
}

TEST(BranchPredictor, CountersFollowTheTwoBitStateMachine) {
  BranchPredictor predictor({.bht_entries = 16});
  std::map<std::uint64_t, int> strength;  // -2 strongly not taken, -1, 1, 2 strongly taken
  std::mt19937 random(4);
  for (unsigned i = 0; i < 20'000; ++i) {
    const std::uint64_t pc = kPc + random() % 64 * 2;
    const bool taken = random() % 3 != 0;
    auto [entry, fresh] = strength.try_emplace(pc / 2 % 16, -1);
    const bool predicted = entry->second > 0;
    ASSERT_EQ(predictor.predict_and_update_branch(pc, taken), predicted != taken);
    const int direction = taken ? 1 : -1;
    const int next = entry->second + direction;
    entry->second = next == 0 ? direction : std::clamp(next, -2, 2);
  }
}

// gshare the slow way: the whole past is kept, and its end is looked at anew for each branch.
class TextbookGshare {
 public:
  TextbookGshare(unsigned entries, unsigned history) : entries_(entries), bits_(history) {}
  bool mispredicted(std::uint64_t pc, bool taken) {
    std::uint64_t recent = 0;
    for (unsigned i = 0; i < bits_ && i < past_.size(); ++i)
      recent += past_[past_.size() - 1 - i] ? std::uint64_t{1} << i : 0;
    auto [entry, fresh] = counters_.try_emplace((pc / 2 ^ recent) % entries_, 1);
    const bool predicted = entry->second >= 2;
    entry->second = std::clamp(entry->second + (taken ? 1 : -1), 0, 3);
    past_.push_back(taken);
    return predicted != taken;
  }

 private:
  unsigned entries_, bits_;
  std::map<std::uint64_t, int> counters_;
  std::vector<bool> past_;
};

TEST(BranchPredictor, GshareDoesAsTheTextbookOnRandomBranches) {
  for (const auto& [entries, history] : {std::pair{64U, 3U}, std::pair{256U, 8U}, std::pair{16U, 12U}}) {
    BranchPredictor predictor(
        {.kind = BranchPrediction::gshare, .history_bits = history, .bht_entries = entries});
    TextbookGshare textbook(entries, history);
    std::mt19937 random(7);
    unsigned missed = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
      const std::uint64_t pc = kPc + random() % 40 * 2;
      const bool taken = random() % 5 < pc / 2 % 5;
      const bool wrong = textbook.mispredicted(pc, taken);
      ASSERT_EQ(predictor.predict_and_update_branch(pc, taken), wrong) << "branch " << i;
      missed += wrong;
    }
    EXPECT_EQ(predictor.stats().branch_mispredicts, missed);
  }
}

TEST(BranchPredictor, GshareLearnsAPatternThatCountersCannot) {
  const auto missed = [](const BranchPredictorConfig& config) {
    BranchPredictor predictor(config);
    for (unsigned i = 0; i < 4'000; ++i) predictor.predict_and_update_branch(kPc, i % 4 < 2);
    return predictor.stats().branch_mispredicts;
  };
  EXPECT_GE(missed({.bht_entries = 1024}), 1'900U);
  EXPECT_LE(missed({.kind = BranchPrediction::gshare, .bht_entries = 1024}), 20U);
}

TEST(BranchPredictor, AFlushForgetsTheHistory) {
  BranchPredictor used({.kind = BranchPrediction::gshare, .history_bits = 6, .flushed_by_traps = true});
  for (unsigned i = 0; i < 100; ++i) used.predict_and_update_branch(kPc + i % 7 * 2, i % 3 == 0);
  used.switched_mode();
  BranchPredictor fresh(used.config());
  std::mt19937 random(3);
  for (unsigned i = 0; i < 500; ++i) {
    const std::uint64_t pc = kPc + random() % 16 * 2;
    const bool taken = random() % 2 != 0;
    ASSERT_EQ(used.predict_and_update_branch(pc, taken), fresh.predict_and_update_branch(pc, taken));
  }
}

TEST(BranchPredictor, IndirectJumpsRepeatTheirLastTarget) {
  BranchPredictor predictor({});
  EXPECT_TRUE(predictor.jump_register(kPc, 0x100, kPc + 4, false, false));
  EXPECT_FALSE(predictor.jump_register(kPc, 0x100, kPc + 4, false, false));
  EXPECT_TRUE(predictor.jump_register(kPc, 0x200, kPc + 4, false, false));
  EXPECT_FALSE(predictor.jump_register(kPc, 0x200, kPc + 4, false, false));
  EXPECT_TRUE(predictor.jump_register(kPc + 32 * 2, 0x200, kPc, false, false));  // same entry, another pc
  EXPECT_TRUE(predictor.jump_register(kPc, 0x200, kPc + 4, false, false));
}

TEST(BranchPredictor, ReturnsAreRightAsDeepAsTheStackIs) {
  BranchPredictor predictor({.ras_depth = 4});
  const auto wrong_returns = [&predictor](unsigned depth) {
    for (unsigned i = 0; i < depth; ++i) predictor.call(0x1000 + i * 4);
    unsigned wrong = 0;
    for (unsigned i = depth; i-- > 0;)
      wrong += predictor.jump_register(kPc, 0x1000 + i * 4, kPc + 4, false, true);
    return wrong;
  };
  EXPECT_EQ(wrong_returns(1), 0U);
  EXPECT_EQ(wrong_returns(4), 0U);
  EXPECT_EQ(wrong_returns(6), 2U);
  EXPECT_EQ(predictor.stats().returns, 11U);
  EXPECT_EQ(predictor.stats().return_mispredicts, 2U);
}

TEST(BranchPredictor, IndirectCallsPushAndCoroutineJumpsSwap) {
  BranchPredictor predictor({});
  predictor.jump_register(kPc, 0x5000, kPc + 2, true, false);
  EXPECT_FALSE(predictor.jump_register(0x5010, kPc + 2, 0x5014, true, true));  // returns, and is called back
  EXPECT_FALSE(predictor.jump_register(kPc + 8, 0x5014, kPc + 12, false, true));
}

TEST(BranchPredictor, WithoutAReturnStackTheTargetBufferPredictsReturns) {
  BranchPredictor predictor({.ras_depth = 0});
  predictor.call(0x1000);
  EXPECT_TRUE(predictor.jump_register(kPc, 0x1000, kPc + 4, false, true));
  EXPECT_FALSE(predictor.jump_register(kPc, 0x1000, kPc + 4, false, true));
}

TEST(BranchPredictor, FlushForgetsEverythingButTheCounts) {
  BranchPredictor predictor({});
  for (unsigned i = 0; i < 4; ++i) predictor.predict_and_update_branch(kPc, true);
  predictor.call(0x1000);
  predictor.flush();
  EXPECT_TRUE(predictor.predict_and_update_branch(kPc, true));
  EXPECT_TRUE(predictor.jump_register(kPc, 0x1000, kPc + 4, false, true));
  EXPECT_EQ(predictor.stats().branches, 5U);
}

TEST(BranchPredictor, ImpossibleConfigsAreToldInWords) {
  EXPECT_EQ(problem(BranchPredictorConfig{}), std::nullopt);
  EXPECT_THAT(problem(BranchPredictorConfig{.bht_entries = 100}).value_or(""), HasSubstr("bht_entries: 100"));
  EXPECT_THAT(problem(BranchPredictorConfig{.btb_entries = 0}).value_or(""), HasSubstr("btb_entries: 0"));
  EXPECT_THAT(problem(BranchPredictorConfig{.ras_depth = 5000}).value_or(""), HasSubstr("ras_depth: 5000"));
}

TEST(BranchPredictor, UnknownBranchesAreTakenBackwardIfSoConfigured) {
  BranchPredictor predictor({.static_prediction = true});
  EXPECT_FALSE(predictor.predict_and_update_branch(kPc, true, true));
  EXPECT_FALSE(predictor.predict_and_update_branch(kPc + 8, false, false));
  EXPECT_TRUE(predictor.predict_and_update_branch(kPc + 16, true, false));
  EXPECT_FALSE(predictor.predict_and_update_branch(kPc + 16, true, false)) << "it has learnt";
}

TEST(BranchPredictor, AnUntaggedTargetBufferMixesUpJumpsThatShareAnEntry) {
  for (const bool tagged : {false, true}) {
    BranchPredictor predictor({.btb_entries = 32, .btb_tagged = tagged});
    predictor.jump_register(kPc, 0x100, kPc + 4, false, false);
    EXPECT_EQ(predictor.jump_register(kPc + 64, 0x100, kPc + 68, false, false), tagged);
    EXPECT_EQ(predictor.last_prediction(), tagged ? BranchPredictor::kNoPrediction : 0x100u);
  }
}

TEST(BranchPredictor, TrapsEmptyItIfSoConfigured) {
  for (const bool flushed : {false, true}) {
    BranchPredictor predictor({.flushed_by_traps = flushed});
    for (unsigned i = 0; i < 4; ++i) predictor.predict_and_update_branch(kPc, true);
    predictor.call(0x2000);
    predictor.switched_mode();
    EXPECT_EQ(predictor.predict_and_update_branch(kPc, true), flushed);
    EXPECT_EQ(predictor.predicted_target(kPc + 4, true), flushed ? BranchPredictor::kNoPrediction : 0x2000u);
  }
}

}  // namespace
}  // namespace hvsim::cpu
