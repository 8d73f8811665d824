// Notices that a machine goes round in circles, by a rule that is a proof: it has no false alarms.
//
// A hart goes round when it comes back to a state in which it was before (mode, pc, registers and CSRs, all
// but the counters) while on no hart
//   - a store changed memory (one that writes what was there is none),
//   - a device was accessed or an interrupt taken, or the host hypervisor entered,
//   - a counter, the time or the pending interrupts were read,
// and no timer is armed, no counter may overflow into an interrupt, and no device has work to do. Memory then
// is constant, so that each hart that goes round will do so for ever; when all do, or sleep, nothing will
// ever happen. A loop that polls a device or the time, or waits for a timer or another hart that works,
// breaks the rule.
//
// The proof makes stores slow, so that it is tried only after a quiet period, and when cheap comparisons at
// the ends of runs have found that all harts come back to old states.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/cpu/debug_points.h"
#include "models/state/archive_forward.h"
#include "sim/machine.h"

namespace hvsim::sim {

class Watchdog {
 public:
  // `period`: cycles without device accesses and interrupts before anybody is suspected; 0: never.
  Watchdog(Machine& machine, isa::Cycles period)
      : machine_(machine), period_(period), tracks_(machine.harts()) {}
  ~Watchdog() { retreat(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Call between runs, after each. True: nothing will ever happen.
  bool ran(unsigned hart, cpu::Stop why);
  // Load it before the harts' models.
  void persist(state::Archive& archive);

 private:
  enum class Phase : std::uint8_t { quiet, suspicion, proof };
  struct Track {
    cpu::HartState reference;
    bool has_reference = false, comes_back = false;
    std::uint64_t runs = 0, patience = 1;
    void persist(state::Archive& archive);
  };

  bool active(cpu::Stop why);  // something happened since the last call
  bool something_is_due() const;
  void compare(unsigned hart);
  bool all_come_back() const;
  void begin_proof();
  void retreat();

  Machine& machine_;
  isa::Cycles period_;
  std::vector<Track> tracks_;
  cpu::ProgressWitness witness_;
  Phase phase_ = Phase::quiet;
  std::uint64_t events_ = 0;  // device accesses and interrupts so far
  isa::Cycles quiet_since_ = 0;
};

// For people: pc, mode and what it waits for, of each hart.
std::string where_harts_stand(const Machine& machine, const std::vector<std::string>& symbols);

}  // namespace hvsim::sim
