// Whose turn it is.
#include "sim/turns.h"

#include <gtest/gtest.h>

namespace hvsim::sim {
namespace {

TEST(Turns, GoToTheEarliestAndOfSeveralToTheLowestNumber) {
  Turns turns(3);
  EXPECT_EQ(turns.first(), 0u);
  turns.wait_until(0, 20);
  turns.wait_until(1, 10);
  turns.wait_until(2, 10);
  EXPECT_EQ(turns.first(), 1u);
  turns.wait_until(1, 30);
  EXPECT_EQ(turns.first(), 2u);
}

TEST(Turns, OnlySleepersAreWoken) {
  Turns turns(2);
  turns.wait_until(0, 20);
  turns.sleep_until(1, Turns::kNever);
  EXPECT_FALSE(turns.wake(0, 5));
  EXPECT_EQ(turns.due(0), 20u);
  EXPECT_TRUE(turns.wake(1, 5));
  EXPECT_EQ(turns.first(), 1u);
  EXPECT_FALSE(turns.wake(1, 3));  // it is awake
  EXPECT_EQ(turns.due(1), 5u);
}

}  // namespace
}  // namespace hvsim::sim
