// The device tree of a VM that boots Linux, and the addresses and interrupts of its devices.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hypervisor/fdt_builder.h"
#include "models/cpu/isa/types.h"

namespace hv {

// Guest-physical, at the places of QEMU's `virt`.
inline constexpr std::uint64_t kGuestPlic = 0x0c00'0000, kGuestUart = 0x1000'0000, kGuestDisk = 0x1000'1000;
inline constexpr unsigned kUartInterrupt = 10, kDiskInterrupt = 1;  // sources of the PLIC

struct GuestMachine {
  unsigned vcpus = 1;
  std::uint64_t timebase_hz = 0;
  std::string_view machine_isa;  // riscv,isa of the harts; guests get the part that they can have
  std::string_view mmu_type;
  bool sstc = false;
  bool disk = false;
  std::uint64_t memory_base = 0, memory_bytes = 0;
  std::uint64_t initrd = 0, initrd_bytes = 0;  // guest-physical; 0 bytes: none
  std::string_view bootargs;
  std::span<const std::byte> rng_seed;
};

// Empty: it does not fit.
std::span<const std::byte> make_guest_tree(FdtBuilder& tree, const GuestMachine& machine);

}  // namespace hv
