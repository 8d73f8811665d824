// UART and PLIC under any register accesses and any input.
#include <gtest/gtest.h>

#include "models/device/uart16550.h"
#include "models/irq/plic.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

struct Lines final : irq::Sink {
  void set_level(unsigned line, bool) override { EXPECT_LT(line, 64u); }
};

}  // namespace

void uart(std::span<const std::uint8_t> bytes) {
  Lines lines;
  std::size_t sent = 0;
  device::Uart16550 uart([&](std::uint8_t) { ++sent; }, lines, 10);
  Input input(bytes);
  std::size_t writes = 0;
  while (!input.empty()) {
    const auto what = input.take<std::uint8_t>();
    const unsigned width = 1u << (what >> 2 & 3);
    const std::uint64_t offset = input.take<std::uint8_t>() & ~std::uint64_t{width - 1};
    std::uint64_t value = 0;
    switch (what & 3) {
      case 0:
        uart.read(offset, width, value);
        break;
      case 1:
        uart.write(offset, width, input.take<std::uint64_t>());
        ++writes;
        break;
      default:
        uart.push(input.take_bytes(what >> 4));
        break;
    }
    EXPECT_LE(uart.state().receive_fifo.size(), device::Uart16550::kFifoBytes);
  }
  EXPECT_LE(sent, writes);
}

std::vector<Bytes> uart_seeds() {
  Script echo;
  echo.add(std::uint8_t{1}).add(std::uint8_t{2}).add(std::uint64_t{0xC7});
  echo.add(std::uint8_t{1}).add(std::uint8_t{1}).add(std::uint64_t{0x0F});
  echo.add(std::uint8_t{0x42}).add(std::uint8_t{0}).add(std::uint32_t{0x64636261});
  echo.add(std::uint8_t{0}).add(std::uint8_t{2}).add(std::uint8_t{0}).add(std::uint8_t{0});
  echo.add(std::uint8_t{1}).add(std::uint8_t{0}).add(std::uint64_t{'a'});
  return {echo.bytes()};
}

void plic(std::span<const std::uint8_t> bytes) {
  Lines first, second;
  irq::Plic plic({&first, &second});
  Input input(bytes);
  while (!input.empty()) {
    const auto what = input.take<std::uint8_t>();
    const unsigned width = 1u << (what >> 2 & 3);
    std::uint64_t value = 0;
    if ((what & 3) == 2) {
      const unsigned source = 1 + input.take<std::uint8_t>() % irq::PlicState::kSources;
      plic.set_level(source, (what & 0x10) != 0);
      continue;
    }
    const std::uint64_t offset = input.take<std::uint32_t>() % irq::Plic::kBytes & ~std::uint64_t{width - 1};
    if ((what & 1) == 0) {
      const bool context = offset >= irq::Plic::kContext && offset % irq::Plic::kContextStride == 4;
      if (plic.read(offset, width, value) && context) {
        EXPECT_LE(value, irq::PlicState::kSources);
      }
    } else {
      plic.write(offset, width, input.take<std::uint32_t>());
    }
  }
}

std::vector<Bytes> plic_seeds() {
  Script claim;
  const auto write = [&](std::uint32_t offset, std::uint32_t value) {
    claim.add(std::uint8_t{0x09}).add(offset).add(value);
  };
  write(4 * 10, 7);
  write(0x2080, 1 << 10);
  write(0x201000, 0);
  claim.add(std::uint8_t{0x12}).add(std::uint8_t{9});
  claim.add(std::uint8_t{0x08}).add(std::uint32_t{0x201004});
  write(0x201004, 10);
  return {claim.bytes()};
}

}  // namespace hvsim::fuzz
