// TLBs: tagged with VMID and ASID, pages of every size in one structure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/mmu/mmu.h"

namespace hvsim::mmu {

enum class TlbReplacement : std::uint8_t { fifo, random, lru };

struct TlbConfig {
  unsigned entries = 16;
  unsigned ways = 16;                // ways == entries: fully associative
  isa::Cycles hit_latency = 0;       // added cycles on a hit in this level
  TlbReplacement replacement = TlbReplacement::fifo;  // lru only where every access is seen (L2)
};

struct TlbStats {
  std::uint64_t lookups = 0, misses = 0, evictions = 0, fences = 0, fenced_entries = 0;
};

}  // namespace hvsim::mmu
