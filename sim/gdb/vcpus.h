// The VCPUs of our hypervisor: where the registers of each are at any time, on a hart or in its memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/inspection.h"
#include "hypervisor/vcpu.h"
#include "sim/gdb/left_guests.h"
#include "sim/machine.h"

namespace hvsim::gdb {

class Vcpus {
 public:
  struct Name {
    std::uint32_t vm = 0, number = 0;
    friend bool operator==(const Name&, const Name&) = default;
  };
  // Where the hypervisor's own memory is on the host; null: it has none there.
  using Memory = std::function<std::uint8_t*(std::uint64_t address, std::uint64_t bytes)>;

  // `names`: those that will be there, by VcpuId. `inspection`: where the hypervisor tells of them.
  Vcpus(sim::Machine& machine, const LeftGuests& left, std::vector<Name> names, Memory memory,
        std::function<hv::Inspection()> inspection);

  unsigned count() const { return static_cast<unsigned>(names_.size()); }
  Name name(unsigned id) const { return names_[id]; }
  std::optional<unsigned> id(Name name) const;
  // The hypervisor has built these very VMs; before, nothing below but present() may be called.
  bool ready() const;

  // "VM linux, VCPU 1: waits for a hart"
  std::string describe(unsigned id, const std::string& vm) const;
  // The VCPU whose code a hart runs: V is 1.
  std::optional<unsigned> present(unsigned hart) const;
  std::optional<unsigned> running_on(unsigned id) const;  // the hart that does

  // The hart that it is or would be: its own registers, and those that say how its addresses are translated.
  cpu::HartState state(unsigned id) const;
  // False: there is no such register, it cannot be written, or a hart is just saving it.
  bool write(unsigned id, unsigned number, std::uint64_t value);

 private:
  struct Where {
    enum class General : std::uint8_t { hart, left, memory };
    std::optional<unsigned> hart;  // that runs it, or the hypervisor on its behalf
    General general = General::memory;
    bool vs_on_hart = false;  // and else in memory
    bool fp_on_hart = false;
  };
  Where where(unsigned id) const;
  bool loaded_on(unsigned id, unsigned hart) const;
  hv::Vcpu& vcpu(unsigned id) const;
  hv::Inspection::VcpuState scheduled(unsigned id) const;
  void store(unsigned id, const Where& where, const cpu::HartState& state);

  sim::Machine& machine_;
  const LeftGuests& left_;
  std::vector<Name> names_;
  Memory memory_;
  std::function<hv::Inspection()> inspection_;
};

// Those that a config asks for, by VcpuId.
std::vector<Vcpus::Name> vcpu_names(const sim::Config& config);

}  // namespace hvsim::gdb
