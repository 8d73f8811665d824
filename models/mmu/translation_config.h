// Parameters of what a page-table walker remembers between walks.
#pragma once

#include "models/cpu/isa/types.h"
#include "models/mmu/tlb.h"

namespace hvsim::mmu {

struct WalkCacheConfig {
  unsigned entries = 0;         // PTEs that point to tables, of all levels; 0: none
  isa::Cycles hit_latency = 0;  // of a walk that starts at a remembered table
};

struct WalkCachesConfig {
  WalkCacheConfig first{};  // satp or vsatp; a guest's entries hold guest-physical addresses
  WalkCacheConfig g_stage{};
  bool has_g_tlb = false;
  TlbConfig g_tlb{.entries = 64, .ways = 4, .hit_latency = 1, .replacement = mem::Replacement::lru};
};

}  // namespace hvsim::mmu
