// Steps, and harts that stand still meanwhile.
#include "sim/gdb/hart_pace.h"

#include <algorithm>
#include <utility>

namespace hvsim::gdb {

bool far_ahead(const sim::Machine& machine, unsigned hart) {
  const isa::Cycles mine = machine.hart(hart).hart_state().cycle;
  for (unsigned other = 0; other < machine.harts(); ++other) {
    const isa::Cycles theirs = machine.hart(other).hart_state().cycle;
    if (other != hart && !machine.shell(other).asleep && mine > theirs + machine.config().quantum_cycles)
      return true;
  }
  return false;
}

cpu::Stop step_now(sim::Machine& machine, unsigned hart) {
  const cpu::Stop why = machine.hart(hart).step(true).stop;
  machine.shell(hart).in_step = false;
  if (why == cpu::Stop::wait_for_interrupt) machine.shell(hart).asleep = true;
  return why;
}

std::optional<StopReport> HartPace::before(unsigned hart) {
  if (over_hypervisor_ != hart) return std::nullopt;
  over_hypervisor_.reset();
  return StopReport{.thread = present(hart)};
}

std::optional<StopReport> HartPace::ran(unsigned hart, cpu::Stop why) {
  StopReport report{.thread = present(hart)};
  switch (why) {
    case cpu::Stop::breakpoint:
      report.breakpoint = true;
      return report;
    case cpu::Stop::watchpoint:
      report.watch = target_.machine().hart(hart).take_watch_hit();
      return report;
    case cpu::Stop::synchronize:
      return std::nullopt;  // the instruction has not happened yet
    case cpu::Stop::hypervisor:
      if (harts_[hart] == Go::step) over_hypervisor_ = hart;
      return std::nullopt;
    default:
      return harts_[hart] == Go::step ? std::optional(report) : std::nullopt;
  }
}

std::optional<StopReport> HartPace::go(const std::vector<Go>& threads) {
  if (auto report = step_in_place(threads)) return report;
  let_go(threads);
  return std::nullopt;
}

std::optional<StopReport> HartPace::step_in_place(const std::vector<Go>& harts) {
  sim::Machine& machine = target_.machine();
  const auto found = std::ranges::find(harts, Go::step);
  if (found == harts.end()) return std::nullopt;
  const auto hart = static_cast<unsigned>(found - harts.begin());
  const bool alone = std::ranges::count(harts, Go::stay) + 1 == static_cast<std::ptrdiff_t>(harts.size());
  StopReport report{.thread = present(hart)};
  if (machine.shell(hart).asleep) return alone && harts.size() > 1 ? std::optional(report) : std::nullopt;
  if (!alone && far_ahead(machine, hart)) return std::nullopt;
  target_.disturb();
  const cpu::Stop why = step_now(machine, hart);
  if (why == cpu::Stop::watchpoint) report.watch = machine.hart(hart).take_watch_hit();
  if (machine.finished()) return std::nullopt;
  if (why != cpu::Stop::hypervisor) return report;
  over_hypervisor_ = hart;
  return std::nullopt;
}

void HartPace::let_go(const std::vector<Go>& harts) {
  for (unsigned hart = 0; hart < harts.size(); ++hart) {
    const bool stayed = std::exchange(harts_[hart], harts[hart]) == Go::stay;
    if (harts[hart] != Go::run) target_.disturb();
    if (stayed && harts[hart] != Go::stay) target_.machine().wake(hart);
  }
}

void HartPace::release() {
  over_hypervisor_.reset();
  let_go(std::vector<Go>(harts_.size(), Go::run));
}

}  // namespace hvsim::gdb
