// The guest's free memory lies in the largest gap between what is taken.
#include <gtest/gtest.h>

#include <array>

#include "workloads/runtime/memory.h"

namespace guest::memory {
namespace {

void expect_gap(Region gap, std::uint64_t begin, std::uint64_t end) {
  EXPECT_EQ(gap.begin, begin);
  EXPECT_EQ(gap.end, end);
}

TEST(MemoryGap, IsEverythingWhenNothingIsTaken) { expect_gap(largest_gap({100, 200}, {}), 100, 200); }

TEST(MemoryGap, LiesBetweenTheImageAndThePagesAtTheTop) {
  const std::array taken{Region{100, 120}, Region{190, 195}, Region{195, 200}};
  expect_gap(largest_gap({100, 200}, taken), 120, 190);
}

TEST(MemoryGap, IsTheLargestOfSeveralInWhateverOrder) {
  const std::array taken{Region{160, 170}, Region{120, 130}};
  expect_gap(largest_gap({100, 200}, taken), 130, 160);
}

TEST(MemoryGap, ToleratesOverlappingAndOutsideRegions) {
  const std::array taken{Region{90, 150}, Region{140, 160}, Region{145, 150}, Region{300, 400}};
  expect_gap(largest_gap({100, 200}, taken), 160, 200);
}

TEST(MemoryGap, IsEmptyWhenAllIsTaken) {
  const std::array taken{Region{0, 1000}};
  EXPECT_EQ(largest_gap({100, 200}, taken).bytes(), 0u);
}

}  // namespace
}  // namespace guest::memory
