// The field lists of caches, memory and translation.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "sim/config.h"
#include "sim/config_rules.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<mem::Replacement> {
  static constexpr std::array choices{
      std::pair{mem::Replacement::fifo, "fifo"}, std::pair{mem::Replacement::random, "random"},
      std::pair{mem::Replacement::lru, "lru"},   std::pair{mem::Replacement::plru, "plru"},
      std::pair{mem::Replacement::nru, "nru"},   std::pair{mem::Replacement::lfsr8, "lfsr8"}};
};

template <>
struct Named<mem::WritePolicy> {
  using E = mem::WritePolicy;
  static constexpr std::array choices{std::pair{E::write_back, "write_back"},
                                      std::pair{E::write_through, "write_through"}};
};

template <>
struct Named<mem::Prefetch> {
  using E = mem::Prefetch;
  static constexpr std::array choices{std::pair{E::off, "off"}, std::pair{E::next_line, "next_line"},
                                      std::pair{E::stride, "stride"}};
};

template <>
struct Named<mem::Coherence> {
  static constexpr std::array choices{std::pair{mem::Coherence::msi, "msi"},
                                      std::pair{mem::Coherence::mesi, "mesi"}};
};

template <>
struct Described<mem::CacheConfig> {
  using T = mem::CacheConfig;
  static constexpr auto fields = std::tuple{
      Field{"size_bytes", &T::size_bytes, Unit::bytes, "capacity",
            Rule{.min = 1024, .max = std::uint64_t{1} << 30}},
      Field{"ways", &T::ways, Unit::count, "lines per set", Rule{.min = 1, .max = 64}},
      Field{"line_bytes", &T::line_bytes, Unit::bytes, "bytes per line",
            Rule{.min = 16, .max = 256, .power_of_two = true}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles,
            "L1: cycles beyond the pipelined hit; others: total of a hit", kLatency},
      Field{"miss_latency", &T::miss_latency, Unit::cycles,
            "what a miss adds to the time of the level that serves it", kLatency},
      Field{"replacement", &T::replacement, Unit::none,
            "which line of a full set leaves; lru, plru and nru slow the simulation down in an L1"},
      Field{"write_policy", &T::write_policy, Unit::none, "of the l1d; other levels write back"},
      Field{"write_allocate", &T::write_allocate, Unit::none,
            "of the l1d: whether a store that misses brings the line"},
      Field{
          "prefetch", &T::prefetch, Unit::none,
          "which lines of the 4 KiB page are fetched ahead: the next, or those at a distance seen twice; not "
          "in the llc"},
      Field{"prefetch_degree", &T::prefetch_degree, Unit::count, "lines fetched ahead at a time",
            Rule{.min = 1, .max = 16}},
      Field{"mshrs", &T::mshrs, Unit::count,
            "of the l1d: misses in flight; 1: a load waits for the one that missed before it",
            Rule{.min = 1, .max = 64}}};
};

template <>
struct Described<mem::DramConfig> {
  using T = mem::DramConfig;
  static constexpr auto fields = std::tuple{
      Field{"banked", &T::banked, Unit::none,
            "false: every read takes memory_latency, without limit; true: banks, row buffers and a bus"},
      Field{"channels", &T::channels, Unit::count, "which lines take turns over",
            Rule{.min = 1, .max = 16, .power_of_two = true}},
      Field{"banks", &T::banks, Unit::count, "of each channel, which rows take turns over",
            Rule{.min = 1, .max = 256, .power_of_two = true}},
      Field{"row_bytes", &T::row_bytes, Unit::bytes, "in a bank's row buffer",
            Rule{.min = 256, .max = 65536, .power_of_two = true}},
      Field{"bytes_per_cycle", &T::bytes_per_cycle, Unit::bytes, "per cycle of each channel's bus",
            Rule{.min = 1, .max = 1024}},
      Field{"controller_latency", &T::controller_latency, Unit::cycles, "there and back, of every access",
            kLatency},
      Field{"cas", &T::cas, Unit::cycles, "column of an open row to the first data", kLatency},
      Field{"activate", &T::activate, Unit::cycles, "opening a row", kLatency},
      Field{"precharge", &T::precharge, Unit::cycles, "closing the row that is open", kLatency}};
};

template <>
struct Described<mem::HierarchyConfig> {
  using T = mem::HierarchyConfig;
  static constexpr auto fields = std::tuple{
      Field{"l1i", &T::l1i, Unit::none, "instruction cache of each hart"},
      Field{"l1d", &T::l1d, Unit::none, "data cache of each hart"},
      Field{"has_l2", &T::has_l2, Unit::none, "false: what is behind the L2 is right behind the L1s"},
      Field{"l2", &T::l2, Unit::none, "cache shared by all harts, inclusive of their L1s"},
      Field{"has_llc", &T::has_llc, Unit::none, "a last-level cache between L2 and memory"},
      Field{"llc", &T::llc, Unit::none, "that cache, neither inclusive nor exclusive"},
      Field{"memory_latency", &T::memory_latency, Unit::cycles,
            "miss of the last cache to first data, unless dram.banked", kLatency},
      Field{"memory_write_latency", &T::memory_write_latency, Unit::cycles, "write to its acknowledgement",
            kLatency},
      Field{"dram", &T::dram, Unit::none, "memory with banks and row buffers"},
      Field{"coherence", &T::coherence, Unit::none,
            "between data caches; mesi: a line that nobody else holds may be written without asking"},
      Field{"coherence_latency", &T::coherence_latency, Unit::cycles,
            "extra when other harts' data caches must be asked for a line or give it up", kLatency},
      Field{"atomics_in_memory", &T::atomics_in_memory, Unit::none,
            "LR, SC and AMO go past the data cache and take the line from it"}};
};

template <>
struct Described<mmu::TlbConfig> {
  using T = mmu::TlbConfig;
  static constexpr auto fields = std::tuple{
      Field{"entries", &T::entries, Unit::count, "translations held", Rule{.min = 1, .max = 65536}},
      Field{"ways", &T::ways, Unit::count, "entries per set; as many as entries: fully associative",
            Rule{.min = 1, .max = 65536}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles, "added by a hit in this level", kLatency},
      Field{"replacement", &T::replacement, Unit::none,
            "which entry of a full set leaves; lru, plru and nru slow the simulation down in a first level"}};
};

template <>
struct Described<mmu::WalkCacheConfig> {
  using T = mmu::WalkCacheConfig;
  static constexpr auto fields = std::tuple{
      Field{"entries", &T::entries, Unit::count,
            "PTEs that point to tables, of all levels, fully associative, LRU; 0: none", Rule{.max = 1024}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles, "of a walk that starts at a remembered table",
            kLatency}};
};

template <>
struct Described<mmu::WalkCachesConfig> {
  using T = mmu::WalkCachesConfig;
  static constexpr auto fields = std::tuple{
      Field{"first", &T::first, Unit::none, "tables of satp and vsatp"},
      Field{"g_stage", &T::g_stage, Unit::none, "tables of hgatp"},
      Field{"has_g_tlb", &T::has_g_tlb, Unit::none,
            "a TLB from guest-physical pages to physical ones, for the guest's PTEs and its pages"},
      Field{"g_tlb", &T::g_tlb, Unit::none, "that TLB"}};
};

template <>
struct Described<mmu::TlbHierarchyConfig> {
  using T = mmu::TlbHierarchyConfig;
  static constexpr auto fields =
      std::tuple{Field{"itlb", &T::itlb, Unit::none, "first-level TLB for fetches"},
                 Field{"dtlb", &T::dtlb, Unit::none, "first-level TLB for loads and stores"},
                 Field{"l2", &T::l2, Unit::none, "second-level TLB behind both"},
                 Field{"has_l2", &T::has_l2, Unit::none, "false: a first-level miss walks at once"},
                 Field{"walk_caches", &T::walk_caches, Unit::none, "what the page-table walker remembers"},
                 Field{"tagged", &T::tagged, Unit::none,
                       "by ASID and VMID; false: everything is flushed when another address space is used"}};
};

}  // namespace hvsim::sim
