// Harts as threads.
#include "sim/gdb/target.h"

#include <algorithm>
#include <utility>

#include "sim/gdb/registers.h"
#include "sim/statistics_names.h"

namespace hvsim::gdb {

Target::Target(sim::Machine& machine, std::vector<std::string> vms)
    : machine_(machine), vms_(std::move(vms)), memory_(machine.memory()) {}

std::vector<ThreadId> Target::threads() const {
  std::vector<ThreadId> all;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) all.push_back(thread_of(hart));
  return all;
}

const std::string& Target::vm_name(std::uint32_t vm) const {
  static const std::string unknown = "?";
  return vm < vms_.size() ? vms_[vm] : unknown;
}

std::string Target::describe(ThreadId thread) const {
  const unsigned hart = hart_of(thread);
  std::string text =
      "hart " + std::to_string(hart) + ", " + std::string(sim::mode_name(state(thread).mode)) + "-mode";
  const cpu::CellKey& now = machine_.hart(hart).accountant().now();
  if (now.vm != cpu::kNoVm) text += ", VM " + vm_name(now.vm) + ", VCPU " + std::to_string(now.vcpu);
  if (machine_.shell(hart).asleep) text += ", asleep in WFI";
  return text;
}

std::optional<std::uint64_t> Target::read_register(ThreadId thread, unsigned number) const {
  return gdb::read_register(state(thread), number);
}

bool Target::write_register(ThreadId thread, unsigned number, std::uint64_t value) {
  const unsigned hart = hart_of(thread);
  if (!gdb::write_register(machine_.hart(hart).hart_state(), number, value)) return false;
  disturbed_ = true;
  machine_.hart(hart).state_changed();
  if (number == kPcRegister) machine_.shell(hart).asleep = false;
  machine_.wake(hart);
  return true;
}

std::string Target::description() const { return target_xml(machine_.hart(0).hart_state()); }

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
  return memory_.read(state(thread_of(0)), Space::physical, address, bytes);
}

bool Target::insert_breakpoint(std::uint64_t address) {
  if (points_.breaks_at(address)) return false;
  points_.breakpoints.push_back(address);
  return true;
}

bool Target::remove_breakpoint(std::uint64_t address) {
  return std::erase(points_.breakpoints, address) != 0;
}

bool Target::insert_watchpoint(const cpu::Watchpoint& point) {
  if (std::ranges::find(points_.watchpoints, point) != points_.watchpoints.end()) return false;
  points_.watchpoints.push_back(point);
  return true;
}

bool Target::remove_watchpoint(const cpu::Watchpoint& point) {
  return std::erase(points_.watchpoints, point) != 0;
}

void Target::remove_points() {
  points_.breakpoints.clear();
  points_.watchpoints.clear();
}

void Target::arm_points() {
  std::ranges::sort(points_.breakpoints);
  points_.changed();
  if (points_ == armed_) return;
  armed_ = points_;
  disturbed_ = true;  // blocks are cut at points, which may move cycles by a few
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) machine_.hart(hart).set_debug_points(&armed_);
}

}  // namespace hvsim::gdb
