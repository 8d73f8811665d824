// Walks that went the same way before. All that is read before the last table of a stage is the same for 2
// MiB of addresses: two PTEs, and of a guest's stage eleven. A walk is replayed if all of them still have the
// values that they had, and the last ones are plain leaves of 4 KiB that let the access through; so nothing
// ever tells it from a walk that is made, and who changes PTEs need not know of it.
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

class KnownWays {
 public:
  // Of both stages, or of a space that has one. False: the walk must be made, and nothing has changed but
  // what is behind the end of the trace, which is empty.
  bool replay_both(isa::Gva address, isa::Access access, unsigned bytes, const AddressSpace& space,
                   const Asker& guest, const Asker& g_stage, const Pmp& pmp, WalkTrace& trace,
                   Translation& found) const;
  bool replay_one(isa::Gva address, isa::Access access, unsigned bytes, const AddressSpace& space,
                  const Asker& asker, const Pmp& pmp, WalkTrace& trace, Translation& found) const;
  // Such a walk that found a page and alone is in the trace.
  void remember(isa::Gva address, const AddressSpace& space, const Pmp& pmp,
                const mem::PhysicalMemory& memory, const WalkTrace& trace, const Translation& found);

 private:
  static constexpr std::size_t kWays = 128;
  static std::uint64_t region_of(std::uint64_t address) {
    return address >> (isa::kPageShift + steps::kIndexBits);
  }

  // To a stage's last table.
  template <unsigned kMost>
  struct Way {
    std::uint64_t region = ~std::uint64_t{0};  // of the addresses that its PTEs translate
    std::uint64_t pmp_generation = 0;
    Root first{}, g_stage{};
    bool pbmt_first = false, pbmt_g_stage = false, napot = false;
    bool global = false;      // the guest's tables on the way
    unsigned count = 0;       // of what is read before
    std::uint64_t kinds = 0;  // as the trace's
    std::uint64_t table = 0;  // supervisor-physical, and where it is on the host and for a guest
    std::uint64_t guest_table = 0;
    const std::uint8_t* host = nullptr;
    std::array<const std::uint8_t*, kMost> hosts{};
    std::array<PteRead, kMost> reads{};

    bool leads(std::uint64_t of, const AddressSpace& space, const Pmp& pmp) const {
      return region == of && pmp_generation == pmp.generation() && napot == space.napot;
    }
    bool is_of_first(const AddressSpace& space) const {
      return first.table == space.first.table && first.scheme == space.first.scheme &&
             pbmt_first == space.pbmt_first;
    }
    bool is_of_g_stage(const AddressSpace& space) const {
      return g_stage.table == space.g_stage.table && g_stage.scheme == space.g_stage.scheme &&
             pbmt_g_stage == space.pbmt_g_stage;
    }
    // The accesses go behind the end of the trace.
    bool still_there(PteRead* to) const {
      std::uint64_t changed = 0;
      for (unsigned i = 0; i < count; ++i) {
        std::uint64_t value = 0;
        std::memcpy(&value, hosts[i], sizeof value);
        to[i] = reads[i];
        changed |= value ^ reads[i].value;
      }
      return changed == 0;
    }
    // The leaf behind the way. False: it cannot be used without more ado.
    template <bool of_guest>
    bool read_leaf(std::uint64_t address, isa::Access access, const Asker& asker, Stage stage, const Pmp& pmp,
                   PteRead& leaf) const {
      const std::uint64_t offset =
          (address >> isa::kPageShift & steps::ones(steps::kIndexBits)) * steps::kPteBytes;
      std::uint64_t pte = 0;
      std::memcpy(&pte, host + offset, sizeof pte);
      leaf = {isa::Hpa{table + offset}, isa::Gpa{of_guest ? guest_table + offset : 0}, pte, stage, 0, false};
      return (pte & isa::pte::v) != 0 && (pte & isa::pte::r) != 0 && (pte & steps::kHighBits) == 0 &&
             !forbidden(pte, access, asker) && missing_accessed_dirty(pte, access) == 0 &&
             pmp.allows(leaf.address, steps::kPteBytes, isa::Access::load, isa::Privilege::supervisor);
    }
    bool enter(const WalkTrace& trace, unsigned from, unsigned end, const mem::PhysicalMemory& memory);
  };
  static std::uint64_t page_of(std::uint64_t pte) {
    return (pte & isa::pte::ppn_mask) >> isa::pte::ppn_shift << isa::kPageShift;
  }

  using Short = Way<4>;
  std::vector<Way<19>> guests_;  // four levels over four at most; none before the first guest walks
  std::vector<Short> pages_;     // of the G-stage
  std::vector<Short> tables_;    // of spaces with one stage
};

inline bool KnownWays::replay_both(isa::Gva address, isa::Access access, unsigned bytes,
                                   const AddressSpace& space, const Asker& guest, const Asker& g_stage,
                                   const Pmp& pmp, WalkTrace& trace, Translation& found) const {
  if (guests_.empty()) return false;
  const std::uint64_t region = region_of(address.value);
  const auto& way = guests_[region % kWays];
  PteRead* to = trace.reads.data();
  if (!way.leads(region, space, pmp) || !way.is_of_first(space) || !way.is_of_g_stage(space) ||
      !way.still_there(to))
    return false;
  to += way.count;
  if (!way.read_leaf<true>(address.value, access, guest, Stage::first, pmp, *to)) return false;
  const std::uint64_t pte = to->value, page = page_of(pte), page_region = region_of(page);
  const auto& page_way = pages_[page_region % kWays];
  if (!page_way.leads(page_region, space, pmp) || !page_way.is_of_g_stage(space) ||
      !page_way.still_there(++to))
    return false;
  to += page_way.count;
  if (!page_way.read_leaf<false>(page, access, g_stage, Stage::g_stage, pmp, *to)) return false;
  const std::uint64_t in_page = address.value & isa::kPageMask;
  found = {.address = isa::Hpa{page_of(to->value) | in_page},
           .guest_physical = isa::Gpa{page | in_page},
           .first_pte = pte | (way.global ? isa::pte::g : 0),
           .g_pte = to->value};
  if (!pmp.allows(found.address, bytes, access, space.privilege)) return false;
  trace.count = static_cast<std::uint8_t>(way.count + page_way.count + 2);
  trace.kinds =
      (way.kinds << 4) << (4 * (page_way.count + 1)) | page_way.kinds << 4 | WalkTrace::kind_of(*to);
  return true;
}

inline bool KnownWays::replay_one(isa::Gva address, isa::Access access, unsigned bytes,
                                  const AddressSpace& space, const Asker& asker, const Pmp& pmp,
                                  WalkTrace& trace, Translation& found) const {
  if (tables_.empty()) return false;
  const std::uint64_t region = region_of(address.value);
  const auto& way = tables_[region % kWays];
  PteRead* to = trace.reads.data();
  if (!way.leads(region, space, pmp) || !way.is_of_first(space) || !way.still_there(to)) return false;
  to += way.count;
  if (!way.read_leaf<false>(address.value, access, asker, Stage::first, pmp, *to)) return false;
  const std::uint64_t physical = page_of(to->value) | (address.value & isa::kPageMask);
  found = {.address = isa::Hpa{physical},
           .guest_physical = isa::Gpa{physical},
           .first_pte = to->value | (way.global ? isa::pte::g : 0)};
  if (!pmp.allows(found.address, bytes, access, space.privilege)) return false;
  trace.count = static_cast<std::uint8_t>(way.count + 1);
  trace.kinds = way.kinds << 4;
  return true;
}

// The table is that of the PTE behind the way, at `end`.
template <unsigned kMost>
bool KnownWays::Way<kMost>::enter(const WalkTrace& trace, unsigned from, unsigned end,
                                  const mem::PhysicalMemory& memory) {
  const PteRead& last = trace.reads[end];
  table = last.address.value & ~isa::kPageMask;
  guest_table = last.guest_physical.value & ~isa::kPageMask;
  host = memory.host_readable(isa::Hpa{table}, isa::kPageBytes);
  if (end - from > kMost || host == nullptr) return false;
  for (count = 0; from + count < end; ++count) {
    reads[count] = trace.reads[from + count];
    hosts[count] = memory.host_readable(reads[count].address, sizeof(std::uint64_t));
    kinds = kinds << 4 | WalkTrace::kind_of(reads[count]);
    global |= reads[count].stage == Stage::first && (reads[count].value & isa::pte::g) != 0;
  }
  return true;
}

inline void KnownWays::remember(isa::Gva address, const AddressSpace& space, const Pmp& pmp,
                                const mem::PhysicalMemory& memory, const WalkTrace& trace,
                                const Translation& found) {
  if (trace.wrote || trace.count == WalkTrace::kMax || found.first_pte == 0 || found.first_level != 0) return;
  if (space.virtualized && (found.g_pte == 0 || found.g_level != 0)) return;
  unsigned leaf = trace.count - 1U;
  while (trace.reads[leaf].stage != Stage::first) --leaf;
  const auto make = [&]<class W>(std::vector<W>& ways, std::uint64_t of, unsigned from, unsigned end) {
    W way{.region = region_of(of),
          .pmp_generation = pmp.generation(),
          .first = space.first,
          .g_stage = space.g_stage,
          .pbmt_first = space.pbmt_first,
          .pbmt_g_stage = space.pbmt_g_stage,
          .napot = space.napot};
    if (ways.empty()) ways.resize(kWays);
    if (way.enter(trace, from, end, memory)) ways[way.region % kWays] = way;
  };
  if (!space.virtualized) return make(tables_, address.value, 0, leaf);
  make(guests_, address.value, 0, leaf);
  make(pages_, found.guest_physical.value, leaf + 1, trace.count - 1U);
}

}  // namespace hvsim::mmu
