// Histograms against sorted lists of the same values.
#include "models/statistics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace hvsim::statistics {
namespace {

// By the definition in the header, from the values themselves.
std::uint64_t true_quantile(std::vector<std::uint64_t> values, unsigned per_mille) {
  std::ranges::sort(values);
  const std::size_t rank = (values.size() * per_mille + 999) / 1000;
  return values[rank == 0 ? 0 : rank - 1];
}

std::vector<std::uint64_t> values_of_all_sizes(unsigned seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) value = random() >> random() % 64;
  return values;
}

TEST(Histogram, QuantilesAreNeverBelowAndAtMostASixteenthAboveTheTruth) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto values = values_of_all_sizes(seed, 1 + seed * 7 % 500);
    Histogram histogram;
    for (const auto value : values) histogram.add(value);
    for (const unsigned per_mille : {1u, 10u, 250u, 500u, 900u, 990u, 999u, 1000u}) {
      const std::uint64_t truth = true_quantile(values, per_mille), told = histogram.quantile(per_mille);
      EXPECT_GE(told, truth) << "seed " << seed << " at " << per_mille;
      EXPECT_LE(told - truth, truth / 16) << "seed " << seed << " at " << per_mille;
    }
  }
}

TEST(Histogram, CountSumMinimumAndMaximumAreExact) {
  Histogram histogram;
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.quantile(500), 0u);
  for (const std::uint64_t value : {7u, 100u, 3u, 100000u}) histogram.add(value);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.sum(), 100110u);
  EXPECT_EQ(histogram.min(), 3u);
  EXPECT_EQ(histogram.max(), 100000u);
  EXPECT_EQ(histogram.quantile(1000), 100000u) << "an upper edge is never above the maximum";
}

TEST(Histogram, SmallValuesHaveABucketEach) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 32; ++value) histogram.add(value);
  const auto buckets = histogram.buckets();
  ASSERT_EQ(buckets.size(), 32u);
  for (std::uint64_t value = 0; value < 32; ++value) EXPECT_EQ(buckets[value].upper, value);
}

TEST(Histogram, EveryValueLiesInTheBucketThatSaysSoUpToTheLargest) {
  for (const std::uint64_t value : values_of_all_sizes(1, 2000)) {
    Histogram histogram;
    histogram.add(value);
    const auto buckets = histogram.buckets();
    ASSERT_EQ(buckets.size(), 1u);
    EXPECT_GE(buckets[0].upper, value);
    EXPECT_LE(buckets[0].upper - value, value / 16);
  }
  Histogram largest;
  largest.add(~std::uint64_t{0});
  EXPECT_EQ(largest.buckets()[0].upper, ~std::uint64_t{0});
}

TEST(Histogram, MergingIsAddingAllValues) {
  const auto values = values_of_all_sizes(3, 300);
  Histogram all, left, right;
  for (std::size_t i = 0; i < values.size(); ++i) {
    all.add(values[i]);
    (i % 3 == 0 ? left : right).add(values[i]);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), all.count());
  EXPECT_EQ(left.sum(), all.sum());
  EXPECT_EQ(left.min(), all.min());
  EXPECT_EQ(left.max(), all.max());
  for (unsigned per_mille = 0; per_mille <= 1000; per_mille += 50)
    EXPECT_EQ(left.quantile(per_mille), all.quantile(per_mille));
  Histogram empty;
  left.merge(empty);
  EXPECT_EQ(left.min(), all.min()) << "nothing has no minimum";
}

}  // namespace
}  // namespace hvsim::statistics
