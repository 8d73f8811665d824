// A memory map in a guest that is played by a test.
#pragma once

#include "hypervisor/abi/memory_map.h"
#include "tests/hypervisor/bench.h"

namespace hv {

struct MapEntry {
  std::uint32_t state, order;
};
inline constexpr std::uint32_t kFreeState = 7;
inline constexpr std::uint64_t kDescriptorAt = abi::kGuestMemoryBase + 0x1000,
                               kEntriesAt = abi::kGuestMemoryBase + 0x2000;

// Of the pages from `first_page` on, a number from the begin of the guest's memory.
inline abi::MemoryMapDescriptor cooperative_map(std::uint64_t first_page, std::uint64_t pages) {
  return abi::describe_map<MapEntry>(kEntriesAt, abi::kGuestMemoryBase + first_page * hvsim::isa::kPageBytes,
                                     pages, kFreeState);
}

// Tells the hypervisor that the descriptor is in its place.
inline void publish_map(Bench& bench, unsigned vm) {
  const std::uint64_t at = kDescriptorAt;
  bench.harts[0].copy_out(bench.core->vm(vm).shared_page + offsetof(abi::SharedPage, memory_map), &at,
                          sizeof at);
}

}  // namespace hv
