// Level zero: what the engine remembers of recent translations so that most accesses cost a compare.
// Always a subset of what the modelled TLB holds, so statistics stay exact.
#pragma once

#include <array>
#include <cstdint>

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
  bool used = false;
  std::uint64_t stamp = 0;  // LevelZeroSet's when last wiped
  mmu::AddressSpace space{};
  std::array<DataEntry, kLevelZeroEntries> load{};
  std::array<DataEntry, kLevelZeroEntries> store{};
  std::array<FetchEntry, kLevelZeroEntries> fetch{};

  static constexpr unsigned index(std::uint64_t address) {
    return static_cast<unsigned>(address >> isa::kPageShift) % kLevelZeroEntries;
  }
  void clear() {
    load.fill({});
    store.fill({});
    fetch.fill({});
  }
  void drop_data(std::uint64_t address) {
    load[index(address)] = {};
    store[index(address)] = {};
  }
  void drop_fetch(std::uint64_t address) { fetch[index(address)] = {}; }
};

// A handful of address spaces kept side by side, so that trap and return do not start cold.
class LevelZeroSet {
 public:
  // The slot of `space`. Selecting may reuse another slot, so select data and fetch anew together.
  LevelZero& select(const mmu::AddressSpace& space) {
    for (auto& slot : slots_)
      if (slot.used && slot.space == space) return current(slot);
    LevelZero& slot = slots_[next_];
    next_ = (next_ + 1) % slots_.size();
    slot.used = true;
    slot.space = space;
    slot.stamp = 0;
    return current(slot);
  }
  // Forgets everything; slots are wiped when they are selected next.
  void clear() { ++stamp_; }
  void drop_data(std::uint64_t address) {
    for (auto& slot : slots_) slot.drop_data(address);
  }
  void drop_fetch(std::uint64_t address) {
    for (auto& slot : slots_) slot.drop_fetch(address);
  }

 private:
  LevelZero& current(LevelZero& slot) {
    if (slot.stamp != stamp_) slot.clear();
    slot.stamp = stamp_;
    return slot;
  }

  std::array<LevelZero, 12> slots_{};
  std::size_t next_ = 0;
  std::uint64_t stamp_ = 1;
};

}  // namespace hvsim::cpu
