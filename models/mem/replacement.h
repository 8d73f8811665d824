// Who must leave a full set: the state of a replacement policy, for caches and TLBs alike.
#pragma once

#include <bit>
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
  Ways used(std::uint32_t set, unsigned way) {
    if (!minds_hits_) return 0;
    return orders_.empty() ? note_use(set, way) : move_to_front(set, way);
  }
  // Notes that a way got new content, which also is a use of it.
  Ways filled(std::uint32_t set, unsigned way) {
    if (policy_ == Replacement::fifo) {
      stamps_[std::size_t{set} * ways_ + way] = ++clock_;
      turn_after(set, way);
      return 0;
    }
    return used(set, way);
  }
  // Of a full set.
  unsigned victim(std::uint32_t set) {
    if (policy_ == Replacement::random) return random_.below(ways_);
    if (policy_ == Replacement::fifo && turns_[set] != kNoTurn) return turns_[set];
    return choose(set);
  }
  // victim() and filled() in one, of a full set to whose entries nobody keeps shortcuts.
  unsigned replace(std::uint32_t set) {
    if (policy_ == Replacement::random) return random_.below(ways_);
    if (orders_.empty() || orders_[set] == 0) [[unlikely]] {
      const unsigned way = victim(set);
      filled(set, way);
      return way;
    }
    return last_to_front(orders_[set], ways_);
  }
  // The same where policy and ways are known beforehand.
  template <Replacement policy, unsigned ways>
  unsigned replace(std::uint32_t set) {
    if constexpr (policy == Replacement::random) return random_.below(ways);
    static_assert(policy == Replacement::random || policy == Replacement::lru);
    std::uint64_t& order = orders_[set];
    return order != 0 ? last_to_front(order, ways) : replace(set);
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
  // As made_recent(), which this is for an order.
  Ways move_to_front(std::uint32_t set, unsigned way) {
    std::uint64_t& order = orders_[set];
    const bool first_use = order == 0;
    if (first_use) order = unused_order(ways_);
    const auto before = static_cast<unsigned>(order & 0xF);
    if (before == way) return 0;
    const unsigned place = place_of(order, way);
    const std::uint64_t newer = (std::uint64_t{1} << place) - 1, own = std::uint64_t{0xF} << place;
    order = (order & ~(newer | own)) | (order & newer) << 4 | way;
    return first_use ? 0 : Ways{1} << before;
  }
  static unsigned last_to_front(std::uint64_t& order, unsigned ways) {
    const unsigned last = 4 * (ways - 1);
    const std::uint64_t way = order >> last & 0xF, of_ways = ~std::uint64_t{0} >> (60 - last);
    order = (order & ~of_ways) | (order << 4 & of_ways) | way;
    return static_cast<unsigned>(way);
  }
  static std::uint64_t unused_order(unsigned ways);
  // Where a way is in an order: the lowest four bits that are zero once it is subtracted everywhere.
  static unsigned place_of(std::uint64_t order, unsigned way) {
    constexpr std::uint64_t each = 0x1111'1111'1111'1111;  // four bits for each way
    const std::uint64_t differences = order ^ way * each;
    return static_cast<unsigned>(std::countr_zero((differences - each) & ~differences & 8 * each)) & ~3U;
  }
  // fifo: where ways take turns in the order of their numbers, whose turn it is needs no search.
  void turn_after(std::uint32_t set, unsigned way) {
    std::uint32_t& turn = turns_[set];
    const std::uint32_t next = way + 1 == ways_ ? 0 : way + 1;
    turn = turn == way ? next : kNoTurn;
  }
  unsigned first_in(std::uint32_t set);
  unsigned oldest(std::uint32_t set) const;
  unsigned tree_victim(std::uint32_t set) const;

  Replacement policy_;
  unsigned ways_;
  bool minds_hits_;
  // lru with up to 16 ways: a set's ways from the one used last, four bits each; 0 before the first use.
  std::vector<std::uint64_t> orders_;
  std::vector<std::uint64_t> stamps_;  // fifo: of the fill; lru with more ways: of the last use
  static constexpr std::uint32_t kNoTurn = ~std::uint32_t{0};
  std::vector<std::uint32_t> turns_;  // fifo: a set's way that is the oldest, or not known
  std::uint64_t clock_ = 0;
  std::vector<std::uint64_t> bits_;   // plru: the tree, node n at bit n; nru: a bit per way
  std::vector<std::uint8_t> recent_;  // plru, lru with stamps: the way used last
  Lfsr random_;
  std::uint8_t shift_register_ = 0xFF;
};

}  // namespace hvsim::mem
