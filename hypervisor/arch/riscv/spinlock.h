// The spin lock behind Arch::lock: test, then test and set.
#pragma once

#include <cstdint>

namespace hv::riscv {

inline void spin_lock(std::uint32_t& word) {
  while (__atomic_exchange_n(&word, 1u, __ATOMIC_ACQUIRE) != 0)
    while (__atomic_load_n(&word, __ATOMIC_RELAXED) != 0) {
    }
}
inline void spin_unlock(std::uint32_t& word) { __atomic_store_n(&word, 0u, __ATOMIC_RELEASE); }

}  // namespace hv::riscv
