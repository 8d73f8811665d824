// Builds page tables in physical memory for the tests: one table tree per root, filled page by page.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "models/cpu/isa/paging.h"
#include "models/mem/physical_memory.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"

namespace hvsim::mmu {

namespace bits {
inline constexpr std::uint64_t v = 1, r = 2, w = 4, x = 8, u = 16, g = 32, a = 64, d = 128;
inline constexpr std::uint64_t rw = v | r | w | a | d, rwx = rw | x;
}  // namespace bits

inline const isa::PagingScheme& sv39 = isa::kFirstStageSchemes[0];
inline const isa::PagingScheme& sv48 = isa::kFirstStageSchemes[1];
inline const isa::PagingScheme& sv57 = isa::kFirstStageSchemes[2];
inline const isa::PagingScheme& sv39x4 = isa::kGStageSchemes[0];
inline const isa::PagingScheme& sv48x4 = isa::kGStageSchemes[1];
inline const isa::PagingScheme& sv57x4 = isa::kGStageSchemes[2];

inline constexpr std::uint64_t kRam = 0x80000000;

// RAM, an open PMP and an Mmu; tables are taken from the top megabytes, one 4 KiB page after the other.
class Machine {
 public:
  Machine() { open_pmp(); }

  void open_pmp() {
    const std::uint8_t cfg[] = {0x1F};  // NAPOT, RWX
    const std::uint64_t addr[] = {~std::uint64_t{0}};
    pmp.update(cfg, addr);
  }

  std::uint64_t new_table(std::uint64_t bytes = 4096) {
    next_ = (next_ + bytes - 1) & ~(bytes - 1);
    const std::uint64_t table = next_;
    next_ += bytes;
    return table;
  }
  std::uint64_t new_root(const isa::PagingScheme& scheme) {
    return new_table(4096U << scheme.root_extra_bits);
  }

  std::uint64_t load(std::uint64_t address) const {
    std::uint64_t value = 0;
    EXPECT_TRUE(memory.read(isa::Hpa{address}, value)) << std::hex << address;
    return value;
  }
  void store(std::uint64_t address, std::uint64_t value) {
    EXPECT_TRUE(memory.write(isa::Hpa{address}, value));
  }

  // Where the PTE of `address` at `level` is; makes the tables above it. Tables' own addresses are taken as
  // they are, so a guest's tables are built under an identity map of guest-physical memory.
  std::uint64_t pte_at(const isa::PagingScheme& scheme, std::uint64_t root, std::uint64_t address,
                       unsigned level) {
    std::uint64_t table = root;
    for (unsigned i = scheme.levels - 1U;; --i) {
      const std::uint64_t index = i + 1U == scheme.levels
                                      ? address % (std::uint64_t{1} << scheme.va_bits) >> (12 + 9 * i)
                                      : address >> (12 + 9 * i) & 511;
      const std::uint64_t where = table + index * 8;
      if (i == level) return where;
      if ((load(where) & bits::v) == 0) store(where, new_table() >> 12 << 10 | bits::v);
      table = load(where) >> 10 << 12;
    }
  }
  std::uint64_t map(const isa::PagingScheme& scheme, std::uint64_t root, std::uint64_t address,
                    std::uint64_t to, std::uint64_t flags, unsigned level = 0) {
    const std::uint64_t where = pte_at(scheme, root, address, level);
    store(where, to >> 12 << 10 | flags);
    return where;
  }
  // Maps all RAM to itself for a guest, with pages of this level.
  void map_guest_ram(const isa::PagingScheme& scheme, std::uint64_t root, unsigned level,
                     std::uint64_t flags = bits::rwx | bits::u) {
    const std::uint64_t page = std::uint64_t{4096} << (9 * level);
    for (std::uint64_t at = kRam & ~(page - 1); at < kRam + memory.ram_bytes(); at += page)
      map(scheme, root, at, at, flags, level);
  }

  isa::Result<Translation, TranslationFault> translate(std::uint64_t address, isa::Access access,
                                                       const AddressSpace& space) {
    trace = {};
    return mmu.translate(isa::Gva{address}, access, 8, space, trace);
  }
  unsigned reads() const {
    unsigned count = 0;
    for (unsigned i = 0; i < trace.count; ++i) count += !trace.reads[i].write;
    return count;
  }
  unsigned writes() const { return trace.count - reads(); }

  mem::PhysicalMemory memory =
      std::move(mem::PhysicalMemory::create(isa::Hpa{kRam}, std::uint64_t{16} << 20).value());
  Pmp pmp;
  Mmu mmu{memory, pmp};
  WalkTrace trace;

 private:
  std::uint64_t next_ = kRam + (std::uint64_t{8} << 20);
};

inline AddressSpace supervisor_space(const isa::PagingScheme& scheme, std::uint64_t root) {
  return {.first = {&scheme, root, 1}, .privilege = isa::Privilege::supervisor};
}

}  // namespace hvsim::mmu
