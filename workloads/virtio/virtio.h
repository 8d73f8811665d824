// A driver's side of virtio-mmio (Virtual I/O Device specification 1.2, 2.7 and 4.2): registers and split
// queues. Knows no machine: addresses are physical and mapped to themselves.
#pragma once

#include <array>
#include <cstdint>

namespace virtio {

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

// What a block device's request begins with.
struct BlockHeader {
  std::uint32_t type, reserved;
  std::uint64_t sector;
};
inline constexpr std::uint32_t kBlockRead = 0, kBlockWrite = 1;
inline constexpr std::uint32_t kSectorBytes = 512;
inline constexpr std::uint64_t kVersion1 = std::uint64_t{1} << 32;

// A device's registers.
class Registers {
 public:
  static constexpr std::uint32_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8;

  constexpr explicit Registers(std::uint64_t base) : base_(base) {}

  volatile std::uint32_t& at(unsigned offset) const {
    return *reinterpret_cast<volatile std::uint32_t*>(base_ + offset);
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
    start_queue(number, Size, address(&queue.descriptors), address(&queue.available), address(&queue.used));
  }
  void start_queue(unsigned number, std::uint32_t size, std::uint64_t descriptors, std::uint64_t available,
                   std::uint64_t used) {
    at(0x030) = number;
    at(0x038) = size;
    write_address(0x080, descriptors);
    write_address(0x090, available);
    write_address(0x0A0, used);
    at(0x044) = 1;
  }
  void notify(unsigned queue) { at(0x050) = queue; }
  std::uint32_t acknowledge_interrupt() {
    const std::uint32_t reasons = at(0x060);
    at(0x064) = reasons;
    return reasons;
  }

 private:
  static std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }
  void write_address(unsigned offset, std::uint64_t value) {
    at(offset) = static_cast<std::uint32_t>(value);
    at(offset + 4) = static_cast<std::uint32_t>(value >> 32);
  }
  std::uint64_t base_;
};

inline void fence() { asm volatile("fence" ::: "memory"); }

}  // namespace virtio
