// How to read a VM's memory map, wherever the knowledge comes from: a descriptor that the guest published, or
// what introspection found.
#pragma once

#include <cstdint>
#include <type_traits>

namespace hv {

struct MapLayout {
  std::uint64_t root = 0;     // satp that translates `entries`; 0: they are guest-physical
  std::uint64_t entries = 0;  // address of the entry of `first`
  std::uint64_t first = 0;    // number of a page, counted from abi::kGuestMemoryBase
  std::uint64_t pages = 0;    // entries
  std::uint32_t entry_bytes = 0;
  std::uint32_t state_offset = 0, state_mask = 0, state_free = 0;
  std::uint32_t order_offset = 0, order_mask = 0;
  std::uint32_t since_offset = ~std::uint32_t{0};
  std::uint32_t present = 0;  // 0 or 1
};
static_assert(std::has_unique_object_representations_v<MapLayout>);  // see SchedulerSettings

}  // namespace hv
