// Answers to what is asked of a machine that stands still, and what may be changed then.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "hypervisor/abi/hypercall.h"
#include "sim/gdb/hypervisor_memory.h"
#include "sim/gdb/memory.h"
#include "sim/gdb/vcpus.h"
#include "sim/json_document.h"
#include "sim/machine.h"
#include "sim/symbols.h"

namespace hvsim::session {

using sim::Json;

class Inspector {
 public:
  using Answer = isa::Result<Json, std::string>;

  // `hypervisor`: nothing if none of ours runs. `console`: what has been printed so far.
  Inspector(sim::Machine& machine, const sim::Config& config, sim::Symbols symbols,
            std::optional<gdb::HypervisorMemory> hypervisor, const gdb::LeftGuests& left,
            const std::string& console);

  // A command by its name in "do". Throws what JSON throws if a key is missing.
  Answer look(const Json& request);
  // Such a command makes this another run than it would have been.
  static bool changes(const Json& request);

  Json state() const;  // of all harts
  Json explain_trap(const cpu::HartState& hart, const cpu::TrapSeen& seen) const;
  const sim::Config& config() const { return config_; }

 private:
  // Whose registers and addresses: a hart's or a VCPU's.
  struct Who {
    std::optional<unsigned> hart;
    std::optional<unsigned> vcpu;
  };
  isa::Result<Who, std::string> who(const Json& request) const;
  isa::Result<std::uint32_t, std::string> vm(const Json& request) const;
  cpu::HartState registers_of(const Who& who) const;
  std::string no_vcpus() const;  // why; empty: they are there

  // inspector.cpp
  Answer get_state(const Json& request);
  Answer find_symbol(const Json& request);
  Answer get_console(const Json& request);
  Answer type(const Json& request);
  Json hart_state(unsigned hart) const;
  Json place(const cpu::HartState& state, std::uint32_t vm) const;
  // inspect_registers.cpp
  Answer read_registers(const Json& request);
  Answer write_register(const Json& request);
  // inspect_memory.cpp
  Answer read_memory(const Json& request);
  Answer write_memory(const Json& request);
  Answer translate(const Json& request);
  // inspect_hypervisor.cpp
  Answer get_vcpus(const Json& request);
  Answer get_queue(const Json& request);
  template <class T>
  T value_at(std::uint64_t address) const {
    T value{};
    if (const std::uint8_t* there = hypervisor_->at(address, sizeof value))
      std::memcpy(&value, there, sizeof value);
    return value;
  }
  Json ring_calls(std::uint32_t vm, std::uint32_t vcpu, const hv::abi::RingIndices& indices) const;
  Json queue_json(std::uint64_t at, std::optional<std::uint32_t> of_vm) const;
  // inspect_pages.cpp
  struct Leaf {  // of a stage-two table
    std::uint64_t guest = 0, physical = 0, bytes = 0, pte = 0;
  };
  Answer get_stage_two(const Json& request);
  Answer get_memory_map(const Json& request);
  void walk_table(std::uint64_t table, unsigned level, std::uint64_t base,
                  const std::function<void(const Leaf&)>& visit) const;
  void for_each_leaf(std::uint32_t vm, const std::function<void(const Leaf&)>& visit) const;
  std::uint64_t physical_of(std::uint32_t vm, std::uint64_t guest) const;
  static const char* page_state(const Leaf& leaf, const hv::Inspection& seen);

  sim::Machine& machine_;
  const sim::Config& config_;
  sim::Symbols symbols_;
  gdb::DebugMemory memory_;
  std::optional<gdb::HypervisorMemory> hypervisor_;
  std::optional<gdb::Vcpus> vcpus_;
  const std::string& console_;
};

}  // namespace hvsim::session
