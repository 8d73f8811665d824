// What was counted, for checkpoints.
#include "models/state/archive.h"
#include "models/statistics/walk_statistics.h"

namespace hvsim::statistics {

namespace {

constexpr std::size_t kMostBuckets = 976;

}  // namespace

static void persist(state::Archive& archive, Tally& tally) {
  auto& [count, cycles] = tally;
  archive(count, cycles);
}

static void persist(state::Archive& archive, SpaceKey& key) {
  auto& [virtualized, vmid, asid] = key;
  archive(virtualized, vmid, asid);
}

static void persist(state::Archive& archive, SpaceTally& tally) {
  auto& [walks, faults, reads_first, reads_g, cycles] = tally;
  archive(walks, faults, reads_first, reads_g, cycles);
}

void Histogram::persist(state::Archive& archive) {
  auto& [counts, count, sum, min, max] = *this;
  archive.list(counts, kMostBuckets);
  archive(count, sum, min, max);
}

void WalkStatistics::Kind::persist(state::Archive& archive) {
  auto& [took, failed, accesses] = *this;
  archive(took, failed, accesses);
}

void WalkStatistics::persist(state::Archive& archive) {
  auto& [kinds, ptes, pages, spaces, other_spaces, last_key, last, shapes] = *this;
  for (Shape& shape : shapes) settle(shape, ptes);
  archive(kinds, ptes, pages, spaces, other_spaces);
  if (archive.loading()) last = nullptr;
}

}  // namespace hvsim::statistics
