// A hart's TLBs: one for fetches, one for data, and a larger one behind both.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/mmu/tlb.h"

namespace hvsim::mmu {

struct TlbHierarchyConfig {
  TlbConfig itlb{};
  TlbConfig dtlb{};
  TlbConfig l2{.entries = 256, .ways = 4, .hit_latency = 4, .replacement = TlbReplacement::lru};
  bool has_l2 = true;
};

std::optional<std::string> problem(const TlbHierarchyConfig& config);

class TlbHierarchy {
 public:
  enum class Side : std::uint8_t { fetch, data };
  enum class Level : std::uint8_t { l1, l2, none };

  struct Lookup {
    const Translation* translation = nullptr;  // nullptr: walk. Of the page's first byte: see at()
    isa::Cycles latency = 0;                   // of the hit, or of finding out that a walk is needed
    Level level = Level::none;
    std::span<const Evicted> left{};  // entries of this side's L1 that a refill from L2 pushed out
  };
  // Entries that left the L1 of each side. Valid until the next lookup, insert or fence.
  struct Left {
    std::span<const Evicted> itlb, dtlb;
  };

  explicit TlbHierarchy(const TlbHierarchyConfig& config, std::uint64_t seed = 1);

  Lookup lookup(Side side, isa::Gva address, const AddressSpace& space);
  // After a walk: enters the translation into L2 and this side's L1. Tells who left that L1.
  std::span<const Evicted> insert(Side side, isa::Gva address, const AddressSpace& space,
                                  const Translation& translation);

  // As in Tlb, over all levels.
  Left fence_first_stage(std::optional<std::uint16_t> vmid, std::optional<isa::Gva> address,
                         std::optional<std::uint16_t> asid);
  Left fence_g_stage(std::optional<isa::Gpa> address, std::optional<std::uint16_t> vmid);
  Left flush();

  Tlb& side(Side which) { return which == Side::fetch ? itlb_ : dtlb_; }
  const Tlb& itlb() const { return itlb_; }
  const Tlb& dtlb() const { return dtlb_; }
  const Tlb& l2() const { return l2_; }
  const TlbHierarchyConfig& config() const { return config_; }

 private:
  TlbHierarchyConfig config_;
  Tlb itlb_, dtlb_, l2_;
};

}  // namespace hvsim::mmu
