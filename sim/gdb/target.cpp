// What all views have in common: memory and points.
#include "sim/gdb/target.h"

#include <algorithm>
#include <utility>

#include "sim/statistics_names.h"

namespace hvsim::gdb {

Target::Target(sim::Machine& machine, std::vector<std::string> vms)
    : machine_(machine), vms_(std::move(vms)), memory_(machine.memory()) {}

const std::string& Target::vm_name(std::uint32_t vm) const {
  static const std::string unknown = "?";
  return vm < vms_.size() ? vms_[vm] : unknown;
}

std::optional<std::uint32_t> Target::vm_of(std::string_view name) const {
  const auto found = std::ranges::find(vms_, name);
  if (found == vms_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - vms_.begin());
}

std::string Target::describe_hart(unsigned hart) const {
  std::string text = "hart " + std::to_string(hart) + ", " +
                     std::string(sim::mode_name(machine_.hart(hart).hart_state().mode)) + "-mode";
  const cpu::CellKey& now = machine_.hart(hart).accountant().now();
  if (now.vm != cpu::kNoVm) text += ", VM " + vm_name(now.vm) + ", VCPU " + std::to_string(now.vcpu);
  if (machine_.shell(hart).asleep) text += ", asleep in WFI";
  return text;
}

std::string Target::read_memory(ThreadId thread, std::uint64_t address, std::uint64_t bytes) const {
  return memory_.read(state(thread), space, address, bytes);
}

bool Target::write_memory(ThreadId thread, std::uint64_t address, std::string_view bytes) {
  if (!memory_.write(state(thread), space, address, bytes)) return false;
  disturbed_ = true;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) machine_.hart(hart).code_changed();
  return true;
}

std::string Target::explain(ThreadId thread, std::uint64_t address) const {
  return memory_.explain(state(thread), space, address);
}

std::string Target::read_physical(std::uint64_t address, std::uint64_t bytes) const {
  return memory_.read(machine_.hart(0).hart_state(), Space::physical, address, bytes);
}

bool Target::insert_breakpoint(const cpu::Breakpoint& point) {
  if (std::ranges::find(points_.breakpoints, point) != points_.breakpoints.end()) return false;
  points_.breakpoints.push_back(point);
  return true;
}

// By the address: whom it stopped may have been chosen anew since.
bool Target::remove_breakpoint(std::uint64_t pc) {
  return std::erase_if(points_.breakpoints, [pc](const cpu::Breakpoint& b) { return b.pc == pc; }) != 0;
}

bool Target::insert_watchpoint(const cpu::Watchpoint& point) {
  if (std::ranges::find(points_.watchpoints, point) != points_.watchpoints.end()) return false;
  points_.watchpoints.push_back(point);
  return true;
}

bool Target::remove_watchpoint(cpu::Watchpoint point) {
  return std::erase_if(points_.watchpoints, [&point](const cpu::Watchpoint& other) {
           point.whose = other.whose;
           return point == other;
         }) != 0;
}

void Target::remove_points() {
  points_.breakpoints.clear();
  points_.watchpoints.clear();
}

void Target::arm_points() {
  std::ranges::sort(points_.breakpoints);
  points_.changed();
  if (points_ == armed_) return;
  // Blocks are cut at points, which may move cycles by a few.
  if (points_.breakpoints != armed_.breakpoints || points_.watchpoints != armed_.watchpoints)
    disturbed_ = true;
  armed_ = points_;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) machine_.hart(hart).set_debug_points(&armed_);
}

}  // namespace hvsim::gdb
