// Simulated time: gives harts their turns, one at a time, and lets devices keep their appointments.
//
// A hart that is next again goes on at once, ahead of SystemC's time (temporal decoupling, IEEE 1666-2011,
// "Loosely-timed coding style"): nobody else would act in between. now() is the time of whoever acts.
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
  isa::Cycles now() const { return now_; }

  // Called between two turns, when all harts wait; then no hart goes on at once. False: the simulation ends.
  void between_turns(std::function<bool()> call) { between_turns_ = std::move(call); }

 private:
  void give();
  void arrange();  // the next give()
  bool goes_on(unsigned hart) const;
  isa::Cycles in_systemc() const { return sc_core::sc_time_stamp().value() / period_.value(); }

  Turns& turns_;
  Agenda& agenda_;
  sc_core::sc_time period_;  // of one cycle
  std::function<bool()> between_turns_;
  std::vector<std::unique_ptr<sc_core::sc_event>> begun_;  // by hart
  sc_core::sc_event next_{"next"};
  isa::Cycles now_ = 0;
  bool begun_all_ = false;      // every hart's thread has begun, and waits for its first turn
  bool somebody_acts_ = false;  // a hart or a device: what follows is arranged when it is done
};

}  // namespace hvsim::sim
