// Parameters and counters of caches and memory.
#pragma once

#include <cstdint>

#include "models/cpu/isa/types.h"

namespace hvsim::mem {

enum class Replacement : std::uint8_t { fifo, random, lru };

struct CacheConfig {
  std::uint64_t size_bytes = std::uint64_t{32} * 1024;
  unsigned ways = 8;
  unsigned line_bytes = 64;
  isa::Cycles hit_latency = 0;                    // L1: cycles beyond the pipelined hit; L2: total of a hit
  Replacement replacement = Replacement::random;  // lru only where every access is seen (L2)
};

struct CacheStats {
  std::uint64_t accesses = 0, misses = 0, evictions = 0, writebacks = 0, invalidations = 0;
};

struct HierarchyConfig {
  CacheConfig l1i{.size_bytes = std::uint64_t{16} * 1024, .ways = 4};
  CacheConfig l1d{};
  CacheConfig l2{
      .size_bytes = std::uint64_t{512} * 1024, .ways = 8, .hit_latency = 12, .replacement = Replacement::lru};
  isa::Cycles memory_latency = 80;     // L2 miss to first data
  isa::Cycles coherence_latency = 20;  // extra when another hart's L1D holds the line modified,
                                       // or copies must be invalidated
};

// Who served an access.
enum class Served : std::uint8_t { l1, l2, other_l1, memory };
inline constexpr unsigned kServed = 4;

}  // namespace hvsim::mem
