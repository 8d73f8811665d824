// One VM's queue of deferrable hypercalls, kept in the hypervisor: FIFO, any VCPU appends, one drains at a
// time.
#include "hypervisor/dlh_queue.h"

#include "hypervisor/atomics.h"

namespace hv {

void DlhQueue::configure(const DlhLimits& limits) { limits_ = limits; }

// Ring places are tickets modulo the capacity. A place is reused only after pop(), which happens after its
// call has run, so the drainer reads it without the lock.
bool DlhQueue::push(Arch& arch, const abi::Notification& call) {
  arch.lock(lock_);
  const bool room = appended_ - finished() < limits_.capacity;
  if (room) {
    calls_[appended_ % limits_.capacity] = call;
    store_release(appended_, appended_ + 1);
  }
  arch.unlock(lock_);
  return room;
}

DlhQueue::Ticket DlhQueue::appended() const { return load_acquire(appended_); }
DlhQueue::Ticket DlhQueue::finished() const { return load_acquire(finished_); }

bool DlhQueue::begin_drain(Arch& arch) {
  arch.lock(lock_);
  const bool mine = !draining_;
  draining_ = true;
  arch.unlock(lock_);
  return mine;
}

void DlhQueue::end_drain(Arch& arch) {
  arch.lock(lock_);
  draining_ = false;
  arch.unlock(lock_);
}

const abi::Notification& DlhQueue::front() const { return calls_[finished_ % limits_.capacity]; }
void DlhQueue::pop() { store_release(finished_, finished_ + 1); }

}  // namespace hv
