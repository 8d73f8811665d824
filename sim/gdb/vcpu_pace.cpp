// A step through the hypervisor and back.
#include "sim/gdb/vcpu_pace.h"

#include <algorithm>
#include <utility>

namespace hvsim::gdb {
namespace {

// An exit that the hypervisor handles at once takes fewer; in longer ones others get the hart.
constexpr unsigned kMostStepsInPlace = 20'000;

}  // namespace

VcpuPace::VcpuPace(VcpuTarget& target) : target_(target), harts_(target.machine().harts(), Go::run) {
  target_.arm_points();
  target_.await_any();
}

ThreadId VcpuPace::present(unsigned hart) const {
  if (const auto here = target_.all().present(hart)) return VcpuTarget::thread_of(*here);
  for (unsigned id = 0; id < target_.all().count(); ++id)
    if (target_.all().running_on(id)) return VcpuTarget::thread_of(id);
  return 1;
}

std::optional<StopReport> VcpuPace::ran(unsigned hart, cpu::Stop why) {
  const auto here = target_.all().present(hart);
  StopReport report{.thread = present(hart)};
  const bool stepped = harts_[hart] == Go::step;
  switch (why) {
    case cpu::Stop::breakpoint:
      target_.await_nobody();
      if (step_ && here == step_->vcpu) return came_back(hart);
      report.breakpoint = here && target_.at_breakpoint(*here);
      if (!report.breakpoint || !held(*here)) break;
      harts_[hart] = Go::step;  // over it, and on
      wait_for_step();
      return std::nullopt;
    case cpu::Stop::watchpoint:
      report.watch = target_.machine().hart(hart).take_watch_hit();
      if (here && held(*here)) return std::nullopt;
      break;
    case cpu::Stop::synchronize:
      return std::nullopt;  // the instruction has not happened yet
    default:
      if (!stepped) return std::nullopt;
      harts_[hart] = Go::run;
      if (step_ && here == step_->vcpu) break;
      wait_for_step();
      return std::nullopt;
  }
  harts_[hart] = Go::run;
  step_.reset();
  return report;
}

// The hypervisor may have sent it back to the very instruction that made it leave.
std::optional<StopReport> VcpuPace::came_back(unsigned hart) {
  if (target_.all().state(step_->vcpu).pc == step_->pc) {
    harts_[hart] = Go::step;
    return std::nullopt;
  }
  const StopReport report{.thread = VcpuTarget::thread_of(step_->vcpu),
                          .breakpoint = target_.at_breakpoint(step_->vcpu)};
  step_.reset();
  return report;
}

std::optional<StopReport> VcpuPace::go(const std::vector<Go>& threads) {
  release();
  threads_ = threads;
  const auto found = std::ranges::find(threads, Go::step);
  if (found == threads.end()) return std::nullopt;
  target_.disturb();
  const auto id = static_cast<unsigned>(found - threads.begin());
  step_ = Step{.vcpu = id, .pc = target_.all().state(id).pc};
  const auto hart = target_.all().running_on(id);
  if (!hart || target_.machine().shell(*hart).asleep) {
    wait_for_step();
    return std::nullopt;
  }
  if (far_ahead(target_.machine(), *hart)) {
    harts_[*hart] = Go::step;
    return std::nullopt;
  }
  return step_in_place(*hart);
}

// As long as the hart does nothing but what the step asks for, nobody else need move.
std::optional<StopReport> VcpuPace::step_in_place(unsigned hart) {
  sim::Machine& machine = target_.machine();
  StopReport report{.thread = VcpuTarget::thread_of(step_->vcpu)};
  for (unsigned steps = 0; steps < kMostStepsInPlace; ++steps) {
    const bool was_inside = target_.all().present(hart).has_value();
    const cpu::Stop why = step_now(machine, hart);
    if (machine.finished()) return std::nullopt;
    if (why == cpu::Stop::watchpoint) {
      report.watch = machine.hart(hart).take_watch_hit();
      step_.reset();
      return report;
    }
    const auto here = target_.all().present(hart);
    if (here == step_->vcpu && (was_inside || machine.hart(hart).hart_state().pc != step_->pc)) {
      step_.reset();
      return report;
    }
    const bool others = here && here != step_->vcpu;
    if (others || why == cpu::Stop::hypervisor || machine.shell(hart).asleep) break;
  }
  wait_for_step();
  return std::nullopt;
}

void VcpuPace::wait_for_step() {
  if (step_) target_.await(step_->vcpu);
}

// GDB takes a stop of a thread that it did not let go for an error of the stub.
bool VcpuPace::held(unsigned vcpu) const { return vcpu < threads_.size() && threads_[vcpu] == Go::stay; }

void VcpuPace::release() {
  std::ranges::fill(harts_, Go::run);
  threads_.clear();
  step_.reset();
  target_.await_nobody();
}

}  // namespace hvsim::gdb
