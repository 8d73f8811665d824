// Who runs where: round robin over all harts, with pinning, blocking and waking. Knows VCPUs by number only.
#pragma once

#include <array>
#include <cstdint>

#include "arch.h"
#include "hypervisor/inspection.h"
#include "hypervisor/limits.h"

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
  };

  void add(VcpuId vcpu, std::uint16_t vm, std::uint64_t harts);

  // Makes a stopped VCPU ready. False: it was not stopped, or its VM is condemned.
  bool start(Arch& arch, VcpuId vcpu);
  // Something is pending for `vcpu`: a blocked one becomes ready, one on another hart is interrupted.
  void wake(Arch& arch, VcpuId vcpu);
  // VCPUs that blocked on this hart and whose time has come become ready.
  void wake_expired(Arch& arch, std::uint64_t now);
  // The earliest time at which a VCPU that blocked on this hart wants to be woken.
  std::uint64_t next_wake(Arch& arch);

  // Takes the VCPU that has waited longest of those that may run here and owe no turn; kNoVcpu: none, and the
  // hart counts as idle: it will be interrupted when there is work.
  VcpuId take(Arch& arch);
  // The same for a hart whose slice for `current` is over; kNoVcpu: it goes on with that.
  VcpuId take_instead(Arch& arch, VcpuId current);
  // `vcpu` had `turns` more than its share: so often will others that wait go first. Nobody waits for a
  // debtor in vain: if all that may run here owe, as many turns as the least of them owes are forgiven to
  // each.
  void owe(Arch& arch, VcpuId vcpu, std::uint64_t turns);
  // After take_instead(): the hart gives `vcpu` away, its registers saved. It waits at the end of the line.
  // True: as for stop().
  bool put_back(Arch& arch, VcpuId vcpu);

  // Blocking takes two steps, so that the last VCPU of a VM to block can drain in between.
  // True: no VCPU of its VM is running or ready any more.
  bool begin_block(Arch& arch, VcpuId vcpu);
  // False: something became pending meanwhile, it goes on running.
  bool finish_block(Arch& arch, VcpuId vcpu, std::uint64_t wake_at);

  // Nobody of `vm` may start again; those that wait stop, those on other harts are interrupted.
  void condemn(Arch& arch, std::uint16_t vm);
  bool condemned(std::uint16_t vm) const;
  // `vcpu` wishes to stop. False: all others of its VM have stopped or are about to; it goes on running.
  bool begin_stop(Arch& arch, VcpuId vcpu);
  // The hart gives `vcpu` away for good. True: its VM is condemned and this was its last VCPU on any hart.
  bool stop(Arch& arch, VcpuId vcpu);

  State state(VcpuId vcpu) const { return entities_[vcpu].state; }
  Inspection::Column inspect_states() const;
  std::uint64_t turns_owed(VcpuId vcpu) const { return entities_[vcpu].turns_owed; }
  // The harts that run one of the VCPUs first, first + 1, ... that `mask` names. What was stored before this
  // call is seen by every other one of them when it is taken.
  std::uint64_t running_harts(Arch& arch, VcpuId first, std::uint64_t mask);

 private:
  struct Entity {
    std::uint64_t harts = 0;  // where it may run
    std::uint64_t wake_at = kNever;
    std::uint64_t turns_owed = 0;
    std::uint64_t turn = 0;  // its place in the line: lower ones go first
    std::uint16_t vm = 0;
    std::uint16_t number = 0;  // among its VM's VCPUs
    std::uint8_t hart = kMaxHarts;
    State state = State::stopped;
    bool pending = false;  // woken while it was not blocked
  };

  VcpuId take_first_without_debt(unsigned hart, VcpuId current);
  void forgive_least_debt(unsigned hart, VcpuId current);
  bool may_run(VcpuId vcpu, unsigned hart) const { return (entities_[vcpu].harts >> hart & 1) != 0; }
  void make_ready(Arch& arch, VcpuId vcpu, std::uint64_t turn);
  void line_up(VcpuId vcpu, std::uint64_t turn);
  bool make_stopped(VcpuId vcpu);
  void set_state(VcpuId vcpu, State state);
  void remove_from_line(VcpuId vcpu);
  void interrupt_idle_hart(Arch& arch, const Entity& entity);

  std::array<Entity, kMaxVcpus> entities_{};
  std::array<VcpuId, kMaxVcpus> line_{};  // the ready ones, longest waiting first
  unsigned waiting_ = 0;
  std::uint64_t next_turn_ = 0;
  unsigned count_ = 0;
  std::uint64_t idle_harts_ = 0;
  std::array<std::uint8_t, kMaxVms> active_{};   // running or ready, by VM
  std::array<std::uint8_t, kMaxVms> on_hart_{};  // running or blocking, by VM
  std::array<std::uint32_t, kMaxVms> condemned_{};
  Arch::Lock lock_{};
};

}  // namespace hv
