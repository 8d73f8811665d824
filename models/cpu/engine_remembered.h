// Where the engine meets what differs from the remembered pipeline of the `fast` mode: results that come
// late, stores that cannot go on.
#pragma once

#include <algorithm>

#include "models/cpu/engine.h"
#include "models/cpu/op_class.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

// What the ops of the present block before `until` have waited for.
template <class Timing>
inline void Engine<Timing>::wait_for_late_results(const Op* until) {
  if constexpr (Timing::timed) {
    const auto count = static_cast<unsigned>(until - block_->ops);
    if (!timing_.late.advances_at_once(count)) advance_late_results(count);
  }
}

template <class Timing>
[[gnu::noinline]] void Engine<Timing>::advance_late_results(unsigned count) {
  if constexpr (Timing::timed) {
    if (!timing_.remembered.has_times(*block_)) [[unlikely]]
      return find_times_and_advance(count);
    timing_.late.advance(block_->times, count, state.cycle);
  } else {
    (void)count;
  }
}

template <class Timing>
[[gnu::noinline]] void Engine<Timing>::find_times_and_advance(unsigned count) {
  if constexpr (Timing::timed) timing_.late.advance(timing_.remembered.times(*block_), count, state.cycle);
}

inline isa::Cycles access_of(const OpTimes& times) {
  return static_cast<isa::Cycles>(std::int64_t{times.access});
}

// Instructions that commit alone, at this time at the earliest, come after everything before them.
template <class Timing>
void Engine<Timing>::drain_late_results(isa::Cycles from_now) {
  if constexpr (Timing::timed) {
    if (!timing_.late.any()) [[likely]]
      return;
    const Component why = timing_.late.why();
    charge(why, timing_.late.end_block());
    const isa::Cycles ready = timing_.late.drain();
    if (ready > state.cycle + from_now) charge(why, ready - state.cycle - from_now);
  }
}

// The same within a block.
template <class Timing>
void Engine<Timing>::drain_before_present() {
  if constexpr (Timing::timed) {
    if (!timing_.late.any()) [[likely]]
      return;
    wait_for_late_results(timing_.present);
    drain_late_results(present_offset());
  }
}

template <class Timing>
inline const OpTimes& Engine<Timing>::present_times() requires Timing::timed {
  return timing_.remembered.times(*block_).ops[static_cast<std::size_t>(timing_.present - block_->ops)];
}

// When the present op accesses memory if nothing is late.
template <class Timing>
inline isa::Cycles Engine<Timing>::present_offset() {
  if constexpr (Timing::timed)
    return access_of(present_times());
  else
    return 0;
}

// When its address is translated: before it waits for the miss of another load.
template <class Timing>
isa::Cycles Engine<Timing>::translation_time() {
  if constexpr (Timing::timed) {
    if (timing_.late.any()) wait_for_late_results(timing_.present);
    return state.cycle + present_offset() + timing_.late.shift();
  } else {
    return state.cycle;
  }
}

// When the present op, whose times these are, accesses memory.
template <class Timing>
inline isa::Cycles Engine<Timing>::access_time(const OpTimes& times) {
  if constexpr (Timing::timed) {
    if (timing_.late.any()) wait_for_late_results(timing_.present + 1);
    return state.cycle + access_of(times) + timing_.late.shift();
  } else {
    return state.cycle;
  }
}

// The present op's result comes so much later than its block's times say.
template <class Timing>
void Engine<Timing>::be_late(Component why, isa::Cycles cycles) {
  if constexpr (Timing::timed) {
    if (cycles == 0) return;
    if (timing_.late.any()) wait_for_late_results(timing_.present + 1);
    if (instruction(timing_.present->id).klass == Class::div)  // nothing else computes meanwhile
      return charge(why, cycles);
    const auto& config = timing_.remembered.config();
    const isa::Cycles at = access_time(present_times());  // two cycles after its issue
    wait_for_late_results(timing_.present + 1);
    const isa::Cycles divided = at + cycles - 1 + config.fp_div_start;
    const OpTimes& times = present_times();
    const LateResults::Late late{.result = times.writes,
                                 .unit = OpTimes::Unit::float_divider,
                                 .why = why,
                                 .ready = divided + config.fp_div_result,
                                 .unit_free = divided};
    if (!timing_.late.add(late, times.next_reader)) charge(why, cycles);
  }
}

// A load that accesses memory at this time has its data so much later.
template <class Timing>
inline void Engine<Timing>::load_is_late(const OpTimes& times, isa::Cycles at, isa::Cycles cycles) {
  if constexpr (Timing::timed) {
    const isa::Cycles done = at + cycles;
    timing_.late.stands_at(static_cast<unsigned>(timing_.present + 1 - block_->ops));
    const LateResults::Late late{.result = times.writes,
                                 .unit = OpTimes::Unit::load,
                                 .why = Component::dcache,
                                 .ready = done + timing_.costs.load_use,
                                 .unit_free = done + timing_.remembered.config().load_after_miss};
    if (!timing_.late.add(late, times.next_reader)) charge(Component::dcache, cycles);
  }
}

// A store waits for room in the first queue; in there, for room in the second, and nothing commits before it.
template <class Timing>
void Engine<Timing>::queue_store(std::uint64_t address, isa::Cycles at) {
  if constexpr (Timing::timed) {
    const auto store = timing_.stores.add(address, at, timing_.late.last_commit());
    charge(Component::store_buffer, store.access - at);
    if (store.commit <= store.access + StoreQueue::kAccessToCommit) return;
    wait_for_late_results(timing_.present + 1);
    if (!timing_.late.add({.why = Component::store_buffer, .ready = store.commit - 1}))
      charge(Component::store_buffer, store.commit - store.access - StoreQueue::kAccessToCommit);
  }
}

// A store's line comes later. Stores that hit are not queued where the cache takes one per cycle.
template <class Timing>
void Engine<Timing>::hold_store(std::uint64_t address, isa::Cycles at, isa::Cycles cycles) {
  if constexpr (Timing::timed) {
    if (!timing_.writes_through && timing_.stores.idle(state.cycle)) queue_store(address, at);
    if (timing_.caches->config().l1d.mshrs == 1)
      timing_.stores.hold(cycles);
    else
      timing_.stores.hold_until(access_time(present_times()) + cycles);
  }
}

// What waits until the write buffer is empty.
template <class Timing>
void Engine<Timing>::drain_stores() {
  if constexpr (Timing::timed)
    if (!timing_.stores.idle(state.cycle)) [[unlikely]]
      charge(Component::store_buffer, timing_.stores.drain(access_time(present_times())));
}

}  // namespace hvsim::cpu
