// How values are distributed, as results show it.
#pragma once

#include <cstdint>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/statistics/histogram.h"
#include "sim/describe.h"

namespace hvsim::sim {

struct BucketRow {
  isa::Cycles upto = 0;
  std::uint64_t count = 0;
};

// Quantiles are upper edges of buckets: not below the true ones, and at most 6.25 % above them.
struct Distribution {
  std::uint64_t count = 0;
  isa::Cycles sum = 0, min = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;
  std::vector<BucketRow> buckets;
};

inline Distribution distribution(const statistics::Histogram& histogram) {
  Distribution result{.count = histogram.count(),
                      .sum = histogram.sum(),
                      .min = histogram.min(),
                      .p50 = histogram.quantile(500),
                      .p90 = histogram.quantile(900),
                      .p99 = histogram.quantile(990),
                      .max = histogram.max(),
                      .buckets = {}};
  for (const auto& bucket : histogram.buckets()) result.buckets.push_back({bucket.upper, bucket.count});
  return result;
}

template <>
struct Described<BucketRow> {
  using T = BucketRow;
  static constexpr auto fields = std::tuple{Field{"upto", &T::upto, Unit::cycles, "largest value in it"},
                                            Field{"count", &T::count, Unit::count, "values in it"}};
};

template <>
struct Described<Distribution> {
  using T = Distribution;
  static constexpr auto fields = std::tuple{
      Field{"count", &T::count, Unit::count, "how many there were"},
      Field{"sum", &T::sum, Unit::cycles, "of all of them"},
      Field{"min", &T::min, Unit::cycles, "shortest"},
      Field{"p50", &T::p50, Unit::cycles, "half were no longer (at most 6.25 % above the true value)"},
      Field{"p90", &T::p90, Unit::cycles, "90 % were no longer (at most 6.25 % above the true value)"},
      Field{"p99", &T::p99, Unit::cycles, "99 % were no longer (at most 6.25 % above the true value)"},
      Field{"max", &T::max, Unit::cycles, "longest"},
      Field{"buckets", &T::buckets, Unit::none, "the histogram, empty buckets left out"}};
};

}  // namespace hvsim::sim
