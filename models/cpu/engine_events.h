// What has happened on a hart, for its event counters: read from the statistics that are kept anyway.
#pragma once

#include <algorithm>

#include "models/cpu/engine.h"
#include "models/cpu/event_counters.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

// What the models saw of accesses that were made, and the rest of them, which were hits. Sums are taken
// modulo 2^64: an access that faulted was seen and not made.
inline std::uint64_t made(const InOrder::Translations& translations, std::uint64_t counter) {
  return translations.made + (translations.on ? counter - translations.since : 0) - translations.seen;
}

template <class Timing>
EventCounts Engine<Timing>::count_events() const {
  EventCounts counts{};
  const auto set = [&](Event event, std::uint64_t count) { counts[static_cast<std::size_t>(event)] = count; };
  set(Event::cycles, state.cycle);
  set(Event::instructions, state.retired);
  set(Event::traps, counters_.traps);
  set(Event::interrupts, counters_.interrupts);
  set(Event::page_walks, counters_.walks);
  set(Event::first_stage_pte_reads, counters_.walk_pte_reads_first);
  set(Event::g_stage_pte_reads, counters_.walk_pte_reads_g);
  set(Event::device_accesses, counters_.device_accesses);
  if constexpr (Timing::timed) {
    const auto& l1d = timing_.caches->l1d_stats(timing_.hart);
    const auto& l1i = timing_.caches->l1i_stats(timing_.hart);
    const std::uint64_t data =
        l1d.accesses + timing_.data_accesses + timing_.data_lines_extra - timing_.data_lines_seen;
    set(Event::cache_references, data);
    set(Event::cache_misses, l1d.misses);
    set(Event::l1d_accesses, data);
    set(Event::l1d_misses, l1d.misses);
    set(Event::l1i_accesses, l1i.accesses + timing_.fetch_lines - timing_.fetch_lines_seen);
    set(Event::l1i_misses, l1i.misses);
    const auto& dtlb = timing_.tlbs.dtlb().stats();
    const auto& itlb = timing_.tlbs.itlb().stats();
    const auto& l2tlb = timing_.tlbs.l2().stats();
    set(Event::dtlb_accesses, dtlb.lookups + made(timing_.data_translations, timing_.data_accesses));
    set(Event::dtlb_misses, dtlb.misses);
    set(Event::itlb_accesses, itlb.lookups + made(timing_.fetch_translations, counters_.blocks_run));
    set(Event::itlb_misses, itlb.misses);
    set(Event::l2tlb_accesses, l2tlb.lookups);
    set(Event::l2tlb_misses, l2tlb.misses);
    const auto& branches = timing_.predictor.stats();
    set(Event::branch_instructions, branches.branches + branches.indirect_jumps + branches.returns);
    set(Event::branch_misses,
        branches.branch_mispredicts + branches.indirect_mispredicts + branches.return_mispredicts);
  }
  return counts;
}

// Counters of software only grow, even where an access is seen before it is made. Cycles and instructions
// they read elsewhere.
template <class Timing>
void Engine<Timing>::settle_events() {
  const EventCounts counts = count_events();
  for (std::size_t i = static_cast<std::size_t>(Event::instructions) + 1; i < counts.size(); ++i)
    state.events[i] = std::max(state.events[i], counts[i]);
  settle_event_counters(state);
}

}  // namespace hvsim::cpu
