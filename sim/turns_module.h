// Simulated time: gives harts their turns, one at a time, and lets devices keep their appointments.
#pragma once

#include <functional>
#include <memory>
#include <systemc>
#include <vector>

#include "sim/agenda.h"
#include "sim/turns.h"

namespace hvsim::sim {

class TurnsModule final : public sc_core::sc_module {
 public:
  TurnsModule(sc_core::sc_module_name name, Turns& turns, Agenda& agenda, sc_core::sc_time period);

  // In a hart's thread: until its turn has come. turns() says when that is.
  void await(unsigned hart);
  void wake(unsigned hart);
  Turns& turns() { return turns_; }
  isa::Cycles now() const { return sc_core::sc_time_stamp().value() / period_.value(); }

  // Called between two turns, when all harts wait. False: the simulation ends.
  void between_turns(std::function<bool()> call) { between_turns_ = std::move(call); }

 private:
  void give();
  void arrange();  // the next give()

  Turns& turns_;
  Agenda& agenda_;
  sc_core::sc_time period_;  // of one cycle
  std::function<bool()> between_turns_;
  std::vector<std::unique_ptr<sc_core::sc_event>> begun_;  // by hart
  sc_core::sc_event next_{"next"};
  bool somebody_acts_ = false;  // a hart or a device: what follows is arranged when it is done
};

}  // namespace hvsim::sim
