// How long things took: exact count, sum, minimum and maximum, and quantiles within a stated bound.
#pragma once

#include <cstdint>
#include <vector>

#include "models/state/archive_forward.h"

namespace hvsim::statistics {

// Values below 16 have a bucket each, larger ones 16 buckets per power of two: a quantile is never below the
// true one, and at most 1/16 (6.25 %) above it. Grows with the largest value, to 976 buckets at most.
class Histogram {
 public:
  void add(std::uint64_t value);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }
  // The smallest value that `per_mille` of 1000 values do not exceed: upper edge of its bucket, at most
  // max().
  std::uint64_t quantile(unsigned per_mille) const;

  struct Bucket {
    std::uint64_t upper = 0;  // the largest value that belongs to it
    std::uint64_t count = 0;
  };
  std::vector<Bucket> buckets() const;  // those that are not empty, in order

  void persist(state::Archive& archive);

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0, sum_ = 0, min_ = ~std::uint64_t{0}, max_ = 0;
};

}  // namespace hvsim::statistics
