// CSR access by number: gcc 12's assembler knows the H extension's names only behind an option.
#pragma once

#include <cstdint>

namespace hv::riscv {

template <unsigned number>
inline std::uint64_t read_csr() {
  std::uint64_t value;
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(number) : "memory");
  return value;
}
template <unsigned number>
inline void write_csr(std::uint64_t value) {
  asm volatile("csrw %0, %1" : : "i"(number), "rK"(value) : "memory");
}
template <unsigned number>
inline void set_csr_bits(std::uint64_t bits) {
  asm volatile("csrs %0, %1" : : "i"(number), "rK"(bits) : "memory");
}
template <unsigned number>
inline void clear_csr_bits(std::uint64_t bits) {
  asm volatile("csrc %0, %1" : : "i"(number), "rK"(bits) : "memory");
}

}  // namespace hv::riscv
