// Sv39 tables (privileged manual, "Sv39: Page-Based 39-bit Virtual-Memory System").
#include "workloads/runtime/paging.h"

#include <cstring>

#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/types.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/memory.h"

namespace guest::paging {

namespace {

namespace pte = hvsim::isa::pte;
using hvsim::isa::kPageBytes;
using hvsim::isa::kPageShift;

constexpr unsigned kTopLevel = 2, kIndexBits = 9;
constexpr std::uint64_t kMegaBytes = static_cast<std::uint64_t>(PageSize::mega);
// A and D are set beforehand: some harts fault instead of setting them (Svade).
constexpr std::uint64_t kReadWrite = pte::v | pte::r | pte::w | pte::a | pte::d;

constinit std::uint64_t* root = nullptr;

std::uint64_t* entry(std::uint64_t* table, std::uint64_t address, unsigned level) {
  const std::uint64_t index = address >> (kPageShift + kIndexBits * level);
  return &table[index & ((1u << kIndexBits) - 1)];
}

constexpr std::uint64_t make_pte(std::uint64_t physical, std::uint64_t flags) {
  return (physical >> kPageShift << pte::ppn_shift) | flags;
}

std::uint64_t* table_at(std::uint64_t parent) {
  return reinterpret_cast<std::uint64_t*>((parent & pte::ppn_mask) >> pte::ppn_shift << kPageShift);
}

std::uint64_t* new_table() {
  void* const table = memory::allocate(kPageBytes);
  if (table != nullptr) std::memset(table, 0, kPageBytes);
  return static_cast<std::uint64_t*>(table);
}

bool map_one(std::uint64_t address, std::uint64_t physical, unsigned leaf_level, std::uint64_t flags) {
  std::uint64_t* table = root;
  for (unsigned level = kTopLevel; level > leaf_level; --level) {
    std::uint64_t* const parent = entry(table, address, level);
    if ((*parent & pte::v) == 0) {
      const std::uint64_t* const fresh = new_table();
      if (fresh == nullptr) return false;
      *parent = make_pte(reinterpret_cast<std::uint64_t>(fresh), pte::v);
    }
    table = table_at(*parent);
  }
  *entry(table, address, leaf_level) = make_pte(physical, flags);
  return true;
}

bool map_range(std::uint64_t address, std::uint64_t physical, std::uint64_t bytes, PageSize size,
               std::uint64_t flags) {
  const auto step = static_cast<std::uint64_t>(size);
  for (std::uint64_t done = 0; done < bytes; done += step)
    if (!map_one(address + done, physical + done, size == PageSize::mega ? 1 : 0, flags)) return false;
  return true;
}

// A page that lies outside the memory mapped so far.
bool map_apart(const hv::abi::BootInfo& info, std::uint64_t page, std::uint64_t flags) {
  const bool mapped = page >= info.memory_base && page - info.memory_base < info.memory_bytes;
  return mapped || map_one(page, page, 0, flags);
}

}  // namespace

bool enable(const hv::abi::BootInfo& info) {
  root = new_table();
  if (root == nullptr) return false;
  const std::uint64_t flags = kReadWrite | pte::x | pte::g;
  const std::uint64_t mega_part = info.memory_bytes / kMegaBytes * kMegaBytes;
  const std::uint64_t rest = info.memory_bytes - mega_part;
  const std::uint64_t tail = info.memory_base + mega_part;
  if (!map_range(info.memory_base, info.memory_base, mega_part, PageSize::mega, flags) ||
      !map_range(tail, tail, rest, PageSize::small, flags) ||
      !map_apart(info, info.shared_page & ~hvsim::isa::kPageMask, kReadWrite | pte::g) ||
      (info.ring_capacity != 0 && !map_range(info.rings, info.rings, info.ring_stride * info.vcpus,
                                             PageSize::small, kReadWrite | pte::g)))
    return false;
  fence_translations();
  csr_write<hvsim::isa::csr::satp>((hvsim::isa::csr::kModeSv39 << hvsim::isa::csr::kAtpModeShift) |
                                   (reinterpret_cast<std::uint64_t>(root) >> kPageShift));
  fence_translations();
  return true;
}

bool map(std::uint64_t virtual_address, std::uint64_t physical, std::uint64_t bytes, PageSize size) {
  const bool mapped = map_range(virtual_address, physical, bytes, size, kReadWrite);
  fence_translations();
  return mapped;
}

}  // namespace guest::paging
