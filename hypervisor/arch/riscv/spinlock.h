// The spin lock behind Arch::lock: whoever is there first takes it, but nobody is passed over for ever,
// however harts' turns fall in a simulation. Handing it over in strict order would cost dearly where harts
// are threads of a loaded host, as on QEMU: each change would wait for one certain thread.
#pragma once

#include <cstdint>

namespace hv::riscv {

struct SpinLock {
  std::uint32_t word = 0;  // bit 0: taken; bit 1: a hart was passed over, it is next; above: uses
  std::uint32_t asked = 0, served = 0;  // tickets of those that were passed over
};
constexpr std::uint32_t kTaken = 1, kPassedOver = 2, kMarks = 3, kOneUse = 4;

// Zihintpause: a FENCE that orders nothing where the extension is unknown.
inline void pause() { asm volatile(".4byte 0x0100000f" ::: "memory"); }

inline void spin_unlock(SpinLock& lock) {
  __atomic_fetch_add(&lock.word, kOneUse - kTaken, __ATOMIC_RELEASE);
}
void wait_for_lock(SpinLock& lock, std::uint32_t before);  // what its first attempt found

inline void spin_lock(SpinLock& lock) {
  const std::uint32_t before = __atomic_fetch_or(&lock.word, kTaken, __ATOMIC_ACQUIRE);
  if ((before & kMarks) != 0) wait_for_lock(lock, before);
}

}  // namespace hv::riscv
