// Where the pages of guests' tables are: walks read the same few again and again, each by a walk of the
// G-stage. What was found is found again if all its PTEs still have the values that they had, so that nothing
// ever tells a walk that repeats from one that is made anew; who changes PTEs need not know of it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "models/mem/physical_memory.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"
#include "models/mmu/walk.h"

namespace hvsim::mmu {

class KnownTables {
 public:
  static constexpr unsigned kMost = 5;  // levels
  struct Known {
    std::uint64_t page = ~std::uint64_t{0};  // guest-physical
    std::uint64_t root = 0;                  // of the G-stage
    const isa::PagingScheme* scheme = nullptr;
    PteFormat format{};
    std::uint64_t pmp_generation = 0;
    unsigned count = 0;
    std::array<PteRead, kMost> reads{};  // the walk, and where it read on the host
    std::array<const std::uint8_t*, kMost> hosts{};
    Leaf leaf{};  // for the page's first byte
  };

  // As the G-stage's walk for reading a PTE at the address: its accesses go to the end of the trace. Null: it
  // must be made.
  const Known* find(std::uint64_t address, const Root& root, PteFormat format, const Pmp& pmp,
                    WalkTrace& trace) const {
    if (known_.empty()) return nullptr;
    const Known& known = known_[place(address)];
    if (known.page != address >> isa::kPageShift || known.root != root.table || known.scheme != root.scheme ||
        known.format != format || known.pmp_generation != pmp.generation() ||
        trace.count + kMost > WalkTrace::kMax)
      return nullptr;
    PteRead* const reads = &trace.reads[trace.count];  // scratch until they count
    for (unsigned i = 0; i < known.count; ++i) {
      std::uint64_t value = 0;
      std::memcpy(&value, known.hosts[i], sizeof value);
      if (value != known.reads[i].value) return nullptr;
      reads[i] = known.reads[i];
    }
    trace.count = static_cast<std::uint8_t>(trace.count + known.count);
    return &known;
  }

  // The walk that put the accesses from `first` on into the trace, unless it changed a PTE.
  void remember(std::uint64_t address, const Root& root, PteFormat format, const Pmp& pmp,
                const mem::PhysicalMemory& memory, const WalkTrace& trace, unsigned first, const Leaf& leaf) {
    const unsigned count = trace.count - first;
    if (count == 0 || count > kMost || trace.count == WalkTrace::kMax) return;
    if (trace.reads[trace.count - 1U].write || trace.reads[trace.count - 1U].value != leaf.pte) return;
    if (known_.empty()) known_.resize(kPages);
    Known& known = known_[place(address)];
    known = {.page = address >> isa::kPageShift,
             .root = root.table,
             .scheme = root.scheme,
             .format = format,
             .pmp_generation = pmp.generation(),
             .count = count,
             .leaf = leaf};
    for (unsigned i = 0; i < count; ++i) {
      known.reads[i] = trace.reads[first + i];
      known.hosts[i] = memory.host_readable(known.reads[i].address, sizeof(std::uint64_t));
    }
    known.leaf.output &= ~isa::kPageMask;
  }

 private:
  static constexpr std::size_t kPages = 64;
  static std::size_t place(std::uint64_t address) { return (address >> isa::kPageShift) % kPages; }
  std::vector<Known> known_;  // none before the first guest walks
};

}  // namespace hvsim::mmu
