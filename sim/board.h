// What every machine here has in common with QEMU's `virt` board: where things are, and which line they pull.
#pragma once

#include <cstdint>

#include "models/cpu/isa/types.h"

namespace hvsim::sim {

inline constexpr unsigned kMaxHarts = 64;
inline constexpr unsigned kVirtioSlots = 8;

// The memory map.
namespace map {
inline constexpr isa::Hpa finisher{0x0010'0000}, rtc{0x0010'1000}, aclint{0x0200'0000}, plic{0x0C00'0000},
    uart{0x1000'0000}, virtio{0x1000'1000}, ram{0x8000'0000};
inline constexpr std::uint64_t virtio_stride = 0x1000;
inline constexpr unsigned uart_interrupt = 10, rtc_interrupt = 11, virtio_interrupt = 1;  // of the first slot
}  // namespace map

}  // namespace hvsim::sim
