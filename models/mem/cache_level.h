// A cache whose lines may still be on their way: several misses at once, and lines fetched ahead.
#pragma once

#include <algorithm>
#include <vector>

#include "models/mem/cache.h"
#include "models/mem/prefetcher.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

class CacheLevel : public Cache {
 public:
  CacheLevel(const CacheConfig& config, std::uint64_t seed)
      : Cache(config, seed),
        prefetcher_(config.prefetch, config.prefetch_degree, config.line_bytes),
        misses_in_flight_(config.mshrs, 0),
        plain_(config.mshrs == 1 && config.prefetch == Prefetch::off),
        non_blocking_(config.mshrs > 1),
        arrivals_(plain_ ? 0 : slots()) {}

  // Whether every line that is here is here, and nothing is fetched ahead.
  bool plain() const { return plain_; }
  // Whether a miss may be followed by other accesses before its data are there. If not, whoever asked waits.
  bool non_blocking() const { return non_blocking_; }
  // When a miss that is found `at` can go out, because a miss register is free.
  isa::Cycles start_miss(isa::Cycles at) const {
    return non_blocking() ? std::max(at, *std::ranges::min_element(misses_in_flight_)) : at;
  }
  void miss_goes_out(isa::Cycles ready) {
    if (non_blocking()) *std::ranges::min_element(misses_in_flight_) = ready;
  }

  // After a fill that set out at a time.
  void expect(std::uint32_t slot, isa::Cycles out, isa::Cycles ready, bool prefetched) {
    if (plain_) return;
    arrivals_[slot] = {ready, ready - out, prefetched};
    prefetches_.issued += prefetched;
  }
  struct Use {
    isa::Cycles ready = 0;
    bool settled = true;             // the line is there
    bool first_of_prefetch = false;  // so the guess was good
  };
  Use use(std::uint32_t slot, isa::Cycles at) {
    if (plain_) return {at};
    Arrival& arrival = arrivals_[slot];
    // Never longer than from the start: a hart that runs ahead may have asked.
    const isa::Cycles wait = arrival.ready > at ? std::min(arrival.ready - at, arrival.takes) : 0;
    const Use result{at + wait, wait == 0, arrival.prefetched};
    if (arrival.prefetched) {
      ++prefetches_.useful;
      prefetches_.late += !result.settled;
      arrival.prefetched = false;
    } else {
      stats().hits_in_flight += !result.settled;
    }
    return result;
  }
  void remove(std::uint32_t slot) {
    if (!plain_) {
      prefetches_.useless += arrivals_[slot].prefetched;
      arrivals_[slot] = {};
    }
    Cache::remove(slot);
  }

  void persist(state::Archive& archive);

  Prefetcher& prefetcher() { return prefetcher_; }
  const PrefetchStats& prefetch_stats() const { return prefetches_; }

 private:
  struct Arrival {
    isa::Cycles ready = 0, takes = 0;
    bool prefetched = false;  // and not used yet
    void persist(state::Archive& archive);
  };
  Prefetcher prefetcher_;
  std::vector<isa::Cycles> misses_in_flight_;  // when each miss register is free again
  bool plain_, non_blocking_;
  std::vector<Arrival> arrivals_;  // by slot; none if plain
  PrefetchStats prefetches_;
};

}  // namespace hvsim::mem
