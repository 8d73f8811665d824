// Harts as threads.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/gdb/target.h"
#include "sim/gdb/vcpus.h"

namespace hvsim::gdb {

class HartTarget final : public Target {
 public:
  // `vcpus`: null if no hypervisor of ours runs.
  HartTarget(sim::Machine& machine, std::vector<std::string> vms, const Vcpus* vcpus = nullptr)
      : Target(machine, std::move(vms)), vcpus_(vcpus) {}

  std::size_t threads() const override { return machine().harts(); }
  std::string describe(ThreadId thread) const override { return describe_hart(hart_of(thread)); }
  std::uint32_t everybody() const override { return cpu::kEverybody; }
  std::optional<std::uint64_t> read_register(ThreadId thread, unsigned number) const override;
  bool write_register(ThreadId thread, unsigned number, std::uint64_t value) override;
  std::string description() const override;
  std::string vcpus() const override;

  static unsigned hart_of(ThreadId thread) { return static_cast<unsigned>(thread - 1); }
  static ThreadId thread_of(unsigned hart) { return hart + 1; }

 private:
  cpu::HartState state(ThreadId thread) const override {
    return machine().hart(hart_of(thread)).hart_state();
  }
  const Vcpus* vcpus_;
};

}  // namespace hvsim::gdb
