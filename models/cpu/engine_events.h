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

// say(event, count) for each event that nearly every change of owner brings some of.
template <class Timing>
template <class Say>
inline void Engine<Timing>::common_events(Say say) const {
  say(Event::instructions, state.retired);
  say(Event::traps, counters_.traps);
  if constexpr (Timing::timed) {
    say(Event::l1d_accesses, timing_.caches->l1d_stats(timing_.hart).accesses + timing_.data_accesses +
                                 timing_.data_lines_extra - timing_.data_lines_seen);
    say(Event::l1i_accesses,
        timing_.caches->l1i_stats(timing_.hart).accesses + timing_.fetch_lines - timing_.fetch_lines_seen);
    const auto& branches = timing_.predictor.stats();
    say(Event::branch_instructions, branches.branches + branches.indirect_jumps + branches.returns);
    say(Event::branch_misses,
        branches.branch_mispredicts + branches.indirect_mispredicts + branches.return_mispredicts);
  }
}

// And for each that only code whose addresses are translated has.
template <class Timing>
template <class Say>
inline void Engine<Timing>::translation_events(Say say) const {
  if constexpr (Timing::timed) {
    say(Event::dtlb_accesses,
        timing_.tlbs.dtlb().stats().lookups + made(timing_.data_translations, timing_.data_accesses));
    say(Event::itlb_accesses,
        timing_.tlbs.itlb().stats().lookups + made(timing_.fetch_translations, counters_.blocks_run));
  }
}

template <class Timing>
EventCounts Engine<Timing>::count_events() const {
  EventCounts counts{};
  const auto set = [&](Event event, std::uint64_t count) { counts[static_cast<std::size_t>(event)] = count; };
  common_events(set);
  translation_events(set);
  set(Event::cycles, state.cycle);
  set(Event::interrupts, counters_.interrupts);
  set(Event::page_walks, counters_.walks);
  set(Event::first_stage_pte_reads, counters_.walk_pte_reads_first);
  set(Event::g_stage_pte_reads, counters_.walk_pte_reads_g);
  set(Event::device_accesses, counters_.device_accesses);
  if constexpr (Timing::timed) {
    const mem::Hierarchy& caches = *timing_.caches;
    const std::uint64_t misses = caches.l1d_stats(timing_.hart).misses;
    set(Event::cache_references, counts[static_cast<std::size_t>(Event::l1d_accesses)]);
    set(Event::cache_misses, misses);
    set(Event::l1d_misses, misses);
    set(Event::l1i_misses, caches.l1i_stats(timing_.hart).misses);
    const mem::SharedUse& shared = caches.shared_use(timing_.hart);
    set(Event::l2_accesses, shared.l2_accesses);
    set(Event::l2_misses, shared.l2_misses);
    set(Event::llc_accesses, shared.llc_accesses);
    set(Event::llc_misses, shared.llc_misses);
    const mmu::TlbHierarchy& tlbs = timing_.tlbs;
    set(Event::dtlb_misses, tlbs.dtlb().stats().misses);
    set(Event::itlb_misses, tlbs.itlb().stats().misses);
    const auto set_both = [&](Event accesses, Event misses_of_them, const mmu::TlbStats& stats) {
      set(accesses, stats.lookups);
      set(misses_of_them, stats.misses);
    };
    const mmu::WalkCaches& walk_caches = tlbs.walk_caches();
    set_both(Event::l2tlb_accesses, Event::l2tlb_misses, tlbs.l2().stats());
    set_both(Event::gtlb_accesses, Event::gtlb_misses, walk_caches.g_tlb_stats());
    set_both(Event::walk_cache_first_accesses, Event::walk_cache_first_misses, walk_caches.first_stats());
    set_both(Event::walk_cache_g_accesses, Event::walk_cache_g_misses, walk_caches.g_stage_stats());
  }
  return counts;
}

// What has happened since the last time is its owner's until now.
template <class Timing>
inline void Engine<Timing>::book_events() {
  if (rare_events_) return book_all_events();
  const auto book = [this](Event event, std::uint64_t count) { accountant_.book(event, count); };
  common_events(book);
  if constexpr (Timing::timed) {
    if (!timing_.data_translations.was_on && !timing_.fetch_translations.was_on) return;
    translation_events(book);
    timing_.begin_translations();
  }
}

template <class Timing>
[[gnu::noinline]] void Engine<Timing>::book_all_events() {
  rare_events_ = false;
  accountant_.book_all(count_events());
  if constexpr (Timing::timed) timing_.begin_translations();
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
