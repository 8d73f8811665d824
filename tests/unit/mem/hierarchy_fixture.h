// What tests of the hierarchy build and ask.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "models/mem/hierarchy.h"

namespace hvsim::mem::test {

inline constexpr MemoryRange kRam{isa::Hpa{0x80000000}, 64 * 4096};

inline HierarchyConfig small_config(unsigned line_bytes = 64) {
  HierarchyConfig config;
  config.l1i = {.size_bytes = 4U * line_bytes * 2,
                .ways = 2,
                .line_bytes = line_bytes,
                .replacement = Replacement::fifo};
  config.l1d = {.size_bytes = 4U * line_bytes * 3,
                .ways = 3,
                .line_bytes = line_bytes,
                .replacement = Replacement::fifo};
  config.l2 = {.size_bytes = 8U * line_bytes * 4,
               .ways = 4,
               .line_bytes = line_bytes,
               .hit_latency = 12,
               .replacement = Replacement::lru};
  return config;
}

inline std::unique_ptr<Hierarchy> build(const HierarchyConfig& config, unsigned harts) {
  auto built = Hierarchy::create(config, harts, kRam);
  EXPECT_TRUE(built.ok()) << built.error();
  return std::move(built.value());
}

inline bool bit(const Hierarchy& hierarchy, const std::uint64_t* words, isa::Hpa address) {
  const std::uint64_t offset = address.value - kRam.base.value;
  return (words[hierarchy.presence().word(offset)] & hierarchy.presence().bit(offset)) != 0;
}
inline bool readable(const Hierarchy& h, unsigned hart, isa::Hpa a) {
  return bit(h, h.readable_words(hart), a);
}
inline bool writable(const Hierarchy& h, unsigned hart, isa::Hpa a) {
  return bit(h, h.writable_words(hart), a);
}
inline bool fetchable(const Hierarchy& h, unsigned hart, isa::Hpa a) {
  return bit(h, h.fetchable_words(hart), a);
}

}  // namespace hvsim::mem::test
