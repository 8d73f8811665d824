// The machine as a debugger sees it: threads with registers, and memory. What the threads are depends on the
// view: harts (hart_target.h) or VCPUs (vcpu_target.h).
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
  virtual ~Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  virtual std::size_t threads() const = 0;
  bool alive(ThreadId thread) const { return thread >= 1 && thread <= threads(); }
  virtual std::string describe(ThreadId thread) const = 0;

  virtual std::optional<std::uint64_t> read_register(ThreadId thread, unsigned number) const = 0;
  virtual bool write_register(ThreadId thread, unsigned number, std::uint64_t value) = 0;
  virtual std::string description() const = 0;  // target.xml
  virtual std::string vcpus() const = 0;        // one line for each; empty: none are known

  std::string read_memory(ThreadId thread, std::uint64_t address, std::uint64_t bytes) const;
  bool write_memory(ThreadId thread, std::uint64_t address, std::string_view bytes);
  std::string explain(ThreadId thread, std::uint64_t address) const;
  std::string read_physical(std::uint64_t address, std::uint64_t bytes) const;

  Space space = Space::current;  // whose addresses the debugger's are
  // Whom the points that it sets are to stop: all that the view shows, or one VM.
  std::uint32_t whose_points = cpu::kEverybody;
  virtual std::uint32_t everybody() const = 0;

  // True: the list has changed.
  bool insert_breakpoint(const cpu::Breakpoint& point);
  bool remove_breakpoint(std::uint64_t pc);
  bool insert_watchpoint(const cpu::Watchpoint& point);
  bool remove_watchpoint(cpu::Watchpoint point);
  void remove_points();
  // Tells the harts of what has changed since the last call. GDB takes all points away at each stop.
  void arm_points();
  const std::vector<cpu::Watchpoint>& watchpoints() const { return points_.watchpoints; }

  sim::Machine& machine() { return machine_; }
  const sim::Machine& machine() const { return machine_; }
  const std::string& vm_name(std::uint32_t vm) const;
  std::optional<std::uint32_t> vm_of(std::string_view name) const;
  std::string describe_hart(unsigned hart) const;  // "hart 0, VS-mode, VM linux, VCPU 1, asleep"
  // Whether the debugger has made this another run than it would have been.
  bool disturbed() const { return disturbed_; }
  void disturb() { disturbed_ = true; }

 protected:
  // Whose registers say how its addresses are translated.
  virtual cpu::HartState state(ThreadId thread) const = 0;
  // From the next arm_points() on, await() works.
  void follow_guests() { points_.follows_guests = true; }
  void await(std::optional<cpu::DebugPoints::Awaited> guest) { points_.awaited = armed_.awaited = guest; }
  bool breaks_at(std::uint64_t pc, std::uint32_t who) const { return armed_.breaks_at(pc, who); }

 private:
  sim::Machine& machine_;
  std::vector<std::string> vms_;
  DebugMemory memory_;
  cpu::DebugPoints points_, armed_;
  bool disturbed_ = false;
};

}  // namespace hvsim::gdb
