// Turns and appointments in SystemC's time.
#include "sim/turns_module.h"

#include <algorithm>

namespace hvsim::sim {
namespace {

// What is further away than this many cycles never comes in a run (SystemC's time has 64 bits).
constexpr isa::Cycles kOutOfReach = isa::Cycles{1} << 42;
// How far a hart may be ahead of SystemC: enough that its scheduler costs nothing, little enough that its
// time is the run's for whoever looks.
constexpr isa::Cycles kMostAhead = 100'000;

}  // namespace

TurnsModule::TurnsModule(sc_core::sc_module_name name, Turns& turns, Agenda& agenda, sc_core::sc_time period)
    : sc_module(name), turns_(turns), agenda_(agenda), period_(period) {
  for (unsigned hart = 0; hart < turns_.harts(); ++hart)
    begun_.push_back(std::make_unique<sc_core::sc_event>(("turn" + std::to_string(hart)).c_str()));
  agenda_.on_change([this] { arrange(); });
  SC_HAS_PROCESS(TurnsModule);
  SC_METHOD(give);
  sensitive << next_;
  dont_initialize();
}

// Nobody else is due before this hart is, or when it is.
bool TurnsModule::goes_on(unsigned hart) const {
  const isa::Cycles due = turns_.due(hart);
  return begun_all_ && !between_turns_ && turns_.first() == hart && due < agenda_.next() &&
         due <= in_systemc() + kMostAhead;
}

void TurnsModule::await(unsigned hart) {
  if (goes_on(hart)) {
    now_ = std::max(now_, turns_.due(hart));
    return;
  }
  somebody_acts_ = false;
  arrange();
  wait(*begun_[hart]);
}

void TurnsModule::wake(unsigned hart) {
  if (turns_.wake(hart, now())) arrange();
}

void TurnsModule::arrange() {
  if (somebody_acts_) return;
  const isa::Cycles next = std::max(std::min(turns_.due(turns_.first()), agenda_.next()), now_);
  const isa::Cycles present = in_systemc();
  if (next <= present)
    next_.notify(sc_core::SC_ZERO_TIME);
  else if (next - present <= kOutOfReach)
    next_.notify(sc_core::sc_time::from_value((next - present) * period_.value()));
}

void TurnsModule::give() {
  now_ = std::max(now_, in_systemc());
  const isa::Cycles present = now_;
  begun_all_ = true;
  somebody_acts_ = true;
  agenda_.run_due(present);
  const unsigned hart = turns_.first();
  if (turns_.due(hart) > present) {
    somebody_acts_ = false;
    return arrange();
  }
  if (between_turns_ && !between_turns_()) return sc_core::sc_stop();
  begun_[hart]->notify();
}

}  // namespace hvsim::sim
