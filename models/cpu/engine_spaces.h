// Whose the hart is: its address spaces, the rows that its cycles and events go to, the interrupts that it
// waits for.
#pragma once

#include <algorithm>
#include <span>

#include "models/cpu/address_space.h"
#include "models/cpu/engine.h"
#include "models/cpu/engine_events.h"
#include "models/cpu/interrupts.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

// Cycles and events from here on belong to whom the accountant says. A function of its own, so that profiles
// show what it takes.
template <class Timing>
[[gnu::noinline]] void Engine<Timing>::use_row() {
  row_ = &accountant_.row();
  if constexpr (Timing::detailed) timing_.pipeline.book_into(row_);
  if (!accountant_.owner_changed()) return;
  book_events();
  accountant_.change_owner();
}

template <class Timing>
void Engine<Timing>::update_pmp() {
  const auto entries = state.isa_config.pmp_entries;
  pmp_.update(std::span(state.csr.pmpcfg).first(entries), std::span(state.csr.pmpaddr).first(entries));
  level_zero_.clear();
}

// FS Off in mstatus, or with V=1 in vsstatus too, makes F and D illegal.
inline bool may_use_float(const HartState& state) {
  return (state.csr.mstatus & isa::csr::kFs) != 0 &&
         (!state.mode.virtualized || (state.csr.vsstatus & isa::csr::kFs) != 0);
}

// What decides about address spaces may have changed.
template <class Timing>
void Engine<Timing>::select_spaces() {
  known_spaces_ = {};
  known_for_ = space_inputs(state);
  enter_spaces();
}

// Somebody from outside may have changed anything, and mostly has not.
template <class Timing>
void Engine<Timing>::select_spaces_if_changed() {
  if (known_for_ != space_inputs(state)) return select_spaces();
  enter_spaces();
}

// Only the mode, and how it was reached, may have changed: each mode's spaces are as they were.
template <class Timing>
inline void Engine<Timing>::enter_spaces() {
  respace_ = false;
  Spaces& known = known_spaces_[mode_index(state.mode)];
  const bool lent = (state.csr.mstatus & isa::csr::kMprv) != 0;  // loads and stores are another mode's
  if (known.generation == level_zero_.generation() && !lent) {
    data_ = known.data;
    fetch_ = known.fetch;
  } else {
    data_ = &level_zero_.select(data_space(state));
    fetch_ = &level_zero_.select(fetch_space(state));
    known = {lent ? 0 : level_zero_.generation(), data_, fetch_};
  }
  note_translation();
  float_on_ = may_use_float(state);
}

template <class Timing>
inline void Engine<Timing>::note_translation() {
  if constexpr (Timing::timed) {
    const bool were_on = timing_.data_translations.on | timing_.fetch_translations.on;
    if (!(were_on | data_->translated | fetch_->translated)) return;
    timing_.data_translations.decide(data_->translated, timing_.data_accesses);
    timing_.fetch_translations.decide(fetch_->translated, counters_.blocks_run);
  }
}

template <class Timing>
void Engine<Timing>::settle_statistics() {
  note_translation();
  if constexpr (Timing::timed) timing_.settle();
  accountant_.book_all(count_events());
}

template <class Timing>
void Engine<Timing>::reset_statistics(isa::Cycles now) {
  settle_statistics();
  accountant_.reset(now);
  use_row();
  walks_.reset();
  interrupt_times_.reset();
}

template <class Timing>
void Engine<Timing>::state_changed() {
  update_pmp();
  mode_changed();
}

template <class Timing>
void Engine<Timing>::mode_changed() {
  accountant_.mode_changed(state);
  use_row();
  select_spaces_if_changed();
  deadline_ = 0;
}

template <class Timing>
void Engine<Timing>::set_line(isa::Interrupt line, bool high) {
  if (high)
    state.lines |= isa::bit(line);
  else
    state.lines &= ~isa::bit(line);
  deadline_ = 0;
}

template <class Timing>
bool Engine<Timing>::wakes() const {
  return wfi_wakes(state);
}

template <class Timing>
isa::Cycles Engine<Timing>::next_timer() const {
  const bool counter_wakes = (state.csr.mie & isa::bit(isa::Interrupt::counter_overflow)) != 0;
  const isa::Cycles timer = next_timer_cycle(state);
  return counter_wakes ? std::min(timer, next_overflow_cycle(state, true)) : timer;
}

template <class Timing>
void Engine<Timing>::idle(isa::Cycles cycles) {
  charge(Component::idle, cycles);
  if (state.active_counters != 0) settle_events();
}

}  // namespace hvsim::cpu
