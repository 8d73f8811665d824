// One bit per cache line of RAM: an answer to "is the line there?" that costs one load.
#pragma once

#include <cstdint>
#include <string>

#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/mem/anonymous_memory.h"
#include "models/mem/physical_memory.h"

namespace hvsim::mem {

// Where the bits of a page's lines are. A page has max(1, lines/64) words; a line's bit is
// words[page * words_per_page + (line_in_page >> 6)] >> (line_in_page & 63) & 1.
struct PresenceGeometry {
  unsigned line_shift = 6;
  unsigned lines_per_page = 64;
  unsigned words_per_page = 1;

  static PresenceGeometry of(unsigned line_bytes);

  std::uint64_t word(std::uint64_t offset) const {  // offset from the start of RAM
    const std::uint64_t line_in_page = (offset & isa::kPageMask) >> line_shift;
    return (offset >> isa::kPageShift) * words_per_page + (line_in_page >> 6);
  }
  std::uint64_t bit(std::uint64_t offset) const {
    return std::uint64_t{1} << (((offset & isa::kPageMask) >> line_shift) & 63);
  }
};

// Lines outside the range are never present: their accesses always go through the cache model.
class PresenceMask {
 public:
  static isa::Result<PresenceMask, std::string> create(MemoryRange range, unsigned line_bytes);

  bool test(isa::Hpa address) const {
    const std::uint64_t line = line_of(address);
    return line < lines_ && (words()[line >> word_shift_] & bit(line)) != 0;
  }
  // Whether all lines of a range are there.
  bool covers(isa::Hpa address, std::uint64_t bytes) const {
    const std::uint64_t first = line_of(address), last = line_of(address + (bytes - 1));
    if (last - first < kMostAbsent) [[likely]]
      return absent_at(first, static_cast<unsigned>(last - first) + 1) == 0;
    return covers_many(first, last);
  }
  // Whether it does for sure; false where it takes longer to say, too.
  bool surely_covers(isa::Hpa address, std::uint64_t bytes) const {
    const std::uint64_t first = line_of(address), last = line_of(address + (bytes - 1));
    return last - first < kMostAbsent && first < lines_ && last < lines_ && bit_mask_ == 63 &&
           absent_in_words(first, static_cast<unsigned>(last - first) + 1) == 0;
  }
  // Which of so many lines in a row, the first of which has the address, are not there: bit i stands for line
  // i. Lines outside the range are not there.
  static constexpr unsigned kMostAbsent = 64;
  std::uint64_t absent(isa::Hpa address, unsigned count) const {
    return count == 0 ? 0 : absent_at(line_of(address), count);
  }
  void set(isa::Hpa address) { set_at(line_of(address)); }
  void clear(isa::Hpa address) { clear_at(line_of(address)); }
  // The same by the number of the line: its address divided by its size.
  void set(std::uint64_t line) { set_at(line - first_line_); }
  void clear(std::uint64_t line) { clear_at(line - first_line_); }
  bool has_bit_of(std::uint64_t line) const { return line - first_line_ < lines_; }
  std::uint64_t first_line() const { return first_line_; }
  std::uint64_t lines() const { return lines_; }
  // Of pages with 64 lines or more, by numbers from the first line.
  static bool test_bit(const std::uint64_t* words, std::uint64_t line) {
    return (words[line >> 6] >> (line & 63) & 1) != 0;
  }
  static void set_bit(std::uint64_t* words, std::uint64_t line) {
    words[line >> 6] |= std::uint64_t{1} << (line & 63);
  }
  static void clear_bit(std::uint64_t* words, std::uint64_t line) {
    words[line >> 6] &= ~(std::uint64_t{1} << (line & 63));
  }
  bool test(std::uint64_t line) const {
    const std::uint64_t at = line - first_line_;
    return at < lines_ && (words()[at >> word_shift_] & bit(at)) != 0;
  }
  void fetch_ahead(std::uint64_t line) const {
    if (const std::uint64_t at = line - first_line_; at < lines_)
      __builtin_prefetch(&words()[at >> word_shift_]);
  }
  std::uint64_t* words() const { return reinterpret_cast<std::uint64_t*>(memory_.data()); }
  const PresenceGeometry& geometry() const { return geometry_; }

 private:
  PresenceMask(MemoryRange range, PresenceGeometry geometry, AnonymousMemory memory);

  // From the start of RAM: the same words and bits as PresenceGeometry's, whose pages are powers of two.
  std::uint64_t line_of(isa::Hpa address) const {
    return (address.value - range_.base.value) >> geometry_.line_shift;
  }
  // Of at least one line.
  std::uint64_t absent_at(std::uint64_t first, unsigned count) const {
    if (first >= lines_ || count > lines_ - first || bit_mask_ != 63) [[unlikely]]
      return absent_one_by_one(first, count);
    return absent_in_words(first, count);
  }
  // Where a word has 64 lines.
  std::uint64_t absent_in_words(std::uint64_t first, unsigned count) const {
    const std::uint64_t* word = words() + (first >> 6);
    const unsigned shift = first & 63;
    std::uint64_t present = *word >> shift;
    if (shift + count > 64) present |= word[1] << (64 - shift);
    return ~present & ~std::uint64_t{0} >> (64 - count);
  }
  bool covers_many(std::uint64_t first, std::uint64_t last) const;
  std::uint64_t absent_one_by_one(std::uint64_t first, unsigned count) const;
  std::uint64_t bit(std::uint64_t line) const { return std::uint64_t{1} << (line & bit_mask_); }
  void set_at(std::uint64_t line) {
    if (line < lines_) words()[line >> word_shift_] |= bit(line);
  }
  void clear_at(std::uint64_t line) {
    if (line < lines_) words()[line >> word_shift_] &= ~bit(line);
  }

  MemoryRange range_;
  PresenceGeometry geometry_;
  AnonymousMemory memory_;
  std::uint64_t first_line_, lines_, bit_mask_;
  unsigned word_shift_;
};

}  // namespace hvsim::mem
