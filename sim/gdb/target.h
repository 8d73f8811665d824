// The machine as a debugger sees it: threads with registers, and memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/debug_points.h"
#include "sim/gdb/memory.h"
#include "sim/machine.h"

namespace hvsim::gdb {

using ThreadId = std::uint64_t;  // as GDB counts them: from 1

class Target {
 public:
  // `vms`: their names, by the numbers that the machine's marks use.
  Target(sim::Machine& machine, std::vector<std::string> vms);

  std::vector<ThreadId> threads() const;
  bool alive(ThreadId thread) const { return thread >= 1 && thread <= machine_.harts(); }
  std::string describe(ThreadId thread) const;  // "hart 0, VS-mode, VM linux, VCPU 1, asleep"
  unsigned hart_of(ThreadId thread) const { return static_cast<unsigned>(thread - 1); }
  static ThreadId thread_of(unsigned hart) { return hart + 1; }

  std::optional<std::uint64_t> read_register(ThreadId thread, unsigned number) const;
  bool write_register(ThreadId thread, unsigned number, std::uint64_t value);
  std::string description() const;  // target.xml

  std::string read_memory(ThreadId thread, std::uint64_t address, std::uint64_t bytes) const;
  bool write_memory(ThreadId thread, std::uint64_t address, std::string_view bytes);
  std::string explain(ThreadId thread, std::uint64_t address) const;
  std::string read_physical(std::uint64_t address, std::uint64_t bytes) const;

  Space space = Space::current;  // whose addresses the debugger's are

  // True: the list has changed.
  bool insert_breakpoint(std::uint64_t address);
  bool remove_breakpoint(std::uint64_t address);
  bool insert_watchpoint(const cpu::Watchpoint& point);
  bool remove_watchpoint(const cpu::Watchpoint& point);
  void remove_points();
  // Tells the harts of what has changed since the last call. GDB takes all points away at each stop.
  void arm_points();
  const std::vector<cpu::Watchpoint>& watchpoints() const { return points_.watchpoints; }

  sim::Machine& machine() { return machine_; }
  const sim::Machine& machine() const { return machine_; }
  const std::string& vm_name(std::uint32_t vm) const;
  // Whether the debugger has made this another run than it would have been.
  bool disturbed() const { return disturbed_; }
  void disturb() { disturbed_ = true; }

 private:
  const cpu::HartState& state(ThreadId thread) const { return machine_.hart(hart_of(thread)).hart_state(); }

  sim::Machine& machine_;
  std::vector<std::string> vms_;
  DebugMemory memory_;
  cpu::DebugPoints points_, armed_;
  bool disturbed_ = false;
};

}  // namespace hvsim::gdb
