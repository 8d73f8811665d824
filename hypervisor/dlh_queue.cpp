// A queue of deferrable hypercalls: places in a ring of its own, counted by tickets.
#include "hypervisor/dlh_queue.h"

#include <algorithm>

#include "hypervisor/atomics.h"

namespace hv {

void DlhQueue::configure(const DlhLimits& limits) { limits_ = limits; }

// Ring places are tickets modulo the capacity. A place is reused only after pop(), which happens after its
// call has run, so the drainer reads it without the lock.
std::uint64_t DlhQueue::push(Arch& arch, std::uint16_t owner, std::span<const abi::Notification>& calls) {
  arch.lock(lock_);
  const std::uint64_t waiting = appended_ - finished();
  const std::size_t fitting = std::min<std::size_t>(calls.size(), limits_.capacity - waiting);
  std::size_t place = appended_ % limits_.capacity;
  for (const abi::Notification& call : calls.first(fitting)) {
    calls_[place] = call;
    owners_[place] = owner;
    arch.uses(&calls_[place], sizeof call, true);
    arch.uses(&owners_[place], sizeof owner, true);
    place = place + 1 == limits_.capacity ? 0 : place + 1;
  }
  store_release(appended_, appended_ + fitting);
  uses_indices(arch);
  arch.unlock(lock_);
  calls = calls.subspan(fitting);
  return waiting + fitting;
}

DlhQueue::Ticket DlhQueue::appended() const { return load_acquire(appended_); }
DlhQueue::Ticket DlhQueue::finished() const { return load_acquire(finished_); }

bool DlhQueue::begin_drain(Arch& arch) {
  arch.lock(lock_);
  if (arch.taken(drain_)) {
    arch.unlock(lock_);
    return false;
  }
  const bool mine = !draining_;
  if (mine) ++drains_asked_;
  draining_ = true;
  if (mine) arch.takes(drain_);
  arch.unlock(lock_);
  return mine;
}

// False: too many tickets are out, most of them given up.
bool DlhQueue::ask_for_drain(Arch& arch, std::uint32_t& mine) {
  arch.lock(lock_);
  const bool may = drains_asked_ - drains_ended_ < kMostAsked;
  if (may) mine = drains_asked_++;
  draining_ = true;
  arch.unlock(lock_);
  return may;
}

// False: it is this ticket's turn already.
bool DlhQueue::give_up_drain(Arch& arch, std::uint32_t mine) {
  arch.lock(lock_);
  const bool may = drains_ended_ != mine;
  if (may) given_up_ |= bit(mine);
  arch.unlock(lock_);
  return may;
}

void DlhQueue::end_drain(Arch& arch) {
  arch.lock(lock_);
  std::uint32_t next = drains_ended_ + 1;
  for (; (given_up_ & bit(next)) != 0; ++next) given_up_ &= ~bit(next);
  store_release(drains_ended_, next);
  draining_ = drains_ended_ != drains_asked_;
  arch.leaves(drain_);
  arch.unlock(lock_);
}

const abi::Notification& DlhQueue::at(Ticket ticket) const { return calls_[ticket % limits_.capacity]; }
std::uint16_t DlhQueue::owner(Ticket ticket) const { return owners_[ticket % limits_.capacity]; }
void DlhQueue::pop(std::uint64_t calls) { store_release(finished_, finished_ + calls); }

}  // namespace hv
