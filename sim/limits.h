// Where a run stops: asked after each turn of each hart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/state/archive_forward.h"
#include "sim/config.h"
#include "sim/machine.h"
#include "sim/simulation.h"
#include "sim/statistics.h"
#include "sim/watchdog.h"

namespace hvsim::sim {

class Limits {
 public:
  // Under a debugger, harts that go round in circles wait for Ctrl-C.
  Limits(Machine& machine, const LimitsConfig& limits, Progress& progress, bool debugged)
      : machine_(machine),
        limits_(limits),
        progress_(progress),
        watchdog_(machine, debugged ? 0 : limits.watchdog_cycles) {}

  bool reached(unsigned hart, cpu::Stop why);
  void unexpected_trap(unsigned hart);
  void stop(StopReason why) { stop_ = why; }

  std::optional<StopReason> stop() const { return stop_; }
  const std::string& trap() const { return trap_; }

  // How far the machine has come: the hart that is furthest, and all together.
  isa::Cycles now() const { return now_; }
  std::uint64_t retired() const { return retired_; }

  // Load it before the harts' models.
  void persist(state::Archive& archive);

 private:
  Machine& machine_;
  LimitsConfig limits_;
  Progress& progress_;
  Watchdog watchdog_;
  std::uint64_t asked_ = 0;
  isa::Cycles now_ = 0;
  std::uint64_t retired_ = 0;
  std::optional<StopReason> stop_;
  std::string trap_;
};

}  // namespace hvsim::sim
