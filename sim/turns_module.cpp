// Turns and appointments in SystemC's time.
#include "sim/turns_module.h"

#include <algorithm>

namespace hvsim::sim {
namespace {

// What is further away than this many cycles never comes in a run (SystemC's time has 64 bits).
constexpr isa::Cycles kOutOfReach = isa::Cycles{1} << 42;

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

void TurnsModule::await(unsigned hart) {
  somebody_acts_ = false;
  arrange();
  wait(*begun_[hart]);
}

void TurnsModule::wake(unsigned hart) {
  if (turns_.wake(hart, now())) arrange();
}

void TurnsModule::arrange() {
  if (somebody_acts_) return;
  const isa::Cycles next = std::min(turns_.due(turns_.first()), agenda_.next()), present = now();
  if (next <= present)
    next_.notify(sc_core::SC_ZERO_TIME);
  else if (next - present <= kOutOfReach)
    next_.notify(sc_core::sc_time::from_value((next - present) * period_.value()));
}

void TurnsModule::give() {
  const isa::Cycles present = now();
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
