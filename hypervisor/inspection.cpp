// The places of what a debugger wants to see.
#include "hypervisor/inspection.h"

#include "hypervisor/hypervisor.h"

namespace hv {
namespace {

template <class Member>
Inspection::Column column(const Member& first, std::size_t stride, std::size_t count) {
  return {.address = reinterpret_cast<std::uint64_t>(&first),
          .stride = static_cast<std::uint32_t>(stride),
          .count = static_cast<std::uint32_t>(count)};
}

constexpr bool same(Scheduler::State ours, Inspection::VcpuState theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(sizeof(Scheduler::State) == sizeof(Inspection::VcpuState));
static_assert(same(Scheduler::State::stopped, Inspection::VcpuState::stopped) &&
              same(Scheduler::State::ready, Inspection::VcpuState::ready) &&
              same(Scheduler::State::running, Inspection::VcpuState::running) &&
              same(Scheduler::State::blocking, Inspection::VcpuState::blocking) &&
              same(Scheduler::State::blocked, Inspection::VcpuState::blocked) &&
              same(Scheduler::State::stopping, Inspection::VcpuState::stopping) &&
              same(Scheduler::State::parked, Inspection::VcpuState::parked));

}  // namespace

Inspection::Column Scheduler::inspect_states() const {
  return column(entities_[0].state, sizeof entities_[0], entities_.size());
}

Inspection Hypervisor::inspect() const {
  return {.mark = Inspection::kMark,
          .version = Inspection::kVersion,
          .vcpu_bytes = sizeof(Vcpu),
          .vcpus = column(vcpus_[0], sizeof vcpus_[0], vcpu_count_),
          .vcpu_states = scheduler_.inspect_states(),
          .loaded = column(harts_[0].loaded, sizeof harts_[0], harts_.size())};
}

}  // namespace hv
