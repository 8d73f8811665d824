// Bit patterns of instruction tables: parsing, overlap checks and a bucketed index, all at compile time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hvsim::cpu {

struct Pattern {
  std::uint32_t mask = 0;
  std::uint32_t match = 0;
  unsigned bits = 0;  // characters '0', '1' and '.' seen
  constexpr bool matches(std::uint32_t raw) const { return (raw & mask) == match; }
};

constexpr Pattern parse_pattern(std::string_view text) {
  Pattern pattern;
  for (char c : text) {
    if (c == ' ') continue;
    pattern.mask = pattern.mask << 1 | (c != '.' ? 1u : 0u);
    pattern.match = pattern.match << 1 | (c == '1' ? 1u : 0u);
    ++pattern.bits;
  }
  return pattern;
}

constexpr bool overlap(const Pattern& a, const Pattern& b) {
  return ((a.match ^ b.match) & a.mask & b.mask) == 0;
}

// Fixes all that `general` fixes, and more.
constexpr bool more_specific(const Pattern& special, const Pattern& general) {
  return (special.mask & general.mask) == general.mask && special.mask != general.mask;
}

// Has a row of its own for what both `a` and `b` match.
template <std::size_t Rows>
constexpr bool has_intersection(const std::array<Pattern, Rows>& patterns, const Pattern& a,
                                const Pattern& b) {
  for (const Pattern& row : patterns)
    if (row.mask == (a.mask | b.mask) && row.match == (a.match | b.match)) return true;
  return false;
}

// The most specific row wins; so for any encoding there must be one.
template <std::size_t Rows>
constexpr bool overlaps_have_a_winner(const std::array<Pattern, Rows>& patterns) {
  for (std::size_t i = 0; i < Rows; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const Pattern &a = patterns[i], &b = patterns[j];
      if (overlap(a, b) && !more_specific(a, b) && !more_specific(b, a) && !has_intersection(patterns, a, b))
        return false;
    }
  return true;
}

template <std::size_t Rows>
constexpr bool all_have_bits(const std::array<Pattern, Rows>& patterns, unsigned bits) {
  for (const Pattern& pattern : patterns)
    if (pattern.bits != bits) return false;
  return true;
}

// Rows by the value of a few bits that nearly all patterns fix. Buckets says which: kCount, kMask,
// number(raw), and raw(number), its inverse within kMask.
template <class Buckets, std::size_t Entries>
class PatternIndex {
 public:
  template <std::size_t Rows>
  explicit constexpr PatternIndex(const std::array<Pattern, Rows>& patterns) {
    std::size_t end = 0;
    for (std::size_t bucket = 0; bucket < Buckets::kCount; ++bucket) {
      start_[bucket] = static_cast<std::uint16_t>(end);
      for (std::size_t row = 0; row < Rows; ++row)
        if (belongs(patterns[row], bucket)) insert(patterns, start_[bucket], end++, row);
    }
    start_[Buckets::kCount] = static_cast<std::uint16_t>(end);
  }

  template <std::size_t Rows>
  static constexpr std::size_t entries_needed(const std::array<Pattern, Rows>& patterns) {
    std::size_t entries = 0;
    for (std::size_t bucket = 0; bucket < Buckets::kCount; ++bucket)
      for (const Pattern& pattern : patterns) entries += belongs(pattern, bucket) ? 1 : 0;
    return entries;
  }

  // The most specific row that matches, or Rows.
  template <std::size_t Rows>
  constexpr std::size_t find(const std::array<Pattern, Rows>& patterns, std::uint32_t raw) const {
    const std::size_t bucket = Buckets::number(raw);
    for (std::size_t i = start_[bucket]; i < start_[bucket + 1]; ++i)
      if (patterns[rows_[i]].matches(raw)) return rows_[i];
    return Rows;
  }

 private:
  static constexpr bool belongs(const Pattern& pattern, std::size_t bucket) {
    return ((pattern.match ^ Buckets::raw(bucket)) & pattern.mask & Buckets::kMask) == 0;
  }

  // Before all that fix fewer bits, so that the more specific pattern is met first.
  template <std::size_t Rows>
  constexpr void insert(const std::array<Pattern, Rows>& patterns, std::size_t begin, std::size_t at,
                        std::size_t row) {
    const int fixed = std::popcount(patterns[row].mask);
    for (; at > begin && std::popcount(patterns[rows_[at - 1]].mask) < fixed; --at) rows_[at] = rows_[at - 1];
    rows_[at] = static_cast<std::uint16_t>(row);
  }

  std::array<std::uint16_t, Buckets::kCount + 1> start_{};
  std::array<std::uint16_t, Entries> rows_{};
};

}  // namespace hvsim::cpu
