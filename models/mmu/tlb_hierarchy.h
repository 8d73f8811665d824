// A hart's TLBs: one for fetches, one for data, and a larger one behind both.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/mmu/tlb.h"
#include "models/mmu/walk_caches.h"
#include "models/state/archive_forward.h"

namespace hvsim::mmu {

struct TlbHierarchyConfig {
  TlbConfig itlb{};
  TlbConfig dtlb{};
  TlbConfig l2{.entries = 256, .ways = 4, .hit_latency = 4, .replacement = mem::Replacement::lru};
  bool has_l2 = true;
  WalkCachesConfig walk_caches{};
  bool tagged = true;  // by ASID and VMID; false: all is flushed when another address space is used
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
    bool flushed = false;             // untagged: another space was used before, and all its entries left
    std::span<const Evicted> left{};  // entries of this side's L1 that a refill from L2 pushed out, or that
                                      // must be looked up when they are used next
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

  // What of a walk that Mmu has made reaches memory. `result` is null if the walk failed.
  WalkPlan plan_walk(const WalkTrace& trace, isa::Gva address, const AddressSpace& space,
                     const Translation* result) {
    return walk_caches_.plan(trace, address, space, result);
  }
  // What looking into the walk caches took, of each stage.
  isa::Cycles first_latency(const WalkPlan& plan) const {
    return plan.first_hits * config_.walk_caches.first.hit_latency;
  }
  isa::Cycles g_latency(const WalkPlan& plan) const {
    return plan.g_stage_hits * config_.walk_caches.g_stage.hit_latency +
           plan.g_tlb_hits * config_.walk_caches.g_tlb.hit_latency;
  }

  // As in Tlb, over all levels and the walk caches.
  Left fence_first_stage(std::optional<std::uint16_t> vmid, std::optional<isa::Gva> address,
                         std::optional<std::uint16_t> asid);
  Left fence_g_stage(std::optional<isa::Gpa> address, std::optional<std::uint16_t> vmid);
  Left flush();

  Tlb& side(Side which) { return which == Side::fetch ? itlb_ : dtlb_; }
  const Tlb& itlb() const { return itlb_; }
  const Tlb& dtlb() const { return dtlb_; }
  const Tlb& l2() const { return l2_; }
  const WalkCaches& walk_caches() const { return walk_caches_; }
  std::uint64_t switch_flushes() const { return switch_flushes_; }
  const TlbHierarchyConfig& config() const { return config_; }
  void persist(state::Archive& archive);

 private:
  TlbHierarchyConfig config_;
  Tlb itlb_, dtlb_, l2_;
  WalkCaches walk_caches_;
  // Untagged: whose entries are here.
  struct Owner {
    Root first{}, g_stage{};
    bool virtualized = false;
    void persist(state::Archive& archive);
    friend bool operator==(const Owner&, const Owner&) = default;
  };
  bool change_owner(const AddressSpace& space);
  Owner owner_{};
  std::uint64_t switch_flushes_ = 0;
};

}  // namespace hvsim::mmu
