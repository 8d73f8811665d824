// The board's registers that machine-mode programs use: console, test finisher, timer (QEMU's virt map).
#pragma once

#include <cstdint>
#include <string_view>

namespace bare {

template <class T>
inline volatile T& device_register(std::uintptr_t address) {
  return *reinterpret_cast<volatile T*>(address);
}

inline void put(char character) {
  constexpr std::uintptr_t kUart = 0x1000'0000, kLineStatus = kUart + 5;
  constexpr std::uint8_t kTransmitterEmpty = 0x20;
  while ((device_register<std::uint8_t>(kLineStatus) & kTransmitterEmpty) == 0) {
  }
  device_register<std::uint8_t>(kUart) = static_cast<std::uint8_t>(character);
}

inline void put(std::string_view text) {
  for (const char character : text) put(character);
}

// Ends the simulation or QEMU with this exit code.
[[noreturn]] inline void finish(std::uint64_t code) {
  constexpr std::uintptr_t kFinisher = 0x0010'0000;
  constexpr std::uint32_t kPass = 0x5555, kFail = 0x3333;
  const auto low = static_cast<std::uint32_t>(code & 0xFFFF);
  device_register<std::uint32_t>(kFinisher) = low == 0 ? kPass : (low << 16 | kFail);
  while (true) asm volatile("wfi");
}

// Machine timer interrupt of hart 0 once the time reaches `deadline`.
inline void set_machine_timer(std::uint64_t deadline) {
  device_register<std::uint64_t>(0x0200'4000) = deadline;
}

}  // namespace bare
