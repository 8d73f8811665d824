// The devices that the hypervisor itself uses: a 16550 to print on and a finisher to end with a code.
#pragma once

#include <cstdint>
#include <string_view>

#include "hypervisor/arch/riscv/spinlock.h"
#include "hypervisor/platform.h"

namespace hv::riscv {

class Board {
 public:
  void use(const Platform& platform);
  bool has_sstc() const { return sstc_; }
  void print(std::string_view text);  // whole, whichever hart prints
  [[noreturn]] void power_off(std::uint32_t code);

 private:
  void put(char c) const;
  std::uint64_t uart_ = 0, uart_stride_ = 1, finisher_ = 0;
  bool sstc_ = false;
  SpinLock lock_{};
};

}  // namespace hv::riscv
