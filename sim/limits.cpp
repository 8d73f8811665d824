// The config's limits, and those that a machine sets itself.
#include "sim/limits.h"

#include <algorithm>
#include <cstdio>

#include "models/state/archive.h"

namespace hvsim::sim {

bool Limits::reached(unsigned hart, cpu::Stop why) {
  if (stop_) return true;
  if (watchdog_.ran(hart, why)) stop_ = StopReason::no_progress;
  now_ = retired_ = 0;
  for (unsigned i = 0; i < machine_.harts(); ++i) {
    now_ = std::max(now_, machine_.hart(i).hart_state().cycle);
    retired_ += machine_.hart(i).hart_state().retired;
  }
  if (++asked_ % 64 == 0) progress_.advanced(now_, retired_);
  if (limits_.max_cycles != 0 && now_ >= limits_.max_cycles) stop_ = StopReason::cycle_limit;
  if (limits_.max_instructions != 0 && retired_ >= limits_.max_instructions)
    stop_ = StopReason::instruction_limit;
  return stop_.has_value();
}

void Limits::unexpected_trap(unsigned hart) {
  const cpu::HartState& state = machine_.hart(hart).hart_state();
  char text[160];
  std::snprintf(text, sizeof text,
                "hart %u: the M-mode trap handler at 0x%llx traps itself: mcause %llu, mtval 0x%llx", hart,
                static_cast<unsigned long long>(state.pc), static_cast<unsigned long long>(state.csr.mcause),
                static_cast<unsigned long long>(state.csr.mtval));
  stop_ = StopReason::unexpected_trap;
  trap_ = text;
}

void Limits::persist(state::Archive& archive) { archive(watchdog_); }

}  // namespace hvsim::sim
