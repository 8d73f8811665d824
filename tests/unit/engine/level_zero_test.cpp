// Level zero by itself: what leaves it, and when pointers to its slots are out of date.
#include "models/cpu/level_zero.h"

#include <gtest/gtest.h>

#include "models/cpu/isa/paging.h"

namespace hvsim::cpu {
namespace {

constexpr std::uint64_t kPage = 0x40'0000;

mmu::AddressSpace space(std::uint16_t asid) {
  mmu::AddressSpace result;
  result.first = {
      .scheme = isa::find_scheme(isa::kFirstStageSchemes, 8), .table = 0x8000'0000, .space = asid};
  result.privilege = isa::Privilege::supervisor;
  return result;
}

LevelZero& fill(LevelZeroSet& set, const mmu::AddressSpace& space) {
  LevelZero& slot = set.select(space);
  slot.fills(LevelZero::index(kPage));
  slot.load[LevelZero::index(kPage)].page = kPage;
  slot.store[LevelZero::index(kPage)].page = kPage;
  slot.fetch[LevelZero::index(kPage)].page = kPage;
  return slot;
}

bool holds_data(const LevelZero& slot) {
  return slot.load[LevelZero::index(kPage)].page == kPage &&
         slot.store[LevelZero::index(kPage)].page == kPage;
}
bool holds_fetch(const LevelZero& slot) { return slot.fetch[LevelZero::index(kPage)].page == kPage; }

TEST(LevelZero, DropsAPageOfAllSpaces) {
  LevelZeroSet set;
  LevelZero &first = fill(set, space(1)), &second = fill(set, space(2));
  set.drop_data(kPage + isa::kPageBytes);
  EXPECT_TRUE(holds_data(first));
  set.drop_data(kPage);
  EXPECT_FALSE(holds_data(first));
  EXPECT_FALSE(holds_data(second));
  EXPECT_TRUE(holds_fetch(first));
  set.drop_fetch(kPage);
  EXPECT_FALSE(holds_fetch(first));
  EXPECT_FALSE(holds_fetch(second));
}

TEST(LevelZero, TellsWhenPointersToSlotsAreOutOfDate) {
  LevelZeroSet set;
  const LevelZero* first = &fill(set, space(1));
  const std::uint64_t before = set.generation();
  EXPECT_EQ(&set.select(space(1)), first);
  EXPECT_EQ(set.generation(), before);
  set.clear();
  EXPECT_NE(set.generation(), before);
  EXPECT_FALSE(holds_data(set.select(space(1))));
  const std::uint64_t cleared = set.generation();
  for (std::uint16_t asid = 2; asid < 40; ++asid) set.select(space(asid));
  EXPECT_NE(set.generation(), cleared);
}

}  // namespace
}  // namespace hvsim::cpu
