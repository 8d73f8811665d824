// Replacement policies beside brute-force ones, and the promise about hits that need not be seen.
#include "models/mem/replacement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

namespace hvsim::mem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One set, the slow way.
class TextbookSet {
 public:
  virtual ~TextbookSet() = default;
  virtual void used(unsigned way) = 0;
  virtual unsigned victim() = 0;
};

class LeastRecent : public TextbookSet {
 public:
  explicit LeastRecent(unsigned ways) {
    for (unsigned way = 0; way < ways; ++way) order_.push_back(way);
  }
  void used(unsigned way) override {
    order_.erase(std::ranges::find(order_, way));
    order_.push_back(way);
  }
  unsigned victim() override { return order_.front(); }

 private:
  std::vector<unsigned> order_;
};

// The tree as ranges of ways: each range remembers which half was used last.
class Tree : public TextbookSet {
 public:
  explicit Tree(unsigned ways) : ways_(ways) {}
  void used(unsigned way) override {
    for (unsigned first = 0, size = ways_; size > 1; size /= 2) {
      const bool upper = way >= first + size / 2;
      upper_used_last_[{first, size}] = upper;
      if (upper) first += size / 2;
    }
  }
  unsigned victim() override {
    unsigned first = 0;
    for (unsigned size = ways_; size > 1; size /= 2) {
      const auto found = upper_used_last_.find({first, size});
      // A range that was never used points to its lower half, as after one of its upper.
      if (found != upper_used_last_.end() && !found->second) first += size / 2;
    }
    return first;
  }

 private:
  unsigned ways_;
  std::map<std::pair<unsigned, unsigned>, bool> upper_used_last_;
};

class NotRecent : public TextbookSet {
 public:
  explicit NotRecent(unsigned ways) : marked_(ways, false) {}
  void used(unsigned way) override {
    marked_[way] = true;
    if (std::ranges::find(marked_, false) != marked_.end()) return;
    marked_.assign(marked_.size(), false);
    marked_[way] = true;
  }
  unsigned victim() override {
    return static_cast<unsigned>(std::ranges::find(marked_, false) - marked_.begin());
  }

 private:
  std::vector<bool> marked_;
};

std::unique_ptr<TextbookSet> textbook(Replacement policy, unsigned ways) {
  if (policy == Replacement::lru) return std::make_unique<LeastRecent>(ways);
  if (policy == Replacement::plru) return std::make_unique<Tree>(ways);
  return std::make_unique<NotRecent>(ways);
}

TEST(Replacement, VictimsAreThoseOfTheTextbook) {
  for (const auto policy : {Replacement::lru, Replacement::plru, Replacement::nru})
    for (const unsigned ways : {2U, 4U, 8U, 16U, 64U}) {
      ReplacementState state(policy, 2, ways, 1);
      const auto expected = textbook(policy, ways);
      std::mt19937 random(ways);
      for (unsigned way = 0; way < ways; ++way) {
        state.filled(1, way);
        expected->used(way);
      }
      for (unsigned step = 0; step < 5'000; ++step) {
        state.used(0, static_cast<unsigned>(random() % ways));  // another set
        if (random() % 4 != 0) {
          const auto way = static_cast<unsigned>(random() % ways);
          state.used(1, way);
          expected->used(way);
          continue;
        }
        const unsigned victim = state.victim(1);
        ASSERT_EQ(victim, expected->victim()) << ways << " ways, step " << step;
        state.filled(1, victim);
        expected->used(victim);
      }
    }
}

// Uses that were promised to change nothing are left out in one of two copies: the victims stay the same.
TEST(Replacement, HitsOfUndisturbedWaysNeedNotBeSeen) {
  for (const auto policy :
       {Replacement::lru, Replacement::plru, Replacement::nru, Replacement::fifo, Replacement::random}) {
    constexpr unsigned kWays = 8;
    ReplacementState all(policy, 1, kWays, 1), some(policy, 1, kWays, 1);
    std::mt19937 random(3);
    Ways unseen = 0;
    const auto see = [&](unsigned way, bool fill) {
      const Ways disturbed = fill ? some.filled(0, way) : some.used(0, way);
      EXPECT_EQ(disturbed >> way & 1, 0U);
      unseen = (unseen & ~disturbed) | Ways{1} << way;
    };
    for (unsigned way = 0; way < kWays; ++way) {
      all.filled(0, way);
      see(way, true);
    }
    unsigned left_out = 0;
    for (unsigned step = 0; step < 5'000; ++step) {
      const auto way = static_cast<unsigned>(random() % 4 == 0 ? random() % kWays : step / 16 % kWays);
      all.used(0, way);
      if ((unseen >> way & 1) == 0)
        see(way, false);
      else
        ++left_out;
      if (step % 8 != 0) continue;
      const unsigned victim = all.victim(0);
      ASSERT_EQ(victim, some.victim(0)) << "step " << step;
      all.filled(0, victim);
      see(victim, true);
    }
    EXPECT_GT(left_out, 1'000U);
  }
}

// Ways that take turns need no search; fills of other ways, as after a removal, end that.
TEST(Replacement, TheWayFilledFirstLeavesFirstWhateverTheOrderOfFills) {
  for (const unsigned ways : {1U, 2U, 5U, 16U}) {
    ReplacementState state(Replacement::fifo, 2, ways, 1);
    LeastRecent expected(ways);
    std::mt19937 random(ways);
    for (unsigned step = 0; step < 5'000; ++step) {
      const bool out_of_turn = step / 100 % 2 == 1 && random() % 4 == 0;
      const unsigned victim = state.victim(1);
      ASSERT_EQ(victim, expected.victim()) << ways << " ways, step " << step;
      const auto way = static_cast<unsigned>(out_of_turn ? random() % ways : victim);
      state.filled(1, way);
      expected.used(way);
    }
  }
}

TEST(Replacement, ToReplaceIsToChooseAVictimAndToFillIt) {
  for (const auto policy : {Replacement::lru, Replacement::plru, Replacement::nru, Replacement::fifo,
                            Replacement::random, Replacement::lfsr8}) {
    for (const unsigned ways : {1U, 4U, 16U, 32U}) {
      ReplacementState at_once(policy, 2, ways, 1), in_steps(policy, 2, ways, 1);
      std::mt19937 random(ways);
      for (unsigned step = 0; step < 2'000; ++step) {
        const std::uint32_t set = random() % 2;
        const unsigned victim = in_steps.victim(set);
        in_steps.filled(set, victim);
        ASSERT_EQ(at_once.replace(set), victim) << ways << " ways, step " << step;
        const auto way = static_cast<unsigned>(random() % ways);
        at_once.used(set, way);
        in_steps.used(set, way);
      }
    }
  }
}

TEST(Replacement, TheShiftRegisterOfCva6StartsWithAllOnesAndHasTheLongestPeriod) {
  ReplacementState state(Replacement::lfsr8, 1, 256, 99);
  std::vector<unsigned> seen;
  for (unsigned step = 0; step < 255; ++step) seen.push_back(state.victim(0));
  EXPECT_THAT(std::vector(seen.begin(), seen.begin() + 4), ElementsAre(0xFF, 0x7F ^ 0xFA, 0xB8, 0x5C));
  EXPECT_EQ(state.victim(0), 0xFFU);
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  EXPECT_EQ(seen.front(), 1U);
}

TEST(Replacement, WhatAPolicyCannotDoIsToldInWords) {
  EXPECT_EQ(problem(Replacement::plru, 16), std::nullopt);
  EXPECT_EQ(problem(Replacement::fifo, 100), std::nullopt);
  EXPECT_THAT(problem(Replacement::plru, 12).value_or(""), HasSubstr("plru needs a power of two"));
  EXPECT_THAT(problem(Replacement::lfsr8, 3).value_or(""), HasSubstr("lfsr8 needs a power of two"));
  EXPECT_THAT(problem(Replacement::lru, 65).value_or(""), HasSubstr("at most 64 ways"));
}

TEST(Replacement, PoliciesThatMindHitsCannotBeMadeWithMoreWaysThanTheyKeep) {
  for (const auto policy : {Replacement::lru, Replacement::plru, Replacement::nru}) {
    EXPECT_NO_THROW(ReplacementState(policy, 1, 64, 1));
    EXPECT_THROW(ReplacementState(policy, 1, 128, 1), std::invalid_argument);
  }
  EXPECT_NO_THROW(ReplacementState(Replacement::random, 1, 128, 1));
  EXPECT_NO_THROW(ReplacementState(Replacement::fifo, 1, 128, 1));
  EXPECT_THROW(ReplacementState(Replacement::plru, 1, 12, 1), std::invalid_argument);
}

}  // namespace
}  // namespace hvsim::mem
