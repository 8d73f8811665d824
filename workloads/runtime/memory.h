// Guest-physical memory that the image does not occupy: one region, handed out from its start, never
// returned.
#pragma once

#include <cstdint>
#include <span>

#include "hypervisor/abi/hypercall.h"

namespace guest::memory {

struct Region {
  std::uint64_t begin = 0, end = 0;  // [begin, end)
  constexpr std::uint64_t bytes() const { return end > begin ? end - begin : 0; }
};

// The largest part of `whole` that none of `taken` touches.
Region largest_gap(Region whole, std::span<const Region> taken);

// Finds the free region around the image, the boot information and the shared page.
void initialise(const hv::abi::BootInfo& info, std::uint64_t boot_info_address);

std::uint64_t available_bytes();

// Memory with whatever it held, or nullptr when there is too little left. `alignment` is a power of two.
void* allocate(std::uint64_t bytes, std::uint64_t alignment = 4096);

}  // namespace guest::memory
