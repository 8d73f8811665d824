// The test finisher as software for `virt` uses it.
#include "models/device/test_finisher.h"

#include <gtest/gtest.h>

#include <vector>

namespace hvsim::device {
namespace {

using Kind = FinishRequest::Kind;

class TestFinisherTest : public testing::Test {
 protected:
  std::vector<FinishRequest> requests_;
  TestFinisher finisher_{[this](FinishRequest request) { requests_.push_back(request); }};
};

TEST_F(TestFinisherTest, PassFailAndResetAreReported) {
  EXPECT_TRUE(finisher_.write(0, 4, 0x5555));
  EXPECT_TRUE(finisher_.write(0, 4, 0x002A3333));
  EXPECT_TRUE(finisher_.write(0, 4, 0x7777));
  ASSERT_EQ(requests_.size(), 3u);
  EXPECT_EQ(requests_[0].kind, Kind::pass);
  EXPECT_EQ(requests_[1].kind, Kind::fail);
  EXPECT_EQ(requests_[1].code, 42u);
  EXPECT_EQ(requests_[2].kind, Kind::reset);
}

TEST_F(TestFinisherTest, AHalfWordHasNoRoomForACode) {
  EXPECT_TRUE(finisher_.write(0, 2, 0xFFFF3333));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].code, 0u);
}

TEST_F(TestFinisherTest, OtherWordsAndOffsetsHaveNoEffect) {
  EXPECT_TRUE(finisher_.write(0, 4, 0));
  EXPECT_TRUE(finisher_.write(0, 4, 0x1234));
  EXPECT_TRUE(finisher_.write(4, 4, 0x5555));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(TestFinisherTest, OtherWidthsFaultAndReadsGiveZero) {
  std::uint64_t value = 1;
  EXPECT_FALSE(finisher_.write(0, 1, 0x55));
  EXPECT_FALSE(finisher_.write(0, 8, 0x5555));
  EXPECT_FALSE(finisher_.read(0, 8, value));
  EXPECT_TRUE(finisher_.read(0, 4, value));
  EXPECT_EQ(value, 0u);
}

}  // namespace
}  // namespace hvsim::device
