// A queue of deferrable hypercalls, kept in the hypervisor: FIFO, any VCPU appends, one drains at a time.
// Each VM has one; delivery `softirq` has one per hart instead.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "arch.h"
#include "hypervisor/abi/hypercall.h"
#include "hypervisor/atomics.h"
#include "hypervisor/drain.h"
#include "hypervisor/inspection.h"
#include "hypervisor/limits.h"

namespace hv {

// How long a queue may grow and how long calls may wait in it.
struct DlhLimits {
  std::uint32_t capacity = 64;                // calls, 1..kMaxQueueCapacity
  std::uint32_t drain_budget_cycles = 20000;  // per entry of the VM
  std::uint32_t max_deferred_entries = 4;  // entries that may leave calls behind before one must run them all
};

class DlhQueue {
 public:
  // A call's place in the order of all calls of this VM, counted from 0.
  using Ticket = std::uint64_t;

  void configure(const DlhLimits& limits);
  const DlhLimits& limits() const { return limits_; }

  // Appends calls of VM `owner` from the front of `calls` while there is room; what did not fit remains in
  // it. The result is how many calls wait then.
  std::uint64_t push(Arch& arch, std::uint16_t owner, std::span<const abi::Notification>& calls);
  // Calls with a lower ticket were appended before now, or run before now.
  Ticket appended() const;
  Ticket finished() const;
  std::uint64_t size() const { return appended() - finished(); }
  std::uint64_t room() const { return limits_.capacity - size(); }

  // The right to drain. at() and pop() are for its holder only. False: another hart has it or waits for it.
  bool begin_drain(Arch& arch);
  // Those who wait get it in their order, before those who merely try. False: `give_up()` said so.
  template <class GiveUp>
  bool wait_for_drain(Arch& arch, const GiveUp& give_up);
  void wait_for_drain(Arch& arch) {
    wait_for_drain(arch, [] { return false; });
  }
  void end_drain(Arch& arch);
  // By another hart at this hart's time: see Arch::taken.
  bool drained_elsewhere(const Arch& arch) const { return arch.taken(drain_); }
  void uses_indices(Arch& arch) const { arch.uses(&appended_, sizeof appended_ + sizeof finished_, true); }
  const abi::Notification& at(Ticket ticket) const;  // finished() <= ticket < appended()
  std::uint16_t owner(Ticket ticket) const;          // likewise
  void pop(std::uint64_t calls);                     // so many from the front have run

  // The bound on waiting. An entry asks first, and reports afterwards whether it left calls behind.
  bool must_drain_all() const { return deferred_entries_ >= limits_.max_deferred_entries; }
  void entry_done(bool left_over) { deferred_entries_ = left_over ? deferred_entries_ + 1 : 0; }

  static Inspection::QueueLayout inspect_layout();  // inspection.cpp

 private:
  static constexpr std::uint32_t kMostAsked = 64;  // bits of given_up_
  static std::uint64_t bit(std::uint32_t drain) { return std::uint64_t{1} << drain % kMostAsked; }
  bool ask_for_drain(Arch& arch, std::uint32_t& mine);
  bool give_up_drain(Arch& arch, std::uint32_t mine);

  std::array<abi::Notification, kMaxQueueCapacity> calls_;  // written before they are read
  std::array<std::uint16_t, kMaxQueueCapacity> owners_;     // VMs, likewise
  DlhLimits limits_{};
  Ticket appended_ = 0;                 // written under the lock
  Ticket finished_ = 0;                 // written by the drainer
  std::uint32_t deferred_entries_ = 0;  // written by the drainer: entries in a row that left calls behind
  std::uint32_t drains_asked_ = 0, drains_ended_ = 0;  // tickets of the right to drain, under the lock
  std::uint64_t given_up_ = 0;                         // by ticket modulo 64: nobody waits with it any more
  bool draining_ = false;                              // they differ
  Arch::Lock lock_{};
  [[no_unique_address]] Arch::Turn drain_{};
};

// The holder makes progress: it never waits for us, nor do we keep the lock from it.
template <class GiveUp>
bool DlhQueue::wait_for_drain(Arch& arch, const GiveUp& give_up) {
  for (; arch.taken(drain_); arch.await(drain_, Drain::kLookCycles))
    if (give_up()) return false;
  std::uint32_t mine = 0;
  for (; !ask_for_drain(arch, mine); arch.pause())
    if (give_up()) return false;
  for (; load_acquire(drains_ended_) != mine; arch.pause())
    if (give_up() && give_up_drain(arch, mine)) return false;
  arch.takes(drain_);
  return true;
}

}  // namespace hv
