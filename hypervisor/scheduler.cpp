// Who runs where: round robin over all harts, with pinning, blocking and waking. Knows VCPUs by number only.
#include "hypervisor/scheduler.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/bits.h"
#include "hypervisor/locked.h"
#include "models/cpu/isa/mark.h"

namespace hv {
namespace {

constexpr std::uint64_t bit(unsigned hart) { return std::uint64_t{1} << hart; }

}  // namespace

void Scheduler::add(VcpuId vcpu, std::uint16_t vm, std::uint64_t harts) {
  const bool sibling = vcpu != 0 && entities_[vcpu - 1].vm == vm && entities_[vcpu - 1].harts != 0;
  const auto number = static_cast<std::uint16_t>(sibling ? entities_[vcpu - 1].number + 1 : 0);
  entities_[vcpu] = Entity{.harts = harts, .vm = vm, .number = number};
  count_ = std::max(count_, vcpu + 1u);
}

bool Scheduler::start(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  if (entities_[vcpu].state != State::stopped || condemned_[entities_[vcpu].vm] != 0) return false;
  make_ready(arch, vcpu, next_turn_++);
  return true;
}

void Scheduler::wake(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  Entity& entity = entities_[vcpu];
  switch (entity.state) {
    case State::blocked:
      make_ready(arch, vcpu, next_turn_++);
      break;
    case State::blocking:
      entity.pending = true;
      break;
    case State::running:
      if (entity.hart != arch.hart()) arch.send_ipi(entity.hart);
      break;
    case State::ready:
    case State::stopping:
    case State::stopped:
      break;
  }
}

void Scheduler::wake_expired(Arch& arch, std::uint64_t now) {
  const Locked locked(arch, lock_);
  for (VcpuId vcpu = 0; vcpu < count_; ++vcpu) {
    const Entity& entity = entities_[vcpu];
    if (entity.state == State::blocked && entity.hart == arch.hart() && entity.wake_at <= now)
      make_ready(arch, vcpu, next_turn_++);
  }
}

std::uint64_t Scheduler::next_wake(Arch& arch) {
  const Locked locked(arch, lock_);
  std::uint64_t earliest = kNever;
  for (VcpuId vcpu = 0; vcpu < count_; ++vcpu) {
    const Entity& entity = entities_[vcpu];
    if (entity.state == State::blocked && entity.hart == arch.hart())
      earliest = std::min(earliest, entity.wake_at);
  }
  return earliest;
}

VcpuId Scheduler::take(Arch& arch) {
  const Locked locked(arch, lock_);
  idle_harts_ &= ~bit(arch.hart());
  const VcpuId vcpu = take_first_without_debt(arch.hart(), kNoVcpu);
  if (vcpu == kNoVcpu) idle_harts_ |= bit(arch.hart());
  return vcpu;
}

VcpuId Scheduler::take_instead(Arch& arch, VcpuId current) {
  const Locked locked(arch, lock_);
  entities_[current].turn = next_turn_++;  // before those that are passed over now
  return take_first_without_debt(arch.hart(), current);
}

void Scheduler::owe(Arch& arch, VcpuId vcpu, std::uint64_t turns) {
  const Locked locked(arch, lock_);
  entities_[vcpu].turns_owed += turns;
}

// A debtor whose turn it is pays it and goes to the end of the line.
VcpuId Scheduler::take_first_without_debt(unsigned hart, VcpuId current) {
  forgive_least_debt(hart, current);
  unsigned place = 0;
  for (unsigned left = waiting_; left != 0; --left) {
    const VcpuId vcpu = line_[place];
    if (!may_run(vcpu, hart)) {
      ++place;
      continue;
    }
    remove_from_line(vcpu);
    if (entities_[vcpu].turns_owed == 0) {
      set_state(vcpu, State::running);
      entities_[vcpu].hart = static_cast<std::uint8_t>(hart);
      return vcpu;
    }
    --entities_[vcpu].turns_owed;
    line_up(vcpu, next_turn_++);
  }
  return kNoVcpu;
}

void Scheduler::forgive_least_debt(unsigned hart, VcpuId current) {
  std::uint64_t least = current == kNoVcpu ? kNever : entities_[current].turns_owed;
  for (unsigned place = 0; place < waiting_; ++place)
    if (may_run(line_[place], hart)) least = std::min(least, entities_[line_[place]].turns_owed);
  if (least == 0 || least == kNever) return;
  if (current != kNoVcpu) entities_[current].turns_owed -= least;
  for (unsigned place = 0; place < waiting_; ++place)
    if (may_run(line_[place], hart)) entities_[line_[place]].turns_owed -= least;
}

bool Scheduler::put_back(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  if (condemned_[entities_[vcpu].vm] != 0) return make_stopped(vcpu);
  make_ready(arch, vcpu, entities_[vcpu].turn);
  return false;
}

bool Scheduler::begin_block(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  entities_[vcpu].pending = false;
  set_state(vcpu, State::blocking);
  return active_[entities_[vcpu].vm] == 0;
}

bool Scheduler::finish_block(Arch& arch, VcpuId vcpu, std::uint64_t wake_at) {
  const Locked locked(arch, lock_);
  Entity& entity = entities_[vcpu];
  if (entity.pending || condemned_[entity.vm] != 0) {
    set_state(vcpu, State::running);
    return false;
  }
  entity.wake_at = wake_at;
  set_state(vcpu, State::blocked);
  return true;
}

void Scheduler::condemn(Arch& arch, std::uint16_t vm) {
  const Locked locked(arch, lock_);
  store_release(condemned_[vm], std::uint32_t{1});
  for (VcpuId vcpu = 0; vcpu < count_; ++vcpu) {
    const Entity& entity = entities_[vcpu];
    if (entity.vm != vm) continue;
    if (entity.state == State::ready) remove_from_line(vcpu);
    if (entity.state == State::ready || entity.state == State::blocked) set_state(vcpu, State::stopped);
    if (entity.state == State::running && entity.hart != arch.hart()) arch.send_ipi(entity.hart);
  }
}

bool Scheduler::condemned(std::uint16_t vm) const { return load_relaxed(condemned_[vm]) != 0; }

bool Scheduler::begin_stop(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  const std::uint16_t vm = entities_[vcpu].vm;
  bool others = condemned_[vm] != 0;  // then it has to stop
  for (VcpuId other = 0; other < count_; ++other) {
    const Entity& entity = entities_[other];
    others |=
        other != vcpu && entity.vm == vm && entity.state != State::stopped && entity.state != State::stopping;
  }
  if (others) set_state(vcpu, State::stopping);
  return others;
}

bool Scheduler::stop(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  return make_stopped(vcpu);
}

bool Scheduler::make_stopped(VcpuId vcpu) {
  set_state(vcpu, State::stopped);
  const std::uint16_t vm = entities_[vcpu].vm;
  return condemned_[vm] != 0 && on_hart_[vm] == 0;
}

std::uint64_t Scheduler::running_harts(Arch& arch, VcpuId first, std::uint64_t mask) {
  const Locked locked(arch, lock_);
  std::uint64_t harts = 0;
  for (VcpuId vcpu = first; mask != 0; ++vcpu, mask >>= 1)
    if ((mask & 1) != 0 && entities_[vcpu].state == State::running) harts |= bit(entities_[vcpu].hart);
  return harts;
}

void Scheduler::make_ready(Arch& arch, VcpuId vcpu, std::uint64_t turn) {
  set_state(vcpu, State::ready);
  entities_[vcpu].wake_at = kNever;
  arch.mark(hvsim::isa::MarkKind::vcpu_runnable,
            hvsim::isa::mark_vcpu(entities_[vcpu].vm, entities_[vcpu].number));
  line_up(vcpu, turn);
  interrupt_idle_hart(arch, entities_[vcpu]);
}

void Scheduler::line_up(VcpuId vcpu, std::uint64_t turn) {
  unsigned place = waiting_++;
  for (; place != 0 && entities_[line_[place - 1]].turn > turn; --place) line_[place] = line_[place - 1];
  line_[place] = vcpu;
  entities_[vcpu].turn = turn;
}

void Scheduler::set_state(VcpuId vcpu, State state) {
  const auto is_active = [](State s) { return s == State::running || s == State::ready; };
  const auto is_on_hart = [](State s) {
    return s == State::running || s == State::blocking || s == State::stopping;
  };
  Entity& entity = entities_[vcpu];
  if (is_active(entity.state)) --active_[entity.vm];
  if (is_on_hart(entity.state)) --on_hart_[entity.vm];
  entity.state = state;
  if (is_active(state)) ++active_[entity.vm];
  if (is_on_hart(state)) ++on_hart_[entity.vm];
}

void Scheduler::remove_from_line(VcpuId vcpu) {
  const auto end = line_.begin() + waiting_;
  const auto place = std::find(line_.begin(), end, vcpu);
  if (place == end) return;
  std::copy(place + 1, end, place);
  --waiting_;
}

// The hart where it ran last has its data in the caches; otherwise the lowest idle one will do.
void Scheduler::interrupt_idle_hart(Arch& arch, const Entity& entity) {
  const std::uint64_t candidates = idle_harts_ & entity.harts & ~bit(arch.hart());
  if (candidates == 0) return;
  const bool last_is_idle = entity.hart < kMaxHarts && (candidates & bit(entity.hart)) != 0;
  const unsigned hart = last_is_idle ? entity.hart : lowest_bit(candidates);
  idle_harts_ &= ~bit(hart);
  arch.send_ipi(hart);
}

}  // namespace hv
