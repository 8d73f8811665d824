// Where QEMU's `virt` board has what the kernel uses, and where the kernel puts things in its address spaces.
#pragma once

#include <cstdint>

namespace kernel {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr unsigned kMaxHarts = 8;

inline constexpr std::uint64_t kFinisher = 0x0010'0000, kMtimecmp = 0x0200'4000, kMtime = 0x0200'BFF8,
                               kPlic = 0x0C00'0000, kPlicBytes = 0x0040'0000, kUart = 0x1000'0000,
                               kDisk = 0x1000'1000, kMemory = 0x8000'0000,
                               kMemoryEnd = kMemory + (std::uint64_t{128} << 20);
inline constexpr unsigned kDiskInterrupt = 1, kUartInterrupt = 10;
inline constexpr std::uint64_t kTick = 20'000;  // of the 10 MHz clock: 2 ms

// The lower half of Sv39 ends at 2^38. The last page of every address space is the trampoline. Below it, a
// process has its trap frame, a page that nobody may touch, and its stack; the kernel has its stacks there.
inline constexpr std::uint64_t kTrampoline = (std::uint64_t{1} << 38) - kPageBytes,
                               kTrapFrame = kTrampoline - kPageBytes, kUserStackTop = kTrapFrame - kPageBytes;
inline constexpr unsigned kUserStackPages = 2;

// The kernel's stack of process slot `n`: one page, and one below it that nothing is mapped to.
constexpr std::uint64_t kernel_stack(unsigned n) { return kTrampoline - (2 * n + 2) * kPageBytes; }

template <class T>
inline volatile T& device_register(std::uint64_t address) {
  return *reinterpret_cast<volatile T*>(address);
}

}  // namespace kernel
