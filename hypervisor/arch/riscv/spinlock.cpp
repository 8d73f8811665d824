// Waiting for a lock.
#include "hypervisor/arch/riscv/spinlock.h"

namespace hv::riscv {
namespace {

constexpr std::uint32_t kPatience = 100 * kOneUse;

std::uint32_t look(const std::uint32_t& at) { return __atomic_load_n(&at, __ATOMIC_RELAXED); }
// What the word was before these bits were set; whoever sets kTaken where it was not has the lock.
std::uint32_t set(SpinLock& lock, std::uint32_t bits) {
  return __atomic_fetch_or(&lock.word, bits, __ATOMIC_ACQUIRE);
}

// In the order in which they ask. A mark may get lost when another hart takes its own back, so each attempt
// renews it.
void wait_in_order(SpinLock& lock) {
  const std::uint32_t mine = __atomic_fetch_add(&lock.asked, 1u, __ATOMIC_RELAXED);
  while (look(lock.served) != mine) pause();
  while ((set(lock, kTaken | kPassedOver) & kTaken) != 0)
    while ((look(lock.word) & kTaken) != 0) pause();
  __atomic_store_n(&lock.served, mine + 1, __ATOMIC_RELAXED);
  if (look(lock.asked) == mine + 1) __atomic_fetch_and(&lock.word, ~kPassedOver, __ATOMIC_RELAXED);
}

}  // namespace

// While a hart has been passed over, others do not even try; those who already do, do it once.
void wait_for_lock(SpinLock& lock, std::uint32_t before) {
  const std::uint32_t since = before & ~kMarks;
  while ((before & kMarks) != 0) {
    if ((before & kTaken) == 0) spin_unlock(lock);
    for (;;) {
      const std::uint32_t now = look(lock.word);
      if (now - since >= kPatience) return wait_in_order(lock);
      if ((now & kMarks) == 0) break;
      pause();
    }
    before = set(lock, kTaken);
  }
}

}  // namespace hv::riscv
