// What hpmcounter3 to 31 can count. A selector in mhpmevent is the number that the SBI's PMU extension has
// for the event, as on QEMU's `virt` board; 0x20001 and up are raw events of this machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hvsim::cpu {

enum class Event : std::uint8_t {
  none,
  cycles,
  instructions,
  cache_references,
  cache_misses,
  branch_instructions,
  branch_misses,
  l1d_accesses,
  l1d_misses,
  l1i_accesses,
  l1i_misses,
  dtlb_accesses,
  dtlb_misses,
  itlb_accesses,
  itlb_misses,
  traps,
  interrupts,
  page_walks,
  first_stage_pte_reads,
  g_stage_pte_reads,
  device_accesses,
  l2tlb_accesses,
  l2tlb_misses,
  l2_accesses,
  l2_misses,
  llc_accesses,
  llc_misses,
  gtlb_accesses,
  gtlb_misses,
  walk_cache_first_accesses,
  walk_cache_first_misses,
  walk_cache_g_accesses,
  walk_cache_g_misses,
  count,
};
inline constexpr std::size_t kEvents = static_cast<std::size_t>(Event::count);

// How often each event has happened on a hart since its reset.
using EventCounts = std::array<std::uint64_t, kEvents>;

struct EventSelector {
  std::uint32_t selector;
  Event event;
};

inline constexpr std::array<EventSelector, kEvents - 1> kEventSelectors{{
    {0x00001, Event::cycles},
    {0x00002, Event::instructions},
    {0x00003, Event::cache_references},
    {0x00004, Event::cache_misses},
    {0x00005, Event::branch_instructions},
    {0x00006, Event::branch_misses},
    {0x10000, Event::l1d_accesses},
    {0x10001, Event::l1d_misses},
    {0x10008, Event::l1i_accesses},
    {0x10009, Event::l1i_misses},
    {0x10018, Event::dtlb_accesses},
    {0x10019, Event::dtlb_misses},
    {0x10020, Event::itlb_accesses},
    {0x10021, Event::itlb_misses},
    {0x20001, Event::traps},
    {0x20002, Event::interrupts},
    {0x20003, Event::page_walks},
    {0x20004, Event::first_stage_pte_reads},
    {0x20005, Event::g_stage_pte_reads},
    {0x20006, Event::device_accesses},
    {0x20007, Event::l2tlb_accesses},
    {0x20008, Event::l2tlb_misses},
    {0x20009, Event::l2_accesses},
    {0x2000A, Event::l2_misses},
    {0x2000B, Event::llc_accesses},
    {0x2000C, Event::llc_misses},
    {0x2000D, Event::gtlb_accesses},
    {0x2000E, Event::gtlb_misses},
    {0x2000F, Event::walk_cache_first_accesses},
    {0x20010, Event::walk_cache_first_misses},
    {0x20011, Event::walk_cache_g_accesses},
    {0x20012, Event::walk_cache_g_misses},
}};

// Raw events for the SBI: a selector and the bits of it that are fixed.
inline constexpr std::uint64_t kRawEvents = 0x20000, kRawEventsMask = ~std::uint64_t{31};

constexpr Event event_of(std::uint64_t selector) {
  for (const auto& row : kEventSelectors)
    if (row.selector == selector) return row.event;
  return Event::none;
}

}  // namespace hvsim::cpu
