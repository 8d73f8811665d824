// Calls to the machine-mode firmware below us (RISC-V SBI specification).
#pragma once

#include <cstdint>

namespace hv::riscv {

struct SbiAnswer {
  std::int64_t error;
  std::uint64_t value;
};

inline SbiAnswer sbi_call(std::uint64_t extension, std::uint64_t function, std::uint64_t a = 0,
                          std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0,
                          std::uint64_t e = 0) {
  register std::uint64_t a0 asm("a0") = a;
  register std::uint64_t a1 asm("a1") = b;
  register std::uint64_t a2 asm("a2") = c;
  register std::uint64_t a3 asm("a3") = d;
  register std::uint64_t a4 asm("a4") = e;
  register std::uint64_t a6 asm("a6") = function;
  register std::uint64_t a7 asm("a7") = extension;
  asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
  return {static_cast<std::int64_t>(a0), a1};
}

inline void sbi_set_timer(std::uint64_t ticks) { sbi_call(0x54494D45, 0, ticks); }
inline void sbi_send_ipi(unsigned hart) { sbi_call(0x735049, 0, 1, hart); }
inline SbiAnswer sbi_hart_start(unsigned hart, std::uint64_t address, std::uint64_t argument) {
  return sbi_call(0x48534D, 0, hart, address, argument);
}
inline void sbi_console_putchar(char c) { sbi_call(1, 0, static_cast<unsigned char>(c)); }
inline void sbi_shut_down(bool failed) { sbi_call(0x53525354, 0, 0, failed ? 1 : 0); }

// Remote fences over the whole address space, on the harts of the mask; complete on return.
inline constexpr std::uint64_t kRfence = 0x52464E43, kWhole = ~std::uint64_t{0};
inline void sbi_remote_fence_i(std::uint64_t harts) { sbi_call(kRfence, 0, harts, 0); }
inline void sbi_remote_hfence_gvma_vmid(std::uint64_t harts, std::uint64_t vmid) {
  sbi_call(kRfence, 3, harts, 0, 0, kWhole, vmid);
}
inline void sbi_remote_hfence_gvma_page(std::uint64_t harts, std::uint64_t page, std::uint64_t vmid) {
  sbi_call(kRfence, 3, harts, 0, page, 4096, vmid);
}
inline void sbi_remote_hfence_gvma(std::uint64_t harts) { sbi_call(kRfence, 4, harts, 0, 0, kWhole); }
// For the VMID in this hart's hgatp.
inline void sbi_remote_hfence_vvma(std::uint64_t harts) { sbi_call(kRfence, 6, harts, 0, 0, kWhole); }

}  // namespace hv::riscv
