// Who runs where: the order in which those that wait get a hart, and how they come to wait.
#include "hypervisor/scheduler.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/bits.h"
#include "hypervisor/locked.h"
#include "models/cpu/isa/late.h"
#include "models/cpu/isa/mark.h"

namespace hv {
namespace {

using hvsim::isa::MarkKind;
using State = Scheduler::State;
using Activity = Scheduler::Activity;

constexpr std::uint64_t bit(unsigned hart) { return std::uint64_t{1} << hart; }

constexpr Activity activity(State state) {
  switch (state) {
    case State::stopped:
      return Activity::off;
    case State::ready:
      return Activity::ready;
    case State::blocked:
      return Activity::blocked;
    case State::parked:
      return Activity::capped;
    case State::running:
    case State::blocking:
    case State::stopping:
      break;
  }
  return Activity::running;
}

}  // namespace

// Debts and what was spent under another policy are forgotten.
void Scheduler::configure(Arch& arch, const SchedulerSettings& settings) {
  const Locked locked(arch, lock_);
  settings_ = settings;
  book_.configure(settings);
  for (VcpuId vcpu = 0; vcpu < count_; ++vcpu) {
    Entity& entity = entities_[vcpu];
    account(arch, entity, arch.ticks());
    entity.turns_owed = 0;
    entity.spent = book_.floor_of_woken(entity.vm, groups_[entity.vm].active, entity.harts);
    if (entity.state != State::ready) continue;
    leave_line(vcpu);
    line_up(vcpu, entity.turn);
  }
  interrupt_untimed(arch, ~std::uint64_t{0});
}

void Scheduler::set_share(Arch& arch, std::uint16_t vm, const SchedulerShare& share) {
  const Locked locked(arch, lock_);
  book_.set_share(vm, share);
}

void Scheduler::add(VcpuId vcpu, std::uint16_t vm, std::uint64_t harts) {
  Group& group = groups_[vm];
  if (group.count == 0) group.first = vcpu;
  entities_[vcpu] = Entity{.harts = harts, .vm = vm, .number = group.count++, .line = ready_.line_for(harts)};
  book_.join(harts);
  book_.add_vcpu(vm);
  count_ = std::max(count_, vcpu + 1u);
}

bool Scheduler::start(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  if (entities_[vcpu].state != State::stopped || groups_[entities_[vcpu].vm].condemned != 0) return false;
  make_ready(arch, vcpu, next_turn_++);
  return true;
}

void Scheduler::wake(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  Entity& entity = entities_[vcpu];
  switch (entity.state) {
    case State::blocked:
      arch.charge(Work::wake, 1);
      leave_sleepers(arch, vcpu);
      if (!make_ready(arch, vcpu, next_turn_++)) preempt_for(arch, entity);
      break;
    case State::blocking:
      entity.pending = true;
      break;
    case State::running:
      if (entity.hart != arch.hart()) arch.send_ipi(entity.hart);
      break;
    case State::ready:
    case State::parked:
    case State::stopping:
    case State::stopped:
      break;
  }
}

void Scheduler::wake_expired(Arch& arch, std::uint64_t now) {
  const Locked locked(arch, lock_);
  VcpuHeap& sleepers = sleepers_[arch.hart()];
  while (sleepers.size() != 0 && entities_[sleepers.front()].wake_at <= now) {
    const VcpuId vcpu = sleepers.front();
    const std::uint64_t since = std::max(entities_[vcpu].wake_at, entities_[vcpu].since + 1);
    const std::uint64_t late = now > since ? now - since : 0;
    arch.charge(Work::wake, 1);
    leave_sleepers(arch, vcpu);
    if (!make_ready(arch, vcpu, next_turn_++, late)) preempt_for(arch, entities_[vcpu]);
  }
}

VcpuId Scheduler::take(Arch& arch) {
  const Locked locked(arch, lock_);
  idle_harts_ &= ~bit(arch.hart());
  store_release(preempted_harts_, preempted_harts_ & ~bit(arch.hart()));
  const VcpuId vcpu =
      credit() ? take_least_spent(arch, kNoVcpu, Because::slice_is_over) : take_first(arch, kNoVcpu);
  if (vcpu == kNoVcpu) idle_harts_ |= bit(arch.hart());
  return vcpu;
}

VcpuId Scheduler::take_instead(Arch& arch, VcpuId current, Because because) {
  const Locked locked(arch, lock_);
  store_release(preempted_harts_, preempted_harts_ & ~bit(arch.hart()));
  Entity& entity = entities_[current];
  account(arch, entity, arch.ticks());
  entity.turn = next_turn_++;  // before those that are passed over now
  if (!credit()) return take_first(arch, current);
  entity.spent = std::max(entity.spent, book_.floor(entity.harts));
  const VcpuId next = take_least_spent(arch, current, because);
  if (next == kNoVcpu) book_.advance(arch.hart(), entity.spent);
  return next;
}

// A debtor whose turn it is pays it and goes to the end of the line.
VcpuId Scheduler::take_first(Arch& arch, VcpuId current) {
  const unsigned hart = arch.hart();
  VcpuId first = ready_.first(places_, hart);
  if (first != kNoVcpu && entities_[first].turns_owed == 0) return give_hart(arch, first);
  forgive_least_debt(hart, current);
  unsigned waiting = 0;
  ready_.for_each(hart, [&](VcpuId) { ++waiting; });
  arch.charge(Work::line_look, waiting);
  for (; waiting != 0; --waiting) {
    first = ready_.first(places_, hart);
    if (entities_[first].turns_owed == 0) return give_hart(arch, first);
    --entities_[first].turns_owed;
    leave_line(first);
    line_up(first, next_turn_++);
  }
  return kNoVcpu;
}

void Scheduler::forgive_least_debt(unsigned hart, VcpuId current) {
  std::uint64_t least = current == kNoVcpu ? kNever : entities_[current].turns_owed;
  ready_.for_each(hart, [&](VcpuId vcpu) { least = std::min(least, entities_[vcpu].turns_owed); });
  if (least == 0 || least == kNever) return;
  if (current != kNoVcpu) entities_[current].turns_owed -= least;
  ready_.for_each(hart, [&](VcpuId vcpu) { entities_[vcpu].turns_owed -= least; });
}

// Those whose cap is used up stand aside until its next period.
VcpuId Scheduler::take_least_spent(Arch& arch, VcpuId current, Because because) {
  for (;;) {
    const VcpuId vcpu = ready_.first(places_, arch.hart());
    if (vcpu == kNoVcpu) return kNoVcpu;
    Entity& entity = entities_[vcpu];
    const bool current_is_due =
        current != kNoVcpu && because == Because::slice_is_over && entities_[current].spent < entity.spent;
    if (current_is_due) return kNoVcpu;
    const std::uint64_t now = arch.ticks();
    if (book_.allowance(entity.vm, now) != 0) {
      book_.advance(arch.hart(), entity.spent);
      return give_hart(arch, vcpu);
    }
    leave_line(vcpu);
    entity.hart = static_cast<std::uint8_t>(arch.hart());
    sleep(arch, vcpu, State::parked, book_.next_period(now));
  }
}

VcpuId Scheduler::give_hart(Arch& arch, VcpuId vcpu) {
  arch.charge(Work::line_move, 1);
  arch.uses(&places_[vcpu], sizeof places_[vcpu], true);
  leave_line(vcpu);
  set_state(arch, vcpu, State::running);
  entities_[vcpu].hart = static_cast<std::uint8_t>(arch.hart());
  running_[arch.hart()] = vcpu;
  return vcpu;
}

std::uint64_t Scheduler::slice(Arch& arch, VcpuId vcpu) {
  if (!credit() || !book_.capped(entities_[vcpu].vm)) return settings_.slice_ticks;
  const Locked locked(arch, lock_);
  return std::max<std::uint64_t>(book_.allowance(entities_[vcpu].vm, arch.ticks()), 1);
}

void Scheduler::set_untimed(Arch& arch, bool untimed) {
  if (untimed)
    add_bits(untimed_harts_, bit(arch.hart()));
  else
    remove_bits(untimed_harts_, bit(arch.hart()));
  order_all();  // with interrupt_untimed(): either that one sees this hart, or this one whoever is ready
}

void Scheduler::interrupt_untimed(Arch& arch, std::uint64_t harts) {
  order_all();
  const std::uint64_t untimed = load_relaxed(untimed_harts_) & harts & ~bit(arch.hart());
  for (std::uint64_t left = untimed; left != 0; left &= left - 1) arch.send_ipi(lowest_bit(left));
}

void Scheduler::owe(Arch& arch, VcpuId vcpu, std::uint64_t turns) {
  if (credit()) return;
  const Locked locked(arch, lock_);
  entities_[vcpu].turns_owed += turns;
}

void Scheduler::forgive(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  entities_[vcpu].turns_owed = 0;
}

void Scheduler::linger(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  entities_[vcpu].lingers = true;
}

bool Scheduler::put_back(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  if (must_stop(entities_[vcpu])) return make_stopped(arch, vcpu);
  make_ready(arch, vcpu, entities_[vcpu].turn);
  return false;
}

bool Scheduler::over_cap(Arch& arch, VcpuId vcpu) {
  Entity& entity = entities_[vcpu];
  if (!credit() || !book_.capped(entity.vm)) return false;
  const Locked locked(arch, lock_);
  const std::uint64_t now = arch.ticks();
  account(arch, entity, now);
  return book_.allowance(entity.vm, now) == 0;
}

bool Scheduler::park(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  if (must_stop(entities_[vcpu])) return make_stopped(arch, vcpu);
  sleep(arch, vcpu, State::parked, book_.next_period(arch.ticks()));
  return false;
}

bool Scheduler::begin_block(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  entities_[vcpu].pending = false;
  set_state(arch, vcpu, State::blocking);
  return groups_[entities_[vcpu].vm].active == 0;
}

bool Scheduler::finish_block(Arch& arch, VcpuId vcpu, std::uint64_t wake_at) {
  const Locked locked(arch, lock_);
  const Entity& entity = entities_[vcpu];
  if (entity.pending || groups_[entity.vm].condemned != 0) {
    set_state(arch, vcpu, State::running);
    return false;
  }
  sleep(arch, vcpu, State::blocked, wake_at);
  return true;
}

void Scheduler::condemn(Arch& arch, std::uint16_t vm) {
  const Locked locked(arch, lock_);
  Group& group = groups_[vm];
  store_release(group.condemned, std::uint32_t{1});
  for (VcpuId vcpu = group.first; vcpu < group.first + group.count; ++vcpu) {
    const Entity& entity = entities_[vcpu];
    if (entity.state == State::running && entity.hart != arch.hart()) arch.send_ipi(entity.hart);
    if (entity.state == State::ready) leave_line(vcpu);
    if (entity.state == State::blocked || entity.state == State::parked) leave_sleepers(arch, vcpu);
    if (is_living(entity.state) && !is_on_hart(entity.state)) set_state(arch, vcpu, State::stopped);
  }
}

bool Scheduler::begin_stop(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  const Group& group = groups_[entities_[vcpu].vm];
  const bool may = group.condemned != 0 || group.living > 1;  // a VM that ends has no use for a last one
  if (may) set_state(arch, vcpu, State::stopping);
  return may;
}

bool Scheduler::stop(Arch& arch, VcpuId vcpu) {
  const Locked locked(arch, lock_);
  return make_stopped(arch, vcpu);
}

bool Scheduler::make_stopped(Arch& arch, VcpuId vcpu) {
  set_state(arch, vcpu, State::stopped);
  const Group& group = groups_[entities_[vcpu].vm];
  return group.condemned != 0 && group.on_hart == 0 && group.living == 0;
}

Scheduler::Times Scheduler::times(Arch& arch, std::uint16_t vm) {
  const Locked locked(arch, lock_);
  Times sum{};
  const Group& group = groups_[vm];
  for (unsigned i = 0; i < group.count; ++i) {
    Entity& entity = entities_[group.first + i];
    account(arch, entity, arch.ticks());
    for (std::size_t kind = 0; kind < sum.size(); ++kind) sum[kind] += entity.times[kind];
  }
  return sum;
}

std::uint64_t Scheduler::running_harts(Arch& arch, VcpuId first, std::uint64_t mask) {
  const Locked locked(arch, lock_);
  std::uint64_t harts = 0;
  for (VcpuId vcpu = first; mask != 0; ++vcpu, mask >>= 1)
    if ((mask & 1) != 0 && entities_[vcpu].state == State::running) harts |= bit(entities_[vcpu].hart);
  return harts;
}

// True: an idle hart was told to take it.
bool Scheduler::make_ready(Arch& arch, VcpuId vcpu, std::uint64_t turn, std::uint64_t late) {
  Entity& entity = entities_[vcpu];
  const bool wakes_up = entity.state != State::running && entity.state != State::parked;
  set_state(arch, vcpu, State::ready, late);
  entity.wake_at = kNever;
  arch.mark(MarkKind::vcpu_runnable, hvsim::isa::mark_vcpu(entity.vm, entity.number));
  if (credit()) {
    const unsigned active = groups_[entity.vm].active;
    if (wakes_up) arch.charge(Work::weighing, 1);
    entity.spent = std::max(entity.spent, wakes_up ? book_.floor_of_woken(entity.vm, active, entity.harts)
                                                   : book_.floor(entity.harts));
  }
  arch.charge(Work::line_move, 1);
  arch.uses(&places_[vcpu], sizeof places_[vcpu], true);
  line_up(vcpu, turn);
  if (interrupt_idle_hart(arch, entity)) return true;
  interrupt_untimed(arch, entity.harts);
  return false;
}

void Scheduler::line_up(VcpuId vcpu, std::uint64_t turn) {
  Entity& entity = entities_[vcpu];
  entity.turn = turn;
  ready_.push(places_, entity.line, vcpu,
              credit() ? VcpuHeap::Key{entity.spent, turn} : VcpuHeap::Key{turn, 0});
}

void Scheduler::sleep(Arch& arch, VcpuId vcpu, State state, std::uint64_t wake_at) {
  set_state(arch, vcpu, state);
  Entity& entity = entities_[vcpu];
  entity.wake_at = wake_at;
  if (wake_at == kNever) return;
  arch.charge(Work::line_move, 1);
  arch.uses(&next_wake_[entity.hart], sizeof next_wake_[0], true);
  arch.uses(&places_[vcpu], sizeof places_[vcpu], true);
  VcpuHeap& sleepers = sleepers_[entity.hart];
  sleepers.push(places_, vcpu, {wake_at, vcpu});
  store_release(next_wake_[entity.hart], std::max<std::uint64_t>(entities_[sleepers.front()].wake_at, 1));
}

void Scheduler::leave_sleepers(Arch& arch, VcpuId vcpu) {
  const unsigned hart = entities_[vcpu].hart;
  if (entities_[vcpu].wake_at == kNever) return;
  arch.charge(Work::line_move, 1);
  VcpuHeap& sleepers = sleepers_[hart];
  sleepers.remove(places_, vcpu);
  entities_[vcpu].wake_at = kNever;
  const std::uint64_t next = sleepers.size() == 0 ? kNever : entities_[sleepers.front()].wake_at;
  store_release(next_wake_[hart], std::max<std::uint64_t>(next, 1));
  arch.uses(&next_wake_[hart], sizeof next_wake_[0], true);
  arch.uses(&places_[vcpu], sizeof places_[vcpu], true);
}

void Scheduler::set_state(Arch& arch, VcpuId vcpu, State state, std::uint64_t late) {
  Entity& entity = entities_[vcpu];
  Group& group = groups_[entity.vm];
  arch.charge(Work::state_change, 1);
  arch.uses(&entity, sizeof entity, true);
  arch.uses(&group, sizeof group, true);
  account(arch, entity, arch.ticks() - late);
  const Activity before = activity(entity.state), after = activity(state);
  if (before != after)
    arch.mark(MarkKind::vcpu_activity, hvsim::isa::mark_activity(entity.vm, entity.number, before, after) |
                                           hvsim::isa::mark_late(late));
  if (is_active(entity.state)) --group.active;
  if (is_on_hart(entity.state)) --group.on_hart;
  if (is_living(entity.state)) --group.living;
  entity.state = state;
  if (is_active(state)) ++group.active;
  if (is_on_hart(state)) ++group.on_hart;
  if (is_living(state)) ++group.living;
}

Scheduler::Activity Scheduler::activity_of(const Entity& entity) {
  return entity.aside ? Activity::ready : activity(entity.state);
}

void Scheduler::set_aside(Arch& arch, VcpuId vcpu, bool aside) {
  const Locked locked(arch, lock_);
  Entity& entity = entities_[vcpu];
  account(arch, entity, arch.ticks());
  const Activity before = activity_of(entity);
  entity.aside = aside;
  arch.mark(MarkKind::vcpu_activity,
            hvsim::isa::mark_activity(entity.vm, entity.number, before, activity_of(entity)));
}

// Harts' clocks may differ a little in a simulation; time never runs back here.
void Scheduler::account(Arch& arch, Entity& entity, std::uint64_t now) {
  if (now <= entity.since) return;
  const std::uint64_t ticks = now - entity.since;
  entity.since = now;
  entity.times[static_cast<std::size_t>(activity_of(entity))] += ticks;
  if (!credit() || activity_of(entity) != Activity::running) return;
  arch.charge(Work::weighing, 1);
  entity.spent += book_.weigh(entity.vm, groups_[entity.vm].active, ticks);
  book_.consume(entity.vm, now, ticks);
}

CreditBook::Spent Scheduler::spent_by(const Entity& entity, std::uint64_t now) const {
  const std::uint64_t ticks = now > entity.since && !entity.aside ? now - entity.since : 0;
  return entity.spent + book_.weigh(entity.vm, groups_[entity.vm].active, ticks);
}

// The hart where it ran last has its data in the caches; otherwise the lowest idle one will do.
bool Scheduler::interrupt_idle_hart(Arch& arch, const Entity& entity) {
  const std::uint64_t candidates = idle_harts_ & entity.harts & ~bit(arch.hart());
  if (candidates == 0) return false;
  const bool last_is_idle = entity.hart < kMaxHarts && (candidates & bit(entity.hart)) != 0;
  const unsigned hart = last_is_idle ? entity.hart : lowest_bit(candidates);
  idle_harts_ &= ~bit(hart);
  arch.send_ipi(hart);
  return true;
}

// Whoever has spent most gives way to one that woke up, unless the two are a quarter of a slice or less
// apart. A hart that executes this has an idle bit or a VCPU of its own, and looks before it goes on.
void Scheduler::preempt_for(Arch& arch, const Entity& woken) {
  if (!credit()) return;
  const std::uint64_t now = arch.ticks();
  arch.charge(Work::weighing, 1);
  CreditBook::Spent most =
      woken.spent + book_.weigh(woken.vm, groups_[woken.vm].active, settings_.slice_ticks / 4);
  unsigned victim = kMaxHarts;
  for (std::uint64_t left = woken.harts & ~preempted_harts_; left != 0; left &= left - 1) {
    const unsigned hart = lowest_bit(left);
    const Entity& entity = entities_[running_[hart]];
    if (entity.state != State::running || entity.hart != hart) continue;
    arch.charge(Work::line_look, 1);
    arch.charge(Work::weighing, 1);
    const CreditBook::Spent spent = spent_by(entity, now);
    if (spent <= most) continue;
    most = spent;
    victim = hart;
  }
  if (victim == kMaxHarts) return;
  store_release(preempted_harts_, preempted_harts_ | bit(victim));
  if (victim != arch.hart()) arch.send_ipi(victim);
}

}  // namespace hv
