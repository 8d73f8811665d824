// Who runs where: states, pinning, blocking and waking, and the order in which those that wait get a hart.
// Knows VCPUs by number only.
#pragma once

#include <array>
#include <cstdint>

#include "arch.h"
#include "hypervisor/atomics.h"
#include "hypervisor/credit_book.h"
#include "hypervisor/inspection.h"
#include "hypervisor/limits.h"
#include "hypervisor/ready_queue.h"
#include "hypervisor/scheduling.h"
#include "hypervisor/text.h"
#include "hypervisor/vcpu_heap.h"
#include "models/cpu/isa/mark.h"

namespace hv {

class Scheduler {
 public:
  enum class State : std::uint8_t {
    stopped,   // not started yet, or its VM is gone
    ready,     // waits for a hart
    running,   // is some hart's VCPU: in the guest, or in the hypervisor on its behalf
    blocking,  // about to block; its hart still holds its registers
    blocked,   // waits for an interrupt
    stopping,  // about to stop; its hart still holds its registers
    parked,    // wants to run, and its VM has used up what its cap allows in this period
  };
  using Activity = hvsim::isa::VcpuActivity;
  using Times = std::array<std::uint64_t, static_cast<std::size_t>(Activity::count)>;  // ticks by activity

  // Also while VCPUs run: those that wait line up anew.
  void configure(Arch& arch, const SchedulerSettings& settings);
  void set_share(Arch& arch, std::uint16_t vm, const SchedulerShare& share);
  // The VCPUs of one VM are added one after the other.
  void add(VcpuId vcpu, std::uint16_t vm, std::uint64_t harts);

  // Makes a stopped VCPU ready. False: it was not stopped, or its VM is condemned.
  bool start(Arch& arch, VcpuId vcpu);
  // Something is pending for `vcpu`: a blocked one becomes ready, one on another hart is interrupted.
  void wake(Arch& arch, VcpuId vcpu);
  // VCPUs that blocked or were parked on this hart and whose time has come become ready.
  void wake_expired(Arch& arch, std::uint64_t now);
  // The earliest time at which a VCPU that blocked or was parked on this hart wants to be woken.
  std::uint64_t next_wake(const Arch& arch) const {
    const std::uint64_t at = load_relaxed(next_wake_[arch.hart()]);
    return at == 0 ? kNever : at;
  }

  // Takes the VCPU whose turn it is of those that may run here; kNoVcpu: none, and the hart counts as idle:
  // it will be interrupted when there is work.
  VcpuId take(Arch& arch);
  // The same for a hart that has another one in `current`; kNoVcpu: it goes on with that.
  enum class Because : std::uint8_t { slice_is_over, yields };
  VcpuId take_instead(Arch& arch, VcpuId current, Because because = Because::slice_is_over);
  // How long it may run now: a time slice, or what its VM's cap leaves of one.
  std::uint64_t slice(Arch& arch, VcpuId vcpu);
  // Somebody waits who may have this hart.
  bool waited_for(const Arch& arch) const { return (ready_.harts() >> arch.hart() & 1) != 0; }
  // The end of its slice means nothing to this hart's VCPU: nobody waits for the hart, nothing counts by
  // slices, and nobody has asked for interrupts nevertheless.
  bool alone(const Arch& arch) const { return !credit() && !settings_.tick_when_alone && !waited_for(arch); }
  // This hart is not interrupted at the end of the slice. Who becomes ready for it from now on interrupts it,
  // and so does another policy; then it is alone() no more. Somebody may just have become ready: look again.
  void set_untimed(Arch& arch, bool untimed);
  void interrupt_untimed(Arch& arch, std::uint64_t harts);  // those of `harts`, but for this one
  // Somebody who should run rather than this hart's VCPU has woken up.
  bool should_preempt(const Arch& arch) const {
    return (load_relaxed(preempted_harts_) >> arch.hart() & 1) != 0;
  }

  // Round robin only; the credit scheduler counts time itself. `vcpu` had `turns` more than its share: so
  // often will others that wait go first. Nobody waits for a debtor in vain: if all that may run here owe, as
  // many turns as the least of them owes are forgiven to each.
  void owe(Arch& arch, VcpuId vcpu, std::uint64_t turns);
  void forgive(Arch& arch, VcpuId vcpu);  // all of it
  // The VM of `vcpu` is condemned and `vcpu` is not done yet: it gets harts until it stops.
  void linger(Arch& arch, VcpuId vcpu);
  // After take_instead(): the hart gives `vcpu` away, its registers saved. It waits at the end of the line.
  // True: as for stop().
  bool put_back(Arch& arch, VcpuId vcpu);
  // Whether a running VCPU has to be parked.
  bool over_cap(Arch& arch, VcpuId vcpu);
  // Its hart gives it away until the next period of its cap. True: as for stop().
  bool park(Arch& arch, VcpuId vcpu);

  // Blocking takes two steps, so that the last VCPU of a VM to block can drain in between.
  // True: no VCPU of its VM is running, ready or parked any more.
  bool begin_block(Arch& arch, VcpuId vcpu);
  // On hosts, where others have been entered since: whether the first step is done, and what it said.
  bool begun_to_block(VcpuId vcpu) const { return entities_[vcpu].state == State::blocking; }
  bool last_to_block(std::uint16_t vm) const { return groups_[vm].active == 0; }
  // False: something became pending meanwhile, it goes on running.
  bool finish_block(Arch& arch, VcpuId vcpu, std::uint64_t wake_at);

  // The hart of `vcpu` does something for everybody meanwhile (a scan): time in which `vcpu` waits for it.
  void set_aside(Arch& arch, VcpuId vcpu, bool aside);

  // Nobody of `vm` may start again; those that wait stop, those on other harts are interrupted.
  void condemn(Arch& arch, std::uint16_t vm);
  bool condemned(std::uint16_t vm) const { return load_relaxed(groups_[vm].condemned) != 0; }
  // `vcpu` wishes to stop. False: all others of its VM have stopped or are about to; it goes on running.
  bool begin_stop(Arch& arch, VcpuId vcpu);
  // The hart gives `vcpu` away for good. True: its VM is condemned and this was the last of its VCPUs.
  bool stop(Arch& arch, VcpuId vcpu);

  State state(VcpuId vcpu) const { return entities_[vcpu].state; }
  Inspection::Column inspect_states() const;
  std::uint64_t turns_owed(VcpuId vcpu) const { return entities_[vcpu].turns_owed; }
  // What the VCPUs of `vm` did with their time up to now, together.
  Times times(Arch& arch, std::uint16_t vm);
  // The harts that run one of the VCPUs first, first + 1, ... that `mask` names. What was stored before this
  // call is seen by every other one of them when it is taken.
  std::uint64_t running_harts(Arch& arch, VcpuId first, std::uint64_t mask);

  // Whether its own tables agree with each other; if not, `why` says which do not.
  bool audit(Arch& arch, Text& why);

 private:
  struct Entity {
    std::uint64_t harts = 0;  // where it may run
    std::uint64_t wake_at = kNever;
    std::uint64_t turns_owed = 0;
    std::uint64_t turn = 0;       // its place in the line of round robin: lower ones go first
    CreditBook::Spent spent = 0;  // credit
    std::uint64_t since = 0;      // ticks: its time is accounted for up to here
    Times times{};
    std::uint16_t vm = 0;
    std::uint16_t number = 0;       // within its VM
    std::uint8_t hart = kMaxHarts;  // where it runs, or did last
    ReadyQueue::Line line = 0;
    State state = State::stopped;
    bool pending = false;  // woken while it was not blocked
    bool aside = false;    // on its hart, which does something for everybody
    bool lingers = false;  // runs on though its VM is condemned
  };
  struct Group {  // the VCPUs of one VM
    std::uint32_t condemned = 0;
    std::uint16_t first = kNoVcpu, count = 0;
    std::uint8_t active = 0;   // running, ready or parked
    std::uint8_t on_hart = 0;  // running, blocking or stopping
    std::uint8_t living = 0;   // neither stopped nor stopping
  };

  static constexpr bool is_active(State s) {
    return s == State::running || s == State::ready || s == State::parked;
  }
  static constexpr bool is_on_hart(State s) {
    return s == State::running || s == State::blocking || s == State::stopping;
  }
  static constexpr bool is_living(State s) { return s != State::stopped && s != State::stopping; }

  bool credit() const { return settings_.policy == SchedulerPolicy::credit; }
  VcpuId select(Arch& arch, VcpuId current);
  VcpuId take_first(Arch& arch, VcpuId current);
  VcpuId take_least_spent(Arch& arch, VcpuId current, Because because);
  VcpuId give_hart(Arch& arch, VcpuId vcpu);
  void forgive_least_debt(unsigned hart, VcpuId current);
  // `late`: so many ticks ago, and we learn of it now.
  bool make_ready(Arch& arch, VcpuId vcpu, std::uint64_t turn, std::uint64_t late = 0);
  void line_up(VcpuId vcpu, std::uint64_t turn);
  bool make_stopped(Arch& arch, VcpuId vcpu);
  bool must_stop(const Entity& entity) const { return groups_[entity.vm].condemned != 0 && !entity.lingers; }
  void sleep(Arch& arch, VcpuId vcpu, State state, std::uint64_t wake_at);
  void leave_sleepers(Arch& arch, VcpuId vcpu);
  void set_state(Arch& arch, VcpuId vcpu, State state, std::uint64_t late = 0);
  void account(Arch& arch, Entity& entity, std::uint64_t now);
  static Activity activity_of(const Entity& entity);
  void leave_line(VcpuId vcpu) { ready_.remove(places_, entities_[vcpu].line, vcpu); }
  bool interrupt_idle_hart(Arch& arch, const Entity& entity);
  void preempt_for(Arch& arch, const Entity& woken);
  CreditBook::Spent spent_by(const Entity& entity, std::uint64_t now) const;

  SchedulerSettings settings_{};
  std::array<Entity, kMaxVcpus> entities_{};
  std::array<Group, kMaxVms> groups_{};
  VcpuHeap::Places places_{};
  ReadyQueue ready_;
  std::array<VcpuHeap, kMaxHarts> sleepers_;          // by the hart where they blocked, with a time to wake
  std::array<std::uint64_t, kMaxHarts> next_wake_{};  // of each hart's sleepers
  std::array<VcpuId, kMaxHarts> running_{};           // with state `running`, as far as known
  CreditBook book_;
  std::uint64_t next_turn_ = 0;
  unsigned count_ = 0;
  std::uint64_t idle_harts_ = 0;
  std::uint64_t preempted_harts_ = 0;  // written under the lock, looked at without
  std::uint64_t untimed_harts_ = 0;    // atomic
  Arch::Lock lock_{};
};

}  // namespace hv
