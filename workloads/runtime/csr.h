// CSR access and the few privileged instructions, by number from the shared list (models/cpu/isa/csr.h).
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"

namespace guest {

template <unsigned number>
inline std::uint64_t csr_read() {
  std::uint64_t value;
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(number) : "memory");
  return value;
}

template <unsigned number>
inline void csr_write(std::uint64_t value) {
  asm volatile("csrw %1, %0" : : "r"(value), "i"(number) : "memory");
}

template <unsigned number>
inline void csr_set(std::uint64_t bits) {
  asm volatile("csrs %1, %0" : : "r"(bits), "i"(number) : "memory");
}

template <unsigned number>
inline void csr_clear(std::uint64_t bits) {
  asm volatile("csrc %1, %0" : : "r"(bits), "i"(number) : "memory");
}

inline void wait_for_interrupt() { asm volatile("wfi" : : : "memory"); }
inline void fence_translations() { asm volatile("sfence.vma" : : : "memory"); }

}  // namespace guest
