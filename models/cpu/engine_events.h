// What has happened on a hart, for its event counters: read from the statistics that are kept anyway.
#pragma once

#include <algorithm>

#include "models/cpu/engine.h"
#include "models/cpu/event_counters.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

// Counts only grow, even where hits are inferred from what the models did not see.
inline void raise_count(HartState& hart, Event event, std::uint64_t count) {
  std::uint64_t& known = hart.events[static_cast<std::size_t>(event)];
  known = std::max(known, count);
}

inline std::uint64_t unseen(std::uint64_t made, std::uint64_t seen) { return made > seen ? made - seen : 0; }

inline std::uint64_t unseen(const InOrder::Translations& translations, std::uint64_t counter) {
  const std::uint64_t made = translations.made + (translations.on ? counter - translations.since : 0);
  return unseen(made, translations.seen);
}

template <class Timing>
void Engine<Timing>::settle_events() {
  raise_count(state, Event::traps, counters_.traps);
  raise_count(state, Event::interrupts, counters_.interrupts);
  raise_count(state, Event::page_walks, counters_.walks);
  raise_count(state, Event::first_stage_pte_reads, counters_.walk_pte_reads_first);
  raise_count(state, Event::g_stage_pte_reads, counters_.walk_pte_reads_g);
  raise_count(state, Event::device_accesses, counters_.device_accesses);
  if constexpr (Timing::timed) {
    const auto& l1d = timing_.caches->l1d_stats(timing_.hart);
    const auto& l1i = timing_.caches->l1i_stats(timing_.hart);
    const std::uint64_t data =
        l1d.accesses + unseen(timing_.data_accesses + timing_.data_lines_extra, timing_.data_lines_seen);
    raise_count(state, Event::cache_references, data);
    raise_count(state, Event::cache_misses, l1d.misses);
    raise_count(state, Event::l1d_accesses, data);
    raise_count(state, Event::l1d_misses, l1d.misses);
    raise_count(state, Event::l1i_accesses,
                l1i.accesses + unseen(timing_.fetch_lines, timing_.fetch_lines_seen));
    raise_count(state, Event::l1i_misses, l1i.misses);
    const auto& dtlb = timing_.tlbs.dtlb().stats();
    const auto& itlb = timing_.tlbs.itlb().stats();
    raise_count(state, Event::dtlb_accesses,
                dtlb.lookups + unseen(timing_.data_translations, timing_.data_accesses));
    raise_count(state, Event::dtlb_misses, dtlb.misses);
    raise_count(state, Event::itlb_accesses,
                itlb.lookups + unseen(timing_.fetch_translations, counters_.blocks_run));
    raise_count(state, Event::itlb_misses, itlb.misses);
    const auto& branches = timing_.predictor.stats();
    raise_count(state, Event::branch_instructions,
                branches.branches + branches.indirect_jumps + branches.returns);
    raise_count(state, Event::branch_misses,
                branches.branch_mispredicts + branches.indirect_mispredicts + branches.return_mispredicts);
  }
  settle_event_counters(state);
}

}  // namespace hvsim::cpu
