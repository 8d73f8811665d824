// The devices that the hypervisor itself uses: a 16550 to print on and a finisher to end with a code.
#include "hypervisor/arch/riscv/board.h"

#include "hypervisor/arch/riscv/firmware.h"

namespace hv::riscv {
namespace {

constexpr std::uint64_t kLineStatus = 5;          // 16550 register index
constexpr std::uint8_t kTransmitterEmpty = 0x20;  // LSR.THRE
constexpr std::uint32_t kFinisherFail = 0x3333;   // sifive,test0: code in the upper half

volatile std::uint8_t* device_byte(std::uint64_t address) {
  return reinterpret_cast<volatile std::uint8_t*>(address);
}

}  // namespace

void Board::use(const Platform& platform) {
  uart_ = platform.uart.value;
  uart_stride_ = platform.uart_stride;
  finisher_ = platform.finisher.value;
  sstc_ = platform.sstc;
}

void Board::put(char c) const {
  if (uart_ == 0) {
    sbi_console_putchar(c);
    return;
  }
  while ((*device_byte(uart_ + kLineStatus * uart_stride_) & kTransmitterEmpty) == 0) {
  }
  *device_byte(uart_) = static_cast<std::uint8_t>(c);
}

void Board::print(std::string_view text) {
  spin_lock(lock_);
  for (const char c : text) put(c);
  spin_unlock(lock_);
}

void Board::power_off(std::uint32_t code) {
  if (code != 0 && finisher_ != 0)
    *reinterpret_cast<volatile std::uint32_t*>(finisher_) = (code & 0xffff) << 16 | kFinisherFail;
  sbi_shut_down(code != 0);
  for (;;) asm volatile("wfi");
}

}  // namespace hv::riscv
