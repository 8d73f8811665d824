// The CLINT as firmware for `virt` uses it.
#include "models/irq/aclint.h"

#include <gtest/gtest.h>

#include "tests/unit/irq/recorded_lines.h"

namespace hvsim::irq {
namespace {

constexpr unsigned kMsipLine = 3;

class AclintTest : public testing::Test {
 protected:
  std::uint64_t read(std::uint64_t offset, unsigned bytes) {
    std::uint64_t value = ~std::uint64_t{0};
    EXPECT_TRUE(aclint_.read(offset, bytes, value));
    return value;
  }
  void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
    EXPECT_TRUE(aclint_.write(offset, bytes, value));
  }

  std::array<RecordedLines, 2> harts_;
  std::array<std::uint64_t, 2> mtimecmp_{};
  std::uint64_t mtime_ = 0;
  Aclint aclint_{{.now = [this] { return mtime_; },
                  .set_mtime = [this](std::uint64_t value) { mtime_ = value; },
                  .set_mtimecmp = [this](unsigned hart, std::uint64_t value) { mtimecmp_.at(hart) = value; },
                  .harts = {&harts_[0], &harts_[1]}}};
};

TEST_F(AclintTest, MsipRaisesTheSoftwareInterruptOfItsHartOnly) {
  write(4, 4, 1);
  EXPECT_FALSE(harts_[0].high(kMsipLine));
  EXPECT_TRUE(harts_[1].high(kMsipLine));
  EXPECT_EQ(read(4, 4), 1u);
  write(4, 4, 0);
  EXPECT_FALSE(harts_[1].high(kMsipLine));
}

TEST_F(AclintTest, OnlyBitZeroOfMsipExists) {
  write(0, 4, 0xFFFFFFFE);
  EXPECT_FALSE(harts_[0].high(kMsipLine));
  write(0, 4, 0xFFFFFFFF);
  EXPECT_EQ(read(0, 4), 1u);
}

TEST_F(AclintTest, MtimecmpReachesTheHartWholeOrInHalves) {
  write(0x4008, 8, 0x1122334455667788);
  EXPECT_EQ(mtimecmp_[1], 0x1122334455667788u);
  write(0x4008, 4, 0xAAAAAAAA);
  EXPECT_EQ(mtimecmp_[1], 0x11223344AAAAAAAAu);
  write(0x400C, 4, 0xBBBBBBBB);
  EXPECT_EQ(mtimecmp_[1], 0xBBBBBBBBAAAAAAAAu);
  EXPECT_EQ(read(0x4008, 8), 0xBBBBBBBBAAAAAAAAu);
  EXPECT_EQ(read(0x400C, 4), 0xBBBBBBBBu);
  EXPECT_EQ(mtimecmp_[0], 0u);
}

TEST_F(AclintTest, MtimecmpStartsWithNoTimerPending) { EXPECT_EQ(read(0x4000, 8), ~std::uint64_t{0}); }

TEST_F(AclintTest, MtimeIsTheMachinesTimeWholeOrInHalves) {
  mtime_ = 0x0123456789ABCDEF;
  EXPECT_EQ(read(0xBFF8, 8), 0x0123456789ABCDEFu);
  EXPECT_EQ(read(0xBFF8, 4), 0x89ABCDEFu);
  EXPECT_EQ(read(0xBFFC, 4), 0x01234567u);
}

TEST_F(AclintTest, WritingHalfOfMtimeKeepsTheOtherHalf) {
  mtime_ = 0x0123456789ABCDEF;
  write(0xBFFC, 4, 0x77777777);
  EXPECT_EQ(mtime_, 0x7777777789ABCDEFu);
  write(0xBFF8, 8, 5);
  EXPECT_EQ(mtime_, 5u);
}

TEST_F(AclintTest, RegistersOfAbsentHartsReadZeroAndIgnoreWrites) {
  write(8, 4, 1);
  write(0x4010, 8, 1);
  write(0xC000, 4, 1);
  EXPECT_EQ(read(8, 4), 0u);
  EXPECT_EQ(read(0x4010, 8), 0u);
  EXPECT_EQ(read(0xFFF8, 8), 0u);
}

TEST_F(AclintTest, OtherWidthsFault) {
  std::uint64_t value = 0;
  EXPECT_FALSE(aclint_.read(0, 1, value));
  EXPECT_FALSE(aclint_.read(0, 8, value));
  EXPECT_FALSE(aclint_.write(0xBFF8, 2, 0));
}

TEST_F(AclintTest, RestoredStateDrivesEveryOutputAgain) {
  write(0, 4, 1);
  write(0x4008, 8, 99);
  const AclintState saved = aclint_.state();
  write(0, 4, 0);
  write(0x4008, 8, 1);
  aclint_.restore(saved);
  EXPECT_TRUE(harts_[0].high(kMsipLine));
  EXPECT_EQ(mtimecmp_[1], 99u);
}

}  // namespace
}  // namespace hvsim::irq
