// The allocator of guest-physical memory.
#include "workloads/runtime/memory.h"

#include <array>

#include "models/cpu/isa/types.h"

// Bounds of the image, from the linker script.
extern "C" char image_start[], image_end[];

namespace guest::memory {

namespace {

constinit Region free_region;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

Region pages_around(std::uint64_t begin, std::uint64_t bytes) {
  using hvsim::isa::kPageBytes;
  return {begin & ~(kPageBytes - 1), align_up(begin + bytes, kPageBytes)};
}

}  // namespace

void initialise(const hv::abi::BootInfo& info, std::uint64_t boot_info_address) {
  const auto image = reinterpret_cast<std::uint64_t>(image_start);
  const auto end = reinterpret_cast<std::uint64_t>(image_end);
  const std::array taken{pages_around(image, end - image),
                         pages_around(boot_info_address, sizeof(hv::abi::BootInfo)),
                         pages_around(info.shared_page, sizeof(hv::abi::SharedPage))};
  free_region = largest_gap({info.memory_base, info.memory_base + info.memory_bytes}, taken);
}

std::uint64_t available_bytes() { return free_region.bytes(); }

void* allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t begin = align_up(free_region.begin, alignment);
  if (begin > free_region.end || bytes > free_region.end - begin) return nullptr;
  free_region.begin = begin + bytes;
  return reinterpret_cast<void*>(begin);
}

}  // namespace guest::memory
