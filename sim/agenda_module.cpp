// Devices' appointments in SystemC's time.
#include "sim/agenda_module.h"

namespace hvsim::sim {
namespace {

// Appointments further away than this many cycles never come due in a run (SystemC's time has 64 bits).
constexpr isa::Cycles kOutOfReach = isa::Cycles{1} << 42;

}  // namespace

AgendaModule::AgendaModule(sc_core::sc_module_name name, Agenda& agenda, sc_core::sc_time period)
    : sc_module(name), agenda_(agenda), period_(period) {
  agenda_.on_change([this] { changed_.notify(sc_core::SC_ZERO_TIME); });
  SC_HAS_PROCESS(AgendaModule);
  SC_THREAD(live);
}

void AgendaModule::live() {
  for (;;) {
    const isa::Cycles now = sc_core::sc_time_stamp().value() / period_.value();
    agenda_.run_due(now);
    const isa::Cycles left = agenda_.next() - now;
    if (left > kOutOfReach)
      wait(changed_);
    else
      wait(sc_core::sc_time::from_value(left * period_.value()), changed_);
  }
}

}  // namespace hvsim::sim
