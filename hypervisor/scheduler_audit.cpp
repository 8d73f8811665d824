// Whether the scheduler's tables agree with each other.
#include "hypervisor/bits.h"
#include "hypervisor/locked.h"
#include "hypervisor/scheduler.h"

namespace hv {
namespace {

constexpr std::uint64_t bit(unsigned hart) { return std::uint64_t{1} << hart; }

}  // namespace

bool Scheduler::audit(Arch& arch, Text& why) {
  const Locked locked(arch, lock_);
  std::array<Group, kMaxVms> groups{};
  const auto bad = [&](std::string_view what, unsigned number) {
    why.add("scheduler: ").add(what).add(" ").decimal(number);
    return false;
  };
  unsigned placed = 0;
  std::uint64_t waited_for = 0;
  for (VcpuId vcpu = 0; vcpu < count_; ++vcpu) {
    const Entity& entity = entities_[vcpu];
    if (is_active(entity.state)) ++groups[entity.vm].active;
    if (is_on_hart(entity.state)) ++groups[entity.vm].on_hart;
    if (is_living(entity.state)) ++groups[entity.vm].living;
    const bool sleeps =
        (entity.state == State::blocked || entity.state == State::parked) && entity.wake_at != kNever;
    const bool in_line = entity.state == State::ready;
    if ((places_[vcpu].at != VcpuHeap::kNowhere) != (sleeps || in_line))
      return bad("in line or asleep, and should not be, or the other way round: VCPU", vcpu);
    if (!sleeps && !in_line) continue;
    ++placed;
    const VcpuHeap& heap = sleeps ? sleepers_[entity.hart] : ready_.line(entity.line);
    if (places_[vcpu].at >= heap.size() || heap.at(places_[vcpu].at) != vcpu) return bad("lost: VCPU", vcpu);
    if (in_line) waited_for |= entity.harts;
    if (is_on_hart(entity.state) && (entity.harts & bit(entity.hart)) == 0)
      return bad("on a hart where it may not run: VCPU", vcpu);
  }
  for (unsigned vm = 0; vm < kMaxVms; ++vm)
    if (groups[vm].active != groups_[vm].active || groups[vm].on_hart != groups_[vm].on_hart ||
        groups[vm].living != groups_[vm].living)
      return bad("counts of VM", vm);
  unsigned held = 0;
  for (unsigned line = 0; line < ready_.lines(); ++line) {
    held += ready_.line(static_cast<ReadyQueue::Line>(line)).size();
    if (!ready_.line(static_cast<ReadyQueue::Line>(line)).sound(places_)) return bad("order of line", line);
  }
  for (unsigned hart = 0; hart < kMaxHarts; ++hart) {
    held += sleepers_[hart].size();
    if (!sleepers_[hart].sound(places_)) return bad("order of sleepers on hart", hart);
    if (sleepers_[hart].size() != 0 && next_wake_[hart] > entities_[sleepers_[hart].front()].wake_at)
      return bad("too late a timer on hart", hart);
  }
  if (waited_for != ready_.harts())
    return bad("harts that somebody waits for, in the line of hart", lowest_bit(waited_for ^ ready_.harts()));
  return held == placed || bad("VCPUs counted twice:", held);
}

}  // namespace hv
