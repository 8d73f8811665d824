// A small driver of virtio-mmio devices for machine mode: one queue at a time, interrupts through the PLIC.
#pragma once

#include <array>
#include <cstdint>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "workloads/bare/board.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/format.h"

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

struct Descriptor {
  std::uint64_t address;
  std::uint32_t bytes;
  std::uint16_t flags, next;
};
inline constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

template <unsigned Size>
struct Queue {
  alignas(16) std::array<Descriptor, Size> descriptors;
  struct {
    volatile std::uint16_t flags, index, ring[Size], used_event;
  } available;
  struct {
    alignas(4) volatile std::uint16_t flags;
    volatile std::uint16_t index;
    struct {
      volatile std::uint32_t id, bytes;
    } ring[Size];
    volatile std::uint16_t available_event;
  } used;
};

// A slot's registers.
class Slot {
 public:
  static constexpr unsigned kSlots = 8;
  static constexpr std::uint32_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8;

  explicit Slot(unsigned number) : base_(0x1000'1000 + 0x1000 * number) {}

  volatile std::uint32_t& at(unsigned offset) const {
    return bare::device_register<std::uint32_t>(base_ + offset);
  }
  std::uint32_t device_id() const { return at(0x008); }
  std::uint32_t status() const { return at(0x070); }
  void add_status(std::uint32_t bits) { at(0x070) = status() | bits; }

  std::uint64_t features() const {
    at(0x014) = 1;
    const std::uint64_t high = at(0x010);
    at(0x014) = 0;
    return high << 32 | at(0x010);
  }
  // Resets and negotiates; answers whether the device took the features.
  bool negotiate(std::uint64_t wanted) {
    at(0x070) = 0;
    add_status(kAcknowledge);
    add_status(kDriver);
    at(0x024) = 1;
    at(0x020) = static_cast<std::uint32_t>(wanted >> 32);
    at(0x024) = 0;
    at(0x020) = static_cast<std::uint32_t>(wanted);
    add_status(kFeaturesOk);
    return (status() & kFeaturesOk) != 0;
  }
  template <unsigned Size>
  void start_queue(unsigned number, Queue<Size>& queue) {
    at(0x030) = number;
    at(0x038) = Size;
    write_address(0x080, &queue.descriptors);
    write_address(0x090, &queue.available);
    write_address(0x0A0, &queue.used);
    at(0x044) = 1;
  }
  void notify(unsigned queue) { at(0x050) = queue; }
  std::uint32_t acknowledge_interrupt() {
    const std::uint32_t reasons = at(0x060);
    at(0x064) = reasons;
    return reasons;
  }

 private:
  void write_address(unsigned offset, const void* address) {
    const auto value = reinterpret_cast<std::uint64_t>(address);
    at(offset) = static_cast<std::uint32_t>(value);
    at(offset + 4) = static_cast<std::uint32_t>(value >> 32);
  }
  std::uintptr_t base_;
};

inline void fence() { asm volatile("fence" ::: "memory"); }

}  // namespace devices
