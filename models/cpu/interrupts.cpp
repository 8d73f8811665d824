// Interrupts: what is pending, what is taken, when timers come due (privileged manual, "mip and mie",
// H extension "Hypervisor Interrupt Registers", and Sstc).
#include "models/cpu/interrupts.h"

#include <algorithm>
#include <array>
#include <limits>

#include "models/cpu/csr_fields.h"

namespace hvsim::cpu {
namespace {

using isa::Interrupt;

constexpr isa::Cycles kNever = std::numeric_limits<isa::Cycles>::max();

// A comparison that drives a pending bit: true when `now` has reached `compare`.
struct Timer {
  Interrupt interrupt;
  bool on;
  std::uint64_t now, compare;
  bool due() const { return on && now >= compare; }
};

std::array<Timer, 3> timers(const HartState& hart) {
  const std::uint64_t time = hart.time();
  const CsrState& c = hart.csr;
  return {{{Interrupt::machine_timer, true, time, hart.mtimecmp},
           {Interrupt::supervisor_timer, supervisor_timer_compares(hart), time, c.stimecmp},
           {Interrupt::virtual_supervisor_timer, virtual_timer_compares(hart), time + c.htimedelta,
            c.vstimecmp}}};
}

// The first cycle of the tick that lies `ticks` after the current one.
isa::Cycles cycle_of_tick(const HartState& hart, std::uint64_t ticks) {
  const std::uint64_t current = hart.cycle / hart.cycles_per_tick;
  if (ticks > (kNever - 1) / hart.cycles_per_tick - current) return kNever;
  return (current + ticks) * hart.cycles_per_tick;
}

// Decreasing priority among interrupts for the same destination.
constexpr std::array<Interrupt, 11> kPriority{Interrupt::machine_external,
                                              Interrupt::machine_software,
                                              Interrupt::machine_timer,
                                              Interrupt::supervisor_external,
                                              Interrupt::supervisor_software,
                                              Interrupt::supervisor_timer,
                                              Interrupt::supervisor_guest_external,
                                              Interrupt::virtual_supervisor_external,
                                              Interrupt::virtual_supervisor_software,
                                              Interrupt::virtual_supervisor_timer,
                                              Interrupt::counter_overflow};

std::optional<isa::Trap> highest(std::uint64_t candidates) {
  for (Interrupt interrupt : kPriority)
    if ((candidates & bit(interrupt)) != 0)
      return isa::Trap{.interrupt = true, .code = static_cast<std::uint8_t>(interrupt)};
  return std::nullopt;
}

}  // namespace

std::uint64_t pending(const HartState& hart) {
  std::uint64_t software = hart.csr.mip;
  if (supervisor_timer_compares(hart)) software &= ~bit(Interrupt::supervisor_timer);
  std::uint64_t result = software | hart.csr.hvip | hart.lines;
  for (const Timer& timer : timers(hart))
    if (timer.due()) result |= bit(timer.interrupt);
  return result;
}

std::optional<isa::Trap> next_interrupt(const HartState& hart) { return next_interrupt(hart, pending(hart)); }

std::optional<isa::Trap> next_interrupt(const HartState& hart, std::uint64_t pending) {
  const std::uint64_t ready = pending & hart.csr.mie;
  if (ready == 0) return std::nullopt;

  const auto [privilege, virtualized] = hart.mode;
  const bool machine = privilege == isa::Privilege::machine;
  const bool supervisor = privilege == isa::Privilege::supervisor;
  const std::uint64_t delegated = effective_mideleg(hart);
  const std::uint64_t handed_on = delegated & hart.csr.hideleg;

  if (!machine || (hart.csr.mstatus & isa::csr::kMie) != 0)
    if (auto trap = highest(ready & ~delegated)) return trap;
  if (machine) return std::nullopt;
  if (virtualized || !supervisor || (hart.csr.mstatus & isa::csr::kSie) != 0)
    if (auto trap = highest(ready & delegated & ~handed_on)) return trap;
  if (virtualized && (!supervisor || (hart.csr.vsstatus & isa::csr::kSie) != 0))
    return highest(ready & handed_on);
  return std::nullopt;
}

isa::Cycles next_timer_cycle(const HartState& hart) {
  isa::Cycles earliest = kNever;
  for (const Timer& timer : timers(hart))
    if (timer.on && !timer.due() && (hart.csr.mie & bit(timer.interrupt)) != 0)
      earliest = std::min(earliest, cycle_of_tick(hart, timer.compare - timer.now));
  return earliest;
}

std::optional<isa::Cycles> timer_due_since(const HartState& hart, isa::Interrupt interrupt) {
  const std::uint64_t tick = hart.cycle / hart.cycles_per_tick;
  for (const Timer& timer : timers(hart))
    if (timer.interrupt == interrupt && timer.due())
      return (tick - std::min(tick, timer.now - timer.compare)) * hart.cycles_per_tick;
  return std::nullopt;
}

bool wfi_wakes(const HartState& hart) { return (pending(hart) & hart.csr.mie) != 0; }

}  // namespace hvsim::cpu
