// Devices' direct accesses are coherent with the caches: as those of another hart would be.
#include <gtest/gtest.h>

#include "models/mem/hierarchy.h"

namespace hvsim::mem {
namespace {

using isa::Hpa;
using Kind = Hierarchy::Kind;

class HierarchyDevices : public testing::Test {
 protected:
  static constexpr MemoryRange kRam{Hpa{0x80000000}, 64 * 4096};
  static constexpr Hpa kLine{0x80001000}, kNext{0x80001040};

  bool bit(const std::uint64_t* words, Hpa address) const {
    const std::uint64_t offset = address.value - kRam.base.value;
    return (words[caches_->presence().word(offset)] & caches_->presence().bit(offset)) != 0;
  }
  bool readable(unsigned hart, Hpa address) const { return bit(caches_->readable_words(hart), address); }
  bool writable(unsigned hart, Hpa address) const { return bit(caches_->writable_words(hart), address); }
  bool fetchable(unsigned hart, Hpa address) const { return bit(caches_->fetchable_words(hart), address); }

  std::unique_ptr<Hierarchy> caches_ = std::move(Hierarchy::create({}, 2, kRam).value());
};

TEST_F(HierarchyDevices, ReadingMakesAnOwnerShare) {
  caches_->access(0, Kind::store, kLine, 0);
  ASSERT_TRUE(writable(0, kLine));
  caches_->device_read(kLine + 60, 8);
  EXPECT_FALSE(writable(0, kLine)) << "the next store must be seen";
  EXPECT_TRUE(readable(0, kLine));
  EXPECT_EQ(caches_->coherence_stats().downgrades, 1u);
  caches_->device_read(kLine, 64);
  EXPECT_EQ(caches_->coherence_stats().downgrades, 1u);
}

TEST_F(HierarchyDevices, WritingTakesTheLineFromEveryDataCache) {
  caches_->access(0, Kind::load, kLine, 0);
  caches_->access(1, Kind::load, kLine, 0);
  caches_->access(1, Kind::store, kNext, 0);
  caches_->device_write(kLine + 63, 2);
  for (const unsigned hart : {0u, 1u}) EXPECT_FALSE(readable(hart, kLine) || readable(hart, kNext)) << hart;
  EXPECT_FALSE(writable(1, kNext));
  EXPECT_EQ(caches_->coherence_stats().invalidations, 3u);
  EXPECT_EQ(caches_->access(0, Kind::load, kLine, 0).by, Served::l2) << "the L2 took the new data";
}

TEST_F(HierarchyDevices, InstructionCachesKeepTheirCopiesUntilTheyAreFenced) {
  caches_->access(0, Kind::fetch, kLine, 0);
  caches_->device_write(kLine, 64);
  EXPECT_TRUE(fetchable(0, kLine));
  caches_->fence_instruction(0);
  EXPECT_FALSE(fetchable(0, kLine));
}

TEST_F(HierarchyDevices, WhatNobodyHoldsLeavesTheCachesAlone) {
  caches_->access(0, Kind::store, kLine, 0);
  caches_->device_write(kNext, 64);
  caches_->device_write(kLine, 0);
  caches_->device_read(kNext, 64);
  EXPECT_TRUE(writable(0, kLine));
  EXPECT_EQ(caches_->l2_stats().accesses, 1u);
}

TEST_F(HierarchyDevices, WhatTheL2TookIsWrittenBackWhenItLeaves) {
  caches_->access(0, Kind::load, kLine, 0);
  caches_->device_write(kLine, 64);
  caches_->flush();
  EXPECT_EQ(caches_->l2_stats().writebacks, 1u);
}

}  // namespace
}  // namespace hvsim::mem
