// Sv39 translation: the guest's memory at its own addresses, and windows at the top of the address space.
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"

namespace guest::paging {

enum class PageSize : std::uint64_t { small = 4096, mega = std::uint64_t{2} << 20 };

// Start of the half of Sv39's address space whose upper bits are ones.
inline constexpr std::uint64_t kHighHalf = 0xFFFF'FFC0'0000'0000;

// Maps all memory of the VM and the shared page at their own addresses and switches translation on;
// false when memory for the tables is lacking.
bool enable(const hv::abi::BootInfo& info);

// Maps [physical, physical + bytes) at `virtual_address`, readable and writable; all three are
// multiples of `size`. False when memory for the tables is lacking.
bool map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t bytes, PageSize size);

}  // namespace guest::paging
