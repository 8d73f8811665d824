// A small driver of virtio-mmio devices for machine mode: one queue at a time, interrupts through the PLIC.
#pragma once

#include <cstdint>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "workloads/bare/board.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/format.h"
#include "workloads/virtio/virtio.h"

namespace devices {

inline void print(std::string_view text) { bare::put(text); }
inline void print(std::uint64_t value) {
  guest::FormatBuffer buffer;
  bare::put(" ");
  bare::put(format(guest::Hex{value, 8}, buffer));
}
template <class... Values>
inline void line(std::string_view text, Values... values) {
  print(text);
  (print(static_cast<std::uint64_t>(values)), ...);
  print("\n");
}

namespace plic {
inline constexpr std::uintptr_t kBase = 0x0C00'0000, kEnable = kBase + 0x2000, kThreshold = kBase + 0x20'0000,
                                kClaim = kThreshold + 4;

inline void enable(unsigned source) {
  bare::device_register<std::uint32_t>(kBase + 4 * source) = 1;
  volatile auto& word = bare::device_register<std::uint32_t>(kEnable + source / 32 * 4);
  word = word | 1u << source % 32;
  bare::device_register<std::uint32_t>(kThreshold) = 0;
  guest::csr_set<hvsim::isa::csr::mie>(bit(hvsim::isa::Interrupt::machine_external));
}
// Interrupts are off in mstatus: WFI returns and the interrupt is fetched by hand.
inline std::uint32_t wait() {
  while ((guest::csr_read<hvsim::isa::csr::mip>() & bit(hvsim::isa::Interrupt::machine_external)) == 0)
    asm volatile("wfi" ::: "memory");
  return bare::device_register<std::uint32_t>(kClaim);
}
inline void complete(std::uint32_t source) { bare::device_register<std::uint32_t>(kClaim) = source; }
}  // namespace plic

using virtio::Descriptor, virtio::kNext, virtio::kWrite, virtio::kIndirect, virtio::Queue, virtio::fence;

// One of the places where the board has virtio devices.
class Slot : public virtio::Registers {
 public:
  static constexpr unsigned kSlots = 8;
  explicit Slot(unsigned number) : Registers(0x1000'1000 + 0x1000 * number) {}
};

}  // namespace devices
