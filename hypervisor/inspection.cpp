// The places of what a debugger wants to see.
#include "hypervisor/inspection.h"

#include <cstddef>

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

Inspection::QueueLayout DlhQueue::inspect_layout() {
  return {.calls = offsetof(DlhQueue, calls_),
          .owners = offsetof(DlhQueue, owners_),
          .capacity = offsetof(DlhQueue, limits_.capacity),
          .appended = offsetof(DlhQueue, appended_),
          .finished = offsetof(DlhQueue, finished_),
          .draining = offsetof(DlhQueue, draining_)};
}

Inspection Hypervisor::inspect() const {
  const bool has_zero = frames_.has_zero();
  return {.mark = Inspection::kMark,
          .version = Inspection::kVersion,
          .vcpu_bytes = sizeof(Vcpu),
          .vcpus = column(vcpus_[0], sizeof vcpus_[0], vcpu_count_),
          .vcpu_states = scheduler_.inspect_states(),
          .loaded = column(harts_[0].loaded, sizeof harts_[0], harts_.size()),
          .vm_states = column(vms_[0].state, sizeof vms_[0], vm_count_),
          .vm_roots = column(vms_[0].table.inspect_root(), sizeof vms_[0], vm_count_),
          .vm_shared_pages = column(vms_[0].shared_page, sizeof vms_[0], vm_count_),
          .vm_completed = column(vms_[0].completed, sizeof vms_[0], vm_count_),
          .vm_deferred = column(vms_[0].deferred, sizeof vms_[0], vm_count_),
          .vm_queues = column(vms_[0].queue, sizeof vms_[0], vm_count_),
          .hart_queues = column(hart_queues_[0], sizeof hart_queues_[0], hart_queues_.size()),
          .queue = DlhQueue::inspect_layout(),
          .zero_block = has_zero ? frames_.zero_block().value : 0,
          .zero_bytes = has_zero ? bytes(PageRun::block) : 0};
}

}  // namespace hv
