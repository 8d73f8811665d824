// Where whoever looks in from outside (a debugger) finds each VCPU: the hypervisor fills in one of these when
// its VMs are built, and never looks at it again. Only plain numbers, so that both builds lay it out alike.
#pragma once

#include <cstdint>

namespace hv {

struct Inspection {
  static constexpr std::uint64_t kMark = 0x5055'4356'4D49'5348;  // "HSIMVCUP": the rest is filled in
  static constexpr std::uint32_t kVersion = 1;  // counts changes of this struct and its meaning

  // One member of each element of an array.
  struct Column {
    std::uint64_t address = 0;  // of the first element's
    std::uint32_t stride = 0;
    std::uint32_t count = 0;
    std::uint64_t at(std::uint64_t index) const { return address + index * stride; }
  };

  // As the scheduler has it.
  enum class VcpuState : std::uint8_t { stopped, ready, running, blocking, blocked, stopping, parked };

  std::uint64_t mark = 0;  // kMark: boot is over
  std::uint32_t version = kVersion;
  std::uint32_t vcpu_bytes = 0;  // sizeof(Vcpu), which whoever reads must have the same of
  Column vcpus;                  // hv::Vcpu, by VcpuId; only those that exist
  Column vcpu_states;            // VcpuState, by VcpuId
  Column loaded;                 // VcpuId, by hart: whose VS registers its CSRs hold
};
static_assert(sizeof(Inspection) == 64);

}  // namespace hv
