// Level zero: what the engine remembers of recent translations so that most accesses cost a compare.
// Always a subset of what the modelled TLB holds, so statistics stay exact.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "models/cpu/block.h"
#include "models/cpu/isa/types.h"
#include "models/mmu/mmu.h"

namespace hvsim::cpu {

inline constexpr unsigned kLevelZeroEntries = 256;
inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};  // never equals a page-aligned address

struct DataEntry {
  std::uint64_t page = kNoPage;             // virtual address of the page
  std::uint8_t* host = nullptr;             // its first byte in host memory
  const std::uint64_t* presence = nullptr;  // L1D line bits of the page (readable or writable)
  isa::Hpa physical{};
};

struct FetchEntry {
  std::uint64_t page = kNoPage;
  const std::uint8_t* host = nullptr;
  const std::uint64_t* presence = nullptr;  // L1I line bits of the page
  isa::Hpa physical{};
  CodePage* code = nullptr;
};

// One address space as seen by loads, stores and fetches.
struct LevelZero {
  mmu::AddressSpace space{};
  bool translated = false;  // whether addresses are, in that space
  // Whether any page of main RAM may be entered without asking: an address is where it says, and nobody
  // protects or watches it.
  enum class Plain : std::uint8_t { not_known, no, yes } plain = Plain::not_known;
  std::array<DataEntry, kLevelZeroEntries> load{};
  std::array<DataEntry, kLevelZeroEntries> store{};
  std::array<FetchEntry, kLevelZeroEntries> fetch{};

  static constexpr unsigned index(std::uint64_t address) {
    return static_cast<unsigned>(address >> isa::kPageShift) % kLevelZeroEntries;
  }
  // An entry at this place, of any of the three, is about to be filled.
  void fills(unsigned place) { used_[place / 64] |= std::uint64_t{1} << place % 64; }
  // Between two fences few places are used.
  void clear() {
    plain = Plain::not_known;
    for (unsigned word = 0; word < used_.size(); ++word)
      for (std::uint64_t left = std::exchange(used_[word], 0); left != 0; left &= left - 1) {
        const auto place = word * 64 + static_cast<unsigned>(std::countr_zero(left));
        load[place] = {};
        store[place] = {};
        fetch[place] = {};
      }
  }

 private:
  std::array<std::uint64_t, kLevelZeroEntries / 64> used_{};  // a bit per place that may be filled
};

// A handful of address spaces kept side by side, so that trap and return do not start cold.
class LevelZeroSet {
 public:
  // The slot of `space`. Selecting may reuse another slot, so select data and fetch anew together.
  LevelZero& select(const mmu::AddressSpace& space) {
    for (std::size_t i = 0; i < kSlots; ++i)
      if (keys_[i].used && keys_[i].space == space) return current(i);
    const std::size_t slot = next_;
    next_ = (next_ + 1) % kSlots;
    ++generation_;
    keys_[slot] = {.used = true, .stamp = 0, .space = space};
    slots_[slot].space = space;
    slots_[slot].translated = mmu::translates(space);
    return current(slot);
  }
  // Forgets everything; slots are wiped when they are selected next.
  void clear() {
    ++stamp_;
    ++generation_;
    current_ = 0;
  }
  // What select() answered before this changed may be another space's, or wait to be wiped.
  std::uint64_t generation() const { return generation_; }

  // What has the place of a page, in any space: it left a first-level TLB.
  void drop_data(std::uint64_t page) {
    const unsigned index = LevelZero::index(page);
    for_each_current([index](LevelZero& slot) { slot.load[index] = {}, slot.store[index] = {}; });
  }
  void drop_fetch(std::uint64_t page) {
    const unsigned index = LevelZero::index(page);
    for_each_current([index](LevelZero& slot) { slot.fetch[index] = {}; });
  }

  // For checkpoints.
  std::span<LevelZero> slots() { return slots_; }
  std::size_t& next() { return next_; }
  struct Held {
    bool used = false, current = false;
  };
  Held held(std::size_t slot) const { return {keys_[slot].used, keys_[slot].stamp == stamp_}; }
  void hold(std::size_t slot, const Held& how) {
    keys_[slot] = {.used = how.used, .stamp = how.current ? stamp_ : 0, .space = slots_[slot].space};
    current_ = (current_ & ~(1U << slot)) | (how.current ? 1U << slot : 0);
    slots_[slot].translated = mmu::translates(slots_[slot].space);
    ++generation_;
  }

 private:
  static constexpr std::size_t kSlots = 12;
  struct Key {
    bool used = false;
    std::uint64_t stamp = 0;  // LevelZeroSet's when the slot was last wiped
    mmu::AddressSpace space{};
  };

  LevelZero& current(std::size_t slot) {
    if (keys_[slot].stamp != stamp_) slots_[slot].clear();
    keys_[slot].stamp = stamp_;
    current_ |= 1U << slot;
    return slots_[slot];
  }

  template <class Do>
  void for_each_current(Do act) {  // the others are wiped before they are used
    for (unsigned left = current_; left != 0; left &= left - 1)
      act(slots_[static_cast<unsigned>(std::countr_zero(left))]);
  }

  std::array<Key, kSlots> keys_{};
  std::array<LevelZero, kSlots> slots_{};
  std::size_t next_ = 0;
  unsigned current_ = 0;  // a bit per slot with the present stamp
  std::uint64_t stamp_ = 1, generation_ = 1;
};

}  // namespace hvsim::cpu
