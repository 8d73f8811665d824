// VCPUs as threads: what guests are to their debugger, as if there were no hypervisor.
#pragma once

#include <string>
#include <vector>

#include "sim/gdb/target.h"
#include "sim/gdb/vcpus.h"

namespace hvsim::gdb {

class VcpuTarget final : public Target {
 public:
  VcpuTarget(sim::Machine& machine, std::vector<std::string> vms, Vcpus& vcpus);

  std::size_t threads() const override { return vcpus_.count(); }
  std::string describe(ThreadId thread) const override;
  std::uint32_t everybody() const override { return cpu::kAnyGuest; }
  std::optional<std::uint64_t> read_register(ThreadId thread, unsigned number) const override;
  bool write_register(ThreadId thread, unsigned number, std::uint64_t value) override;
  std::string description() const override;
  std::string vcpus() const override;

  static unsigned id_of(ThreadId thread) { return static_cast<unsigned>(thread - 1); }
  static ThreadId thread_of(unsigned id) { return id + 1; }
  const Vcpus& all() const { return vcpus_; }

  // The harts stop before the first instruction of this VCPU, or of any.
  void await(unsigned id);
  void await_any() { Target::await(cpu::DebugPoints::Awaited{}); }
  void await_nobody() { Target::await(std::nullopt); }
  bool at_breakpoint(unsigned id) const;

 private:
  cpu::HartState state(ThreadId thread) const override { return vcpus_.state(id_of(thread)); }
  Vcpus& vcpus_;
};

}  // namespace hvsim::gdb
