// How a guest publishes which of its pages are free: one entry per page, and this descriptor of how to read
// them. Freestanding; guests include it.
//
// The entry of the first page of a free run says so and how long the run is; entries inside a run are not
// looked at. A guest must change a page's entry before it writes the page. Free pages read as zero, or as
// anything they ever held, at the hypervisor's choice.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr std::uint64_t kMemoryMapMagic = 0x3150414d53495648;  // "HVISMAP1"

struct MemoryMapDescriptor {
  std::uint64_t magic;        // kMemoryMapMagic
  std::uint64_t entries;      // guest-physical address of the first entry
  std::uint64_t first_page;   // guest-physical address of the page that it speaks of
  std::uint64_t pages;        // number of entries
  std::uint32_t entry_bytes;  // 4..64, a multiple of 4
  // A run begins where (32 bits at state_offset & state_mask) == state_free; it has 2^order pages, naturally
  // aligned, with order = 32 bits at order_offset & order_mask.
  std::uint32_t state_offset, state_mask, state_free;
  std::uint32_t order_offset, order_mask;
  // For statistics: 64 bits at this offset are the ticks since when the run is free; ~0: not told.
  std::uint32_t since_offset;
  std::uint32_t reserved;
};
static_assert(sizeof(MemoryMapDescriptor) == 64);
inline constexpr std::uint32_t kReportOrder = 9;  // free page reporting: 2 MiB and more, as Linux does
inline constexpr std::uint32_t kNoSince = ~std::uint32_t{0};

// Of a map whose entries have 32-bit members `state` and `order` and say nothing about since when they are
// free.
template <class Entry>
constexpr MemoryMapDescriptor describe_map(std::uint64_t entries, std::uint64_t first_page,
                                           std::uint64_t pages, std::uint32_t free) {
  static_assert(sizeof(Entry::state) == 4 && sizeof(Entry::order) == 4);
  return {.magic = kMemoryMapMagic,
          .entries = entries,
          .first_page = first_page,
          .pages = pages,
          .entry_bytes = sizeof(Entry),
          .state_offset = offsetof(Entry, state),
          .state_mask = ~std::uint32_t{0},
          .state_free = free,
          .order_offset = offsetof(Entry, order),
          .order_mask = ~std::uint32_t{0},
          .since_offset = kNoSince,
          .reserved = 0};
}

}  // namespace hv::abi
