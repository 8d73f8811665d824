// A set-associative cache of tags: which lines are there, in which state, and who must leave.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

// A line's number: physical address divided by the line size. What Cache is given is less than kMostLines.
using LineNumber = std::uint64_t;
inline constexpr LineNumber kMostLines = ~std::uint32_t{0};

class Cache {
 public:
  static constexpr std::uint32_t kAbsent = ~std::uint32_t{0};

  // The config must have no problem(). The seed is that of random replacement.
  explicit Cache(const CacheConfig& config, std::uint64_t seed = 1);

  // The slot that holds the line, or kAbsent. Changes nothing.
  std::uint32_t find(LineNumber line) const {
    switch (config_.ways) {
      case 4:
        return find<4>(line);
      case 8:
        return find<8>(line);
      case 16:
        return find<16>(line);
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
    lines_[slot] = tag_of(line);
    return replacement_.filled(set_of(line), slot - first_slot(line));
  }
  // choose_victim() and fill() in one, where every slot is taken and nobody keeps shortcuts to lines: the
  // slot. `leaves` is who was there.
  std::uint32_t replace(LineNumber line, LineNumber& leaves) {
    const std::uint32_t slot = first_slot(line) + replacement_.replace(set_of(line));
    leaves = lines_[slot];
    lines_[slot] = tag_of(line);
    return slot;
  }
  // The same of a cache that is of this geometry.
  template <unsigned kWays, Replacement policy>
  bool is() const {
    return config_.ways == kWays && config_.replacement == policy;
  }
  template <unsigned kWays>
  std::uint32_t find(LineNumber line) const {
    return find_among<kWays>(set_of(line) * kWays, line);
  }
  template <unsigned kWays, Replacement policy>
  std::uint32_t replace(LineNumber line, LineNumber& leaves) {
    const std::uint32_t set = set_of(line), slot = set * kWays + replacement_.replace<policy, kWays>(set);
    leaves = lines_[slot];
    lines_[slot] = tag_of(line);
    return slot;
  }
  void remove(std::uint32_t slot) {
    occupied_ -= lines_[slot] != kNoLine;
    lines_[slot] = kNoLine;
  }
  // Of each line: its slot and number.
  template <class Tell>
  void remove_all(Tell tell) {
    for (std::uint32_t slot = 0; occupied_ != 0; ++slot) {
      if (lines_[slot] == kNoLine) continue;
      tell(slot, LineNumber{lines_[slot]});
      lines_[slot] = kNoLine;
      --occupied_;
    }
  }

  // Of the set that holds the line.
  std::uint32_t slot_of_way(LineNumber line, unsigned way) const { return first_slot(line) + way; }

  bool full() const { return occupied_ == slots(); }
  bool minds_hits() const { return replacement_.minds_hits(); }
  bool occupied(std::uint32_t slot) const { return lines_[slot] != kNoLine; }
  LineNumber line_in(std::uint32_t slot) const { return lines_[slot]; }
  std::uint32_t slots() const { return slots_; }

  void persist(state::Archive& archive);

  const CacheConfig& config() const { return config_; }
  CacheStats& stats() { return stats_; }
  const CacheStats& stats() const { return stats_; }

 private:
  // Lines as they are kept: half as wide, so that a set of 16 is one line of the host.
  using Tag = std::uint32_t;
  static constexpr Tag kNoLine = ~Tag{0};
  static Tag tag_of(LineNumber line) { return static_cast<Tag>(line); }

  // Usual sets are compared as a whole: where in the set a line is, nobody can predict.
  template <unsigned kWays>
  std::uint32_t find_among(std::uint32_t first, LineNumber line) const {
    const unsigned equal = equal_ways<kWays>(lines_.data() + first, tag_of(line));
    return equal != 0 ? first + static_cast<std::uint32_t>(std::countr_zero(equal)) : kAbsent;
  }
#ifdef __SSE2__
  template <unsigned kWays>
  static unsigned equal_ways(const Tag* set, Tag tag) {
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
    const auto four = [&](unsigned from) {
      return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(set + from)), wanted);
    };
    if constexpr (kWays == 4) {
      return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(four(0))));
    } else if constexpr (kWays == 8) {
      const __m128i eight = _mm_packs_epi32(four(0), four(4));
      return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(eight, _mm_setzero_si128())));
    } else {
      const __m128i low = _mm_packs_epi32(four(0), four(4)), high = _mm_packs_epi32(four(8), four(12));
      return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    }
  }
#else
  template <unsigned kWays>
  static unsigned equal_ways(const Tag* set, Tag tag) {
    unsigned equal = 0;
    for (unsigned way = 0; way < kWays; ++way) equal |= static_cast<unsigned>(set[way] == tag) << way;
    return equal;
  }
#endif
  std::uint32_t find_one_by_one(LineNumber line) const {
    const std::uint32_t first = first_slot(line);
    for (std::uint32_t slot = first; slot < first + config_.ways; ++slot)
      if (lines_[slot] == tag_of(line)) return slot;
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
  std::vector<Tag> lines_;      // sets * ways
  std::uint32_t slots_;         // how many
  std::uint32_t occupied_ = 0;  // of them
  ReplacementState replacement_;
  CacheStats stats_;
};

}  // namespace hvsim::mem
