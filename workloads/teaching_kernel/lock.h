// A spinlock: an atomic swap, with interrupts off while it is held, so that a handler never waits for the
// very code that it interrupted.
#pragma once

#include "workloads/teaching_kernel/hart.h"

namespace kernel {

class Spinlock {
 public:
  void lock() {
    hold_interrupts();
    while (__atomic_exchange_n(&taken_, 1u, __ATOMIC_ACQUIRE) != 0) {  // amoswap.w.aq
    }
  }
  void unlock() {
    __atomic_store_n(&taken_, 0u, __ATOMIC_RELEASE);
    release_interrupts();
  }

 private:
  unsigned taken_ = 0;
};

// Holds a lock to the end of a block.
class Holding {
 public:
  explicit Holding(Spinlock& lock) : lock_(lock) { lock_.lock(); }
  ~Holding() { lock_.unlock(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  Spinlock& lock_;
};

}  // namespace kernel
