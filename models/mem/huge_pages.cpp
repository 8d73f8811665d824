// Deciding where the host's pages become huge ones.
#include "models/mem/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "models/cpu/isa/types.h"

namespace hvsim::mem {

namespace {

constexpr std::uintptr_t kBytes = std::uintptr_t{1} << HugePages::kShift;
constexpr int kCollapse =
    25;  // MADV_COLLAPSE of Linux 6.1, which older headers lack and older kernels refuse
constexpr std::size_t kPages = kBytes / isa::kPageBytes, kDensePages = kPages / 4 * 3;

}  // namespace

void will_fill(const void* memory, std::uint64_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kBytes - 1) & ~(kBytes - 1), end = (begin + bytes) & ~(kBytes - 1);
  if (first >= end) return;
  madvise(static_cast<std::uint8_t*>(const_cast<void*>(memory)) + (first - begin), end - first,
          MADV_HUGEPAGE);
}

HugePages::HugePages(const std::uint8_t* memory, std::uint64_t bytes)
    : begin_(reinterpret_cast<std::uintptr_t>(memory)),
      end_(begin_ + bytes),
      first_(begin_ >> kShift),
      uses_(((end_ - 1) >> kShift) - first_ + 1, 0) {}

// Three quarters of the small pages must be there already.
bool HugePages::consider(const std::uint8_t* byte) const {
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(byte) & ~(kBytes - 1);
  if (start < begin_ || end_ - start < kBytes) return true;  // not wholly ours: small pages for ever
  auto* const where = const_cast<std::uint8_t*>(byte) - (reinterpret_cast<std::uintptr_t>(byte) - start);
  std::array<unsigned char, kPages> resident{};
  if (mincore(where, kBytes, resident.data()) != 0) return true;
  const auto there = std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; });
  if (static_cast<std::size_t>(there) < kDensePages) return false;
  madvise(where, kBytes, kCollapse);
  return true;
}

}  // namespace hvsim::mem
