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
  LevelZero& select(const mmu::AddressSpace& space) {
    for (auto& slot : slots_)
      if (slot.used && slot.space == space) return slot;
    LevelZero& slot = slots_[next_];
    next_ = (next_ + 1) % slots_.size();
    if (slot.used) slot.clear();
    slot.used = true;
    slot.space = space;
    return slot;
  }
  void clear() {
    for (auto& slot : slots_)
      if (slot.used) {
        slot.clear();
        slot.used = false;
      }
  }
  void drop_data(std::uint64_t address) {
    for (auto& slot : slots_) slot.drop_data(address);
  }
  void drop_fetch(std::uint64_t address) {
    for (auto& slot : slots_) slot.drop_fetch(address);
  }

 private:
  std::array<LevelZero, 12> slots_{};
  std::size_t next_ = 0;
};

}  // namespace hvsim::cpu
