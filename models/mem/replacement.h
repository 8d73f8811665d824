// Who must leave a full set: the state of a replacement policy, for caches and TLBs alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mem/cache_config.h"
#include "models/mem/lfsr.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

// What a policy cannot do with so many ways, in words; empty if nothing.
std::optional<std::string> problem(Replacement policy, unsigned ways);

// A bit per way; used only by policies that care for hits, whose sets have at most 64 ways.
using Ways = std::uint64_t;

class ReplacementState {
 public:
  // Throws std::invalid_argument where there is a problem().
  ReplacementState(Replacement policy, std::uint32_t sets, unsigned ways, std::uint64_t seed);

  // Whether hits change anything.
  bool minds_hits() const { return minds_hits_; }
  // Notes a use. Repeating it changes nothing, for this way, until it is among the ways that another call
  // returns: whoever keeps shortcuts to entries forgets those.
  Ways used(std::uint32_t set, unsigned way) { return minds_hits_ ? note_use(set, way) : 0; }
  // Notes that a way got new content, which also is a use of it.
  Ways filled(std::uint32_t set, unsigned way) {
    if (policy_ == Replacement::fifo) stamps_[std::size_t{set} * ways_ + way] = ++clock_;
    return used(set, way);
  }
  // Of a full set.
  unsigned victim(std::uint32_t set) {
    return policy_ == Replacement::random ? random_.below(ways_) : choose(set);
  }
  // Who may well leave next, if the set is full; only good for fetching ahead what that needs.
  unsigned likely_victim(std::uint32_t set) const {
    if (policy_ == Replacement::random) return Lfsr(random_).below(ways_);
    return orders_.empty() ? 0 : oldest(set);
  }
  void fetch_ahead(std::uint32_t set) const {
    if (!orders_.empty()) __builtin_prefetch(&orders_[set]);
  }

  void persist(state::Archive& archive);

 private:
  static constexpr std::uint8_t kNone = 0xFF;
  Ways note_use(std::uint32_t set, unsigned way);
  unsigned choose(std::uint32_t set);
  Ways use_tree(std::uint32_t set, unsigned way);
  Ways use_bits(std::uint32_t set, unsigned way);
  Ways made_recent(std::uint32_t set, unsigned way);
  Ways move_to_front(std::uint32_t set, unsigned way);
  unsigned oldest(std::uint32_t set) const;
  unsigned tree_victim(std::uint32_t set) const;

  Replacement policy_;
  unsigned ways_;
  bool minds_hits_;
  // lru with up to 16 ways: a set's ways from the one used last, four bits each; 0 before the first use.
  std::vector<std::uint64_t> orders_;
  std::vector<std::uint64_t> stamps_;  // fifo: of the fill; lru with more ways: of the last use
  std::uint64_t clock_ = 0;
  std::vector<std::uint64_t> bits_;   // plru: the tree, node n at bit n; nru: a bit per way
  std::vector<std::uint8_t> recent_;  // plru, lru with stamps: the way used last
  Lfsr random_;
  std::uint8_t shift_register_ = 0xFF;
};

}  // namespace hvsim::mem
