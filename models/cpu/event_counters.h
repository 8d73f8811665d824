// mhpmcounter3 to 31 (Zihpm) with their mode filters and overflow (Sscofpmf). Nothing is counted as it
// happens: a counter's value is worked out from event counts that the hart keeps anyway, when somebody looks
// or when the conditions of counting change.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

inline constexpr unsigned kFirstEventCounter = 3, kCounters = 32;

std::uint64_t event_counter(const HartState& hart, unsigned number);  // mhpmcounter
void write_event_counter(HartState& hart, unsigned number, std::uint64_t value);
void write_event_selector(HartState& hart, unsigned number, std::uint64_t value);  // mhpmevent

// Call before mode, mcountinhibit or event selectors change, with hart.events up to date: books what has been
// counted so far, and requests an interrupt for counters that have overflowed.
void settle_event_counters(HartState& hart);
// Call after they have changed.
void select_event_counters(HartState& hart);
// What happens from now on is counted, whatever HartState::events was before.
void restart_event_counters(HartState& hart);

// scountovf as the present mode may see it.
std::uint64_t overflow_flags(const HartState& hart);

// No counter overflows before this cycle; UINT64_MAX if none can. While the hart sleeps only cycles are
// counted.
isa::Cycles next_overflow_cycle(const HartState& hart, bool asleep);

}  // namespace hvsim::cpu
