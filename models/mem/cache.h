// A set-associative cache of tags: which lines are there, in which state, and who must leave.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mem/cache_config.h"
#include "models/mem/replacement.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

// What is impossible about a geometry, in words; empty if nothing is.
std::optional<std::string> problem(const CacheConfig& config);

// A line's number: physical address divided by the line size.
using LineNumber = std::uint64_t;

class Cache {
 public:
  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};

  // The config must have no problem(). The seed is that of random replacement.
  explicit Cache(const CacheConfig& config, std::uint64_t seed = 1);

  // The slot that holds the line, or kAbsent. Changes nothing.
  std::uint32_t find(LineNumber line) const {
    switch (config_.ways) {
      case 4:
        return find_among<4>(line);
      case 8:
        return find_among<8>(line);
      case 16:
        return find_among<16>(line);
      default:
        return find_one_by_one(line);
    }
  }
  // For what comes soon, from the host's memory: the line's set; and which slot a fill of it might take.
  void fetch_ahead(LineNumber line) const {
    __builtin_prefetch(&lines_[first_slot(line)]);
    replacement_.fetch_ahead(set_of(line));
  }
  std::uint32_t likely_victim(LineNumber line) const {
    return first_slot(line) + replacement_.likely_victim(set_of(line));
  }
  // Notes a hit. The ways of the answer, of the same set, must be touched again when they are used next (see
  // ReplacementState).
  Ways touch(std::uint32_t slot) {
    if (!replacement_.minds_hits()) return 0;
    const LineNumber line = lines_[slot];
    return replacement_.used(set_of(line), slot - first_slot(line));
  }
  // The slot that a fill of this (absent) line would take; line_in() tells who sits there now.
  std::uint32_t choose_victim(LineNumber line) {
    if (occupied_ != slots())
      if (const std::uint32_t free = find_free(line); free != kAbsent) return free;
    return first_slot(line) + replacement_.victim(set_of(line));
  }
  Ways fill(std::uint32_t slot, LineNumber line) {  // answers as touch()
    occupied_ += lines_[slot] == kNoLine;
    lines_[slot] = line;
    return replacement_.filled(set_of(line), slot - first_slot(line));
  }
  void remove(std::uint32_t slot) {
    occupied_ -= lines_[slot] != kNoLine;
    lines_[slot] = kNoLine;
  }

  // Of the set that holds the line.
  std::uint32_t slot_of_way(LineNumber line, unsigned way) const { return first_slot(line) + way; }

  bool occupied(std::uint32_t slot) const { return lines_[slot] != kNoLine; }
  LineNumber line_in(std::uint32_t slot) const { return lines_[slot]; }
  std::uint32_t slots() const { return static_cast<std::uint32_t>(lines_.size()); }

  void persist(state::Archive& archive);

  const CacheConfig& config() const { return config_; }
  CacheStats& stats() { return stats_; }
  const CacheStats& stats() const { return stats_; }

 private:
  static constexpr LineNumber kNoLine = ~LineNumber{0};
  // Usual sets are compared as a whole: where in the set a line is, nobody can predict.
  template <unsigned kWays>
  std::uint32_t find_among(LineNumber line) const {
    const std::uint32_t first = first_slot(line);
    const LineNumber* set = lines_.data() + first;
    unsigned equal = 0;
    for (unsigned way = 0; way < kWays; ++way) equal |= static_cast<unsigned>(set[way] == line) << way;
    return equal != 0 ? first + static_cast<std::uint32_t>(std::countr_zero(equal)) : kAbsent;
  }
  std::uint32_t find_one_by_one(LineNumber line) const {
    const std::uint32_t first = first_slot(line);
    for (std::uint32_t slot = first; slot < first + config_.ways; ++slot)
      if (lines_[slot] == line) return slot;
    return kAbsent;
  }
  std::uint32_t find_free(LineNumber line) const {
    const std::uint32_t first = first_slot(line);
    for (std::uint32_t slot = first; slot < first + config_.ways; ++slot)
      if (lines_[slot] == kNoLine) return slot;
    return kAbsent;
  }
  std::uint32_t set_of(LineNumber line) const { return static_cast<std::uint32_t>(line & set_mask_); }
  std::uint32_t first_slot(LineNumber line) const { return set_of(line) * config_.ways; }

  CacheConfig config_;
  std::uint64_t set_mask_;
  std::vector<LineNumber> lines_;  // sets * ways
  std::uint32_t occupied_ = 0;     // of them
  ReplacementState replacement_;
  CacheStats stats_;
};

}  // namespace hvsim::mem
