// The PLIC against the words of its specification.
#include "models/irq/plic.h"

#include <gtest/gtest.h>

#include "tests/unit/irq/recorded_lines.h"

namespace hvsim::irq {
namespace {

constexpr unsigned kMeip = 11, kSeip = 9;
constexpr unsigned kM0 = 0, kS0 = 1, kS1 = 3;  // contexts

class PlicTest : public testing::Test {
 protected:
  std::uint32_t read(std::uint64_t offset) {
    std::uint64_t value = 0;
    EXPECT_TRUE(plic_.read(offset, 4, value));
    return static_cast<std::uint32_t>(value);
  }
  void write(std::uint64_t offset, std::uint32_t value) { EXPECT_TRUE(plic_.write(offset, 4, value)); }

  void priority(unsigned source, std::uint32_t value) { write(source * 4, value); }
  void enable(unsigned context, unsigned source) {
    const std::uint64_t at = 0x2000 + 0x80 * context + source / 32 * 4;
    write(at, read(at) | 1u << source % 32);
  }
  void threshold(unsigned context, std::uint32_t value) { write(0x200000 + 0x1000 * context, value); }
  std::uint32_t claim(unsigned context) { return read(0x200004 + 0x1000 * context); }
  void complete(unsigned context, std::uint32_t source) { write(0x200004 + 0x1000 * context, source); }
  bool pending(unsigned source) { return (read(0x1000 + source / 32 * 4) >> source % 32 & 1) != 0; }
  void listen(unsigned context, unsigned source, std::uint32_t level) {
    priority(source, level);
    enable(context, source);
  }

  std::array<RecordedLines, 2> harts_;
  Plic plic_{{&harts_[0], &harts_[1]}};
};

TEST_F(PlicTest, ContextsAlternateBetweenMachineAndSupervisorOfEachHart) {
  listen(kM0, 10, 1);
  listen(kS1, 10, 1);
  plic_.set_level(10, true);
  EXPECT_TRUE(harts_[0].high(kMeip));
  EXPECT_FALSE(harts_[0].high(kSeip));
  EXPECT_FALSE(harts_[1].high(kMeip));
  EXPECT_TRUE(harts_[1].high(kSeip));
}

TEST_F(PlicTest, PriorityZeroNeverInterruptsAndIsNeverClaimed) {
  listen(kS0, 10, 0);
  plic_.set_level(10, true);
  EXPECT_TRUE(pending(10));
  EXPECT_FALSE(harts_[0].high(kSeip));
  EXPECT_EQ(claim(kS0), 0u);
}

TEST_F(PlicTest, OnlyPrioritiesAboveTheThresholdInterrupt) {
  listen(kS0, 10, 3);
  threshold(kS0, 3);
  plic_.set_level(10, true);
  EXPECT_FALSE(harts_[0].high(kSeip));
  threshold(kS0, 2);
  EXPECT_TRUE(harts_[0].high(kSeip));
}

TEST_F(PlicTest, ClaimsAreNotAffectedByTheThreshold) {
  listen(kS0, 10, 3);
  threshold(kS0, 7);
  plic_.set_level(10, true);
  EXPECT_FALSE(harts_[0].high(kSeip));
  EXPECT_EQ(claim(kS0), 10u);
}

TEST_F(PlicTest, ClaimTakesTheHighestPriorityAndThenTheLowestId) {
  listen(kS0, 40, 2);
  listen(kS0, 12, 2);
  listen(kS0, 33, 5);
  for (unsigned source : {40u, 12u, 33u}) plic_.set_level(source, true);
  EXPECT_EQ(claim(kS0), 33u);
  EXPECT_EQ(claim(kS0), 12u);
  EXPECT_EQ(claim(kS0), 40u);
  EXPECT_EQ(claim(kS0), 0u);
}

TEST_F(PlicTest, ClaimClearsPendingAndLowersTheOutput) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS0), 10u);
  EXPECT_FALSE(pending(10));
  EXPECT_FALSE(harts_[0].high(kSeip));
}

TEST_F(PlicTest, OneContextsClaimLowersTheOutputsOfAll) {
  listen(kS0, 10, 1);
  listen(kS1, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS1), 10u);
  EXPECT_FALSE(harts_[0].high(kSeip));
  EXPECT_EQ(claim(kS0), 0u);
}

TEST_F(PlicTest, AHighLineRequestsAgainOnlyAfterCompletion) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS0), 10u);
  plic_.set_level(10, false);
  plic_.set_level(10, true);
  EXPECT_FALSE(pending(10));
  complete(kS0, 10);
  EXPECT_TRUE(pending(10));
  EXPECT_TRUE(harts_[0].high(kSeip));
}

TEST_F(PlicTest, ALineThatFellDoesNotRequestAfterCompletion) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS0), 10u);
  plic_.set_level(10, false);
  complete(kS0, 10);
  EXPECT_FALSE(pending(10));
}

TEST_F(PlicTest, ARequestIsNotRetractedWhenItsLineFalls) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  plic_.set_level(10, false);
  EXPECT_TRUE(harts_[0].high(kSeip));
  EXPECT_EQ(claim(kS0), 10u);
}

TEST_F(PlicTest, CompletionByAContextWithoutTheSourceIsIgnored) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS0), 10u);
  complete(kS1, 10);
  EXPECT_FALSE(pending(10));
  complete(kS0, 10);
  EXPECT_TRUE(pending(10));
}

TEST_F(PlicTest, AnotherEnabledContextMayCompleteForTheClaimer) {
  listen(kS0, 10, 1);
  listen(kS1, 10, 1);
  plic_.set_level(10, true);
  EXPECT_EQ(claim(kS0), 10u);
  complete(kS1, 10);
  EXPECT_TRUE(pending(10));
}

TEST_F(PlicTest, PrioritiesAndThresholdsKeepThreeBits) {
  priority(10, 0xFFFFFFFF);
  threshold(kS0, 0xFFFFFFFF);
  EXPECT_EQ(read(40), 7u);
  EXPECT_EQ(read(0x201000), 7u);
}

TEST_F(PlicTest, SourceZeroAndSourcesBeyondTheLastDoNotExist) {
  priority(0, 7);
  priority(97, 7);
  for (std::uint64_t word = 0; word < 32; ++word) write(0x2000 + word * 4, 0xFFFFFFFF);
  plic_.set_level(0, true);
  plic_.set_level(97, true);
  EXPECT_EQ(read(0), 0u);
  EXPECT_EQ(read(97 * 4), 0u);
  EXPECT_EQ(read(0x2000), 0xFFFFFFFEu);
  EXPECT_EQ(read(0x200C), 1u);  // source 96
  EXPECT_EQ(read(0x2010), 0u);
  EXPECT_EQ(claim(kM0), 0u);
}

TEST_F(PlicTest, TheLastSourceWorks) {
  listen(kS0, 96, 1);
  plic_.set_level(96, true);
  EXPECT_EQ(claim(kS0), 96u);
}

TEST_F(PlicTest, PendingBitsAreReadOnly) {
  write(0x1000, 0xFFFFFFFF);
  EXPECT_EQ(read(0x1000), 0u);
}

TEST_F(PlicTest, AbsentContextsAndHolesReadZeroAndIgnoreWrites) {
  for (std::uint64_t offset : {0x2200u, 0x204000u, 0x204004u, 0x200008u, 0x1FFFFCu, 0x5FFFFCu}) {
    write(offset, 0xFFFFFFFF);
    EXPECT_EQ(read(offset), 0u) << std::hex << offset;
  }
}

TEST_F(PlicTest, OnlyWordsCanBeAccessed) {
  std::uint64_t value = 0;
  for (unsigned bytes : {1u, 2u, 8u}) {
    EXPECT_FALSE(plic_.read(0, bytes, value));
    EXPECT_FALSE(plic_.write(0, bytes, 0));
  }
}

TEST_F(PlicTest, OutputsAreDrivenOnlyWhenTheyChange) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  plic_.set_level(10, true);
  priority(10, 2);
  EXPECT_EQ(harts_[0].changes(kSeip), 1);
}

TEST_F(PlicTest, RestoredStateDrivesTheOutputsAgain) {
  listen(kS0, 10, 1);
  plic_.set_level(10, true);
  const PlicState saved = plic_.state();
  claim(kS0);
  plic_.restore(saved);
  EXPECT_TRUE(harts_[0].high(kSeip));
  EXPECT_EQ(claim(kS0), 10u);
}

TEST_F(PlicTest, AResetForgetsAllButTheLevelsOfItsLines) {
  listen(kS0, 10, 3);
  listen(kS0, 11, 3);
  plic_.set_level(10, true);
  ASSERT_EQ(claim(kS0), 10u);
  plic_.set_level(11, true);
  ASSERT_TRUE(harts_[0].high(kSeip));
  plic_.set_level(11, false);
  plic_.reset();
  EXPECT_FALSE(harts_[0].high(kSeip));
  EXPECT_EQ(read(40), 0u);
  EXPECT_EQ(read(0x2000 + 0x80 * kS0), 0u);
  EXPECT_TRUE(pending(10)) << "its line is still high";
  EXPECT_FALSE(pending(11));
}

}  // namespace
}  // namespace hvsim::irq
