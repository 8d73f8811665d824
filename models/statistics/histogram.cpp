// Buckets and their edges.
#include "models/statistics/histogram.h"

#include <algorithm>
#include <bit>

namespace hvsim::statistics {
namespace {

constexpr unsigned kStepBits = 4;
constexpr unsigned kSteps = 1U << kStepBits;

unsigned bucket_of(std::uint64_t value) {
  if (value < kSteps) return static_cast<unsigned>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
  return (shift << kStepBits) + static_cast<unsigned>(value >> shift);
}

std::uint64_t upper_edge(unsigned bucket) {
  if (bucket < 2 * kSteps) return bucket;
  const unsigned shift = (bucket >> kStepBits) - 1;
  const std::uint64_t lower = std::uint64_t{kSteps + (bucket & (kSteps - 1))} << shift;
  return lower + ((std::uint64_t{1} << shift) - 1);
}

}  // namespace

void Histogram::add(std::uint64_t value) {
  const unsigned bucket = bucket_of(value);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  ++count_;
  sum_ += value;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(unsigned per_mille) const {
  // ceil(count * per_mille / 1000) without overflow
  const std::uint64_t rank = count_ / 1000 * per_mille + (count_ % 1000 * per_mille + 999) / 1000;
  std::uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank && seen > 0) return std::min(upper_edge(bucket), max_);
  }
  return 0;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> result;
  for (unsigned bucket = 0; bucket < counts_.size(); ++bucket)
    if (counts_[bucket] != 0) result.push_back({upper_edge(bucket), counts_[bucket]});
  return result;
}

}  // namespace hvsim::statistics
