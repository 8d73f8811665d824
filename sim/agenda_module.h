// The agenda's SystemC shell: waits for the next appointment and keeps it.
#pragma once

#include <systemc>

#include "sim/agenda.h"

namespace hvsim::sim {

class AgendaModule final : public sc_core::sc_module {
 public:
  AgendaModule(sc_core::sc_module_name name, Agenda& agenda, sc_core::sc_time period);

 private:
  void live();

  Agenda& agenda_;
  sc_core::sc_time period_;  // of one cycle
  sc_core::sc_event changed_{"changed"};
};

}  // namespace hvsim::sim
