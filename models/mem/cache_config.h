// Parameters and counters of caches and memory.
#pragma once

#include <cstdint>

#include "models/cpu/isa/types.h"
#include "models/mem/dram.h"

namespace hvsim::mem {

// Which line of a full set leaves. fifo, random and lfsr8 do not care for hits; lru, plru and nru do, and
// cost host time in a first-level cache, because hits must then be seen.
enum class Replacement : std::uint8_t {
  fifo,
  random,
  lru,
  plru,   // binary tree, one bit per node
  nru,    // one "recently used" bit per line
  lfsr8,  // the 8-bit shift register of CVA6's caches, which moves on when a full set is filled
};

enum class WritePolicy : std::uint8_t { write_back, write_through };

// Whether a line that nobody else holds may be written without asking: mesi, by its state E; msi has none.
enum class Coherence : std::uint8_t { msi, mesi };

// Which lines of a 4 KiB page are fetched ahead: those behind the line, or those at the distance that was
// seen twice in a row.
enum class Prefetch : std::uint8_t { off, next_line, stride };

struct CacheConfig {
  std::uint64_t size_bytes = std::uint64_t{32} * 1024;
  unsigned ways = 8;
  unsigned line_bytes = 64;
  isa::Cycles hit_latency = 0;   // L1: cycles beyond the pipelined hit; others: total of a hit
  isa::Cycles miss_latency = 0;  // what a miss adds to the time of the level that serves it
  Replacement replacement = Replacement::random;
  WritePolicy write_policy = WritePolicy::write_back;  // the L1D's; others write back
  bool write_allocate = true;                          // the L1D's: false: a store that misses brings no line
  Prefetch prefetch = Prefetch::off;                   // not in the LLC
  unsigned prefetch_degree = 1;                        // lines fetched ahead at a time
  unsigned mshrs = 1;                                  // the L1D's: misses in flight; 1: loads wait for each
};

struct CacheStats {
  std::uint64_t accesses = 0, misses = 0, evictions = 0, writebacks = 0, invalidations = 0;
  std::uint64_t hits_in_flight = 0;  // hits on lines that an earlier miss was still bringing
};

struct PrefetchStats {
  std::uint64_t issued = 0;
  std::uint64_t useful = 0;   // used before they left
  std::uint64_t late = 0;     // of them still on their way
  std::uint64_t useless = 0;  // left without being used
};

struct HierarchyConfig {
  CacheConfig l1i{.size_bytes = std::uint64_t{16} * 1024, .ways = 4};
  CacheConfig l1d{};
  bool has_l2 = true;
  CacheConfig l2{
      .size_bytes = std::uint64_t{512} * 1024, .ways = 8, .hit_latency = 12, .replacement = Replacement::lru};
  bool has_llc = false;
  CacheConfig llc{
      .size_bytes = std::uint64_t{4} << 20, .ways = 16, .hit_latency = 30, .replacement = Replacement::lru};
  isa::Cycles memory_latency = 80;        // miss of the last cache to first data, unless dram.banked
  isa::Cycles memory_write_latency = 80;  // write to its acknowledgement
  DramConfig dram{};
  Coherence coherence = Coherence::mesi;
  isa::Cycles coherence_latency = 20;  // extra when other harts' L1Ds must be asked, or give up a line
  bool atomics_in_memory = false;      // atomics go past the L1D and take the line from it, as CVA6's do
};

// Who served an access; of a page walk's, `walker` means that the walker remembered and did not ask.
enum class Served : std::uint8_t { l1, l2, other_l1, llc, memory, walker };
inline constexpr unsigned kServed = 6;

}  // namespace hvsim::mem
