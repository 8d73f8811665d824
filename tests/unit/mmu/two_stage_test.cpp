// Two-stage walks: golden numbers, guest-page faults and what they report, rights of both stages.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/mmu/page_tables.h"

namespace hvsim::mmu {
namespace {

using isa::Access;
using isa::Privilege;
using Why = TranslationFault::Why;

constexpr std::uint64_t kVa = 0x12345678;
constexpr std::uint64_t kGpa = kRam + 0x5000;

// A guest whose physical memory is RAM mapped to itself.
class TwoStages : public ::testing::Test {
 protected:
  void guest(const isa::PagingScheme& first, const isa::PagingScheme& second, unsigned g_level = 0) {
    g_scheme = &second;
    g_root = machine.new_root(second);
    machine.map_guest_ram(second, g_root, g_level);
    root = machine.new_root(first);
    space = {.first = {&first, root, 5},
             .g_stage = {&second, g_root, 3},
             .virtualized = true,
             .privilege = Privilege::supervisor};
  }
  std::uint64_t g_pte(std::uint64_t gpa, unsigned level = 0) {
    return machine.pte_at(*g_scheme, g_root, gpa, level);
  }
  void clear_g(std::uint64_t gpa, std::uint64_t flags) {
    machine.store(g_pte(gpa), machine.load(g_pte(gpa)) & ~flags);
  }
  TranslationFault fault(std::uint64_t address, Access access) {
    const auto result = machine.translate(address, access, space);
    EXPECT_FALSE(result.ok());
    return result.ok() ? TranslationFault{} : result.error();
  }

  Machine machine;
  const isa::PagingScheme* g_scheme = nullptr;
  std::uint64_t g_root = 0, root = 0;
  AddressSpace space;
};

TEST_F(TwoStages, ColdSv39OverSv39x4WalkReadsFifteenPtes) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  const auto result = machine.translate(kVa, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->address.value, kGpa + 0x678);
  EXPECT_EQ(machine.trace.count, 15);
}

TEST_F(TwoStages, ColdSv48OverSv48x4WalkReadsTwentyFourPtes) {
  guest(sv48, sv48x4);
  machine.map(sv48, root, kVa, kGpa, bits::rw);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  EXPECT_EQ(machine.trace.count, 24);
}

TEST_F(TwoStages, ReadsComeInTheOrderOfTheWalk) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  for (unsigned i = 0; i < 15; ++i) {
    const PteRead& read = machine.trace.reads[i];
    EXPECT_EQ(read.stage, i % 4 == 3 ? Stage::first : Stage::g_stage) << i;
    EXPECT_EQ(read.level, i % 4 == 3 ? 2 - i / 4 : 2 - i % 4) << i;
    EXPECT_EQ(read.value, machine.load(read.address.value)) << i;
  }
}

// (s + 1)(g + 1) - 1 with s and g PTEs per stage, for every pair of page sizes.
TEST_F(TwoStages, SuperpagesShortenTheWalkOfEachStage) {
  for (const auto& [first, second] : {std::pair{&sv39, &sv39x4}, std::pair{&sv48, &sv48x4}})
    for (unsigned first_level = 0; first_level < 3; ++first_level)
      for (unsigned g_level = 0; g_level < 3; ++g_level) {
        guest(*first, *second, g_level);
        machine.map(*first, root, 0x40000000, kRam, bits::rw, first_level);
        const auto result = machine.translate(0x40000008, Access::load, space);
        ASSERT_TRUE(result.ok());
        const unsigned s = first->levels - first_level, g = second->levels - g_level;
        EXPECT_EQ(machine.trace.count, (s + 1) * (g + 1) - 1);
        EXPECT_EQ(result->address.value, kRam + 8);
        EXPECT_EQ(result->page_shift, 12 + 9 * std::min(first_level, g_level));
      }
}

TEST_F(TwoStages, EitherStageMayBeBare) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  space.g_stage.scheme = nullptr;
  auto result = machine.translate(kVa, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(machine.trace.count, 3);
  EXPECT_EQ(result->g_pte, 0U);
  space.g_stage.scheme = &sv39x4;
  space.first.scheme = nullptr;
  result = machine.translate(kGpa + 4, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(machine.trace.count, 3);
  EXPECT_EQ(result->first_pte, 0U);
  EXPECT_EQ(result->guest_physical.value, kGpa + 4);
  space.g_stage.scheme = nullptr;
  EXPECT_EQ(machine.translate(kGpa, Access::load, space)->address.value, kGpa);
  EXPECT_EQ(machine.trace.count, 0);
}

TEST_F(TwoStages, TheX4RootIndexesTwoMoreBits) {
  guest(sv39, sv39x4);
  const std::uint64_t high_gpa = std::uint64_t{3} << 39 | 0x5000;
  machine.map(sv39x4, g_root, high_gpa, kGpa, bits::rwx | bits::u);
  space.first.scheme = nullptr;
  const auto result = machine.translate(high_gpa + 1, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->address.value, kGpa + 1);
  EXPECT_GE(machine.trace.reads[0].address.value, g_root + 0x3000);
}

TEST_F(TwoStages, GuestPhysicalAddressesBeyondTheWidthFault) {
  for (const auto& [first, second, width] :
       {std::tuple{&sv39, &sv39x4, 41}, std::tuple{&sv48, &sv48x4, 50}, std::tuple{&sv57, &sv57x4, 59}}) {
    guest(*first, *second);
    space.first.scheme = nullptr;
    const std::uint64_t gpa = std::uint64_t{1} << width | 0x5008;
    const TranslationFault found = fault(gpa, Access::load);
    EXPECT_EQ(found.why, Why::not_canonical);
    EXPECT_EQ(found.stage, Stage::g_stage);
    EXPECT_EQ(found.guest_physical.value, gpa);
    EXPECT_FALSE(found.implicit);
  }
}

TEST_F(TwoStages, AFinalGuestPageFaultReportsTheGuestPhysicalAddressToTheByte) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  clear_g(kGpa, bits::v);
  const TranslationFault found = fault(kVa, Access::store);
  EXPECT_EQ(found.stage, Stage::g_stage);
  EXPECT_EQ(found.why, Why::not_valid);
  EXPECT_EQ(found.guest_physical.value, kGpa + 0x678);
  EXPECT_FALSE(found.implicit);
}

TEST_F(TwoStages, AFaultOnAPageTableReportsThePtesGuestPhysicalAddress) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::rw);
  clear_g(pte, bits::v);
  const TranslationFault found = fault(kVa, Access::fetch);
  EXPECT_EQ(found.stage, Stage::g_stage);
  EXPECT_EQ(found.guest_physical.value, pte);
  EXPECT_TRUE(found.implicit);
  EXPECT_FALSE(found.implicit_write);
}

TEST_F(TwoStages, FirstStageFaultsStayFirstStageFaults) {
  guest(sv39, sv39x4);
  const TranslationFault found = fault(kVa, Access::load);
  EXPECT_EQ(found.stage, Stage::first);
  EXPECT_EQ(found.why, Why::not_valid);
  EXPECT_FALSE(found.implicit);
  EXPECT_EQ(fault(std::uint64_t{1} << 40, Access::load).stage, Stage::first);
}

TEST_F(TwoStages, UpdatingAGuestPteNeedsWritePermissionInTheGStage) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::v | bits::r | bits::w);
  clear_g(pte, bits::w | bits::d);
  const TranslationFault found = fault(kVa, Access::load);
  EXPECT_EQ(found.stage, Stage::g_stage);
  EXPECT_EQ(found.why, Why::permission);
  EXPECT_EQ(found.guest_physical.value, pte);
  EXPECT_TRUE(found.implicit);
  EXPECT_TRUE(found.implicit_write);
  EXPECT_EQ(machine.load(pte) & bits::a, 0U);
}

TEST_F(TwoStages, UpdatingAGuestPteDirtiesItsPageInTheGStage) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::v | bits::r | bits::w);
  clear_g(pte, bits::d);
  ASSERT_TRUE(machine.translate(kVa, Access::store, space).ok());
  EXPECT_EQ(machine.load(pte) & (bits::a | bits::d), bits::a | bits::d);
  EXPECT_NE(machine.load(g_pte(pte)) & bits::d, 0U);
  EXPECT_EQ(machine.reads(), 15U);
  EXPECT_EQ(machine.writes(), 2U);
  EXPECT_EQ(machine.trace.reads[12].address.value, g_pte(pte));  // the G-stage's D, then the guest's A and D
  EXPECT_EQ(machine.trace.reads[13].address.value, pte);
}

TEST_F(TwoStages, WithSvadeInTheGStageACleanTablePageCannotBeUpdated) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::v | bits::r | bits::w);
  clear_g(pte, bits::d);
  space.hardware_ad_g_stage = false;
  const TranslationFault found = fault(kVa, Access::load);
  EXPECT_EQ(found.why, Why::accessed_dirty);
  EXPECT_TRUE(found.implicit_write);
  EXPECT_EQ(found.guest_physical.value, pte);
}

// The walker's own knowledge of where tables are must never show.
TEST_F(TwoStages, ATableIsReadWhereTheGStageHasItNow) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::rw);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  const WalkTrace before = machine.trace;
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  ASSERT_EQ(machine.trace.count, before.count);
  for (unsigned i = 0; i < before.count; ++i)
    EXPECT_EQ(machine.trace.reads[i].address, before.reads[i].address) << i;

  // Another page takes the table's place, whose PTE leads elsewhere.
  const std::uint64_t other = machine.new_table();
  machine.store(other + pte % 4096, (kGpa + 0x1000) >> 12 << 10 | bits::rw);
  machine.map(sv39x4, g_root, pte & ~std::uint64_t{4095}, other, bits::rwx | bits::u);
  const auto moved = machine.translate(kVa, Access::load, space);
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->address.value, kGpa + 0x1678);
  EXPECT_EQ(machine.trace.reads[11].address.value, other + pte % 4096);

  // Its A bit is cleared: it is set anew, and the walk after that has nothing to set.
  clear_g(pte, bits::a);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  EXPECT_EQ(machine.writes(), 1U);
  EXPECT_NE(machine.load(g_pte(pte)) & bits::a, 0U);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  EXPECT_EQ(machine.writes(), 0U);

  // Another G-stage root, where the page is not mapped.
  AddressSpace elsewhere = space;
  elsewhere.g_stage.table = machine.new_root(sv39x4);
  const auto lost = machine.translate(kVa, Access::load, elsewhere);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().why, Why::not_valid);
  machine.store(g_pte(pte), 0);
  EXPECT_EQ(fault(kVa, Access::load).why, Why::not_valid);
}

TEST_F(TwoStages, ATableThatPmpTakesAwayIsNotRead) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  ASSERT_TRUE(machine.translate(kVa, Access::load, space).ok());
  const std::uint64_t table = machine.trace.reads[1].address.value & ~std::uint64_t{4095};
  const std::uint8_t cfg[] = {0x18, 0x1F};  // the G-stage's second table: nobody
  const std::uint64_t addr[] = {table >> 2 | 0x1FF, ~std::uint64_t{0}};
  machine.pmp.update(cfg, addr);
  EXPECT_EQ(fault(kVa, Access::load).why, Why::pmp);
  machine.open_pmp();
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
}

TEST_F(TwoStages, ReadingAGuestPteNeverDirtiesItsPage) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::rw);
  clear_g(pte, bits::a | bits::d);
  clear_g(kGpa, bits::a | bits::d);
  ASSERT_TRUE(machine.translate(kVa, Access::store, space).ok());
  EXPECT_EQ(machine.load(g_pte(pte)) & (bits::a | bits::d), bits::a);
  EXPECT_EQ(machine.load(g_pte(kGpa)) & (bits::a | bits::d), bits::a | bits::d);
}

TEST_F(TwoStages, GStageLeavesMustBeUserPagesForEveryMode) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rwx);
  clear_g(kGpa, bits::u);
  space.sum = true;
  EXPECT_EQ(fault(kVa, Access::load).why, Why::privilege);
  EXPECT_EQ(fault(kVa, Access::fetch).why, Why::privilege);
}

TEST_F(TwoStages, GuestMxrReachesTheFirstStageOnly) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::v | bits::x | bits::a);
  EXPECT_EQ(fault(kVa, Access::load).stage, Stage::first);
  space.mxr_first = true;
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
  clear_g(kGpa, bits::r | bits::w);
  EXPECT_EQ(fault(kVa, Access::load).stage, Stage::g_stage);
  space.mxr_g_stage = true;
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
  space.mxr_first = false;  // HS-level MXR overrides both stages
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
}

TEST_F(TwoStages, MxrNeverHelpsTheWalkerReadTables) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kGpa, bits::rw);
  clear_g(pte, bits::r | bits::w);
  space.mxr_g_stage = true;
  const TranslationFault found = fault(kVa, Access::load);
  EXPECT_EQ(found.why, Why::permission);
  EXPECT_TRUE(found.implicit);
}

TEST_F(TwoStages, HlvxNeedsExecuteInBothStagesAndRead) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::v | bits::x | bits::a);
  clear_g(kGpa, bits::r | bits::w);
  EXPECT_TRUE(machine.translate(kVa, Access::execute_read, space).ok());
  clear_g(kGpa, bits::x);
  machine.store(g_pte(kGpa), machine.load(g_pte(kGpa)) | bits::r);
  EXPECT_EQ(fault(kVa, Access::execute_read).stage, Stage::g_stage);
  machine.map(sv39, root, kVa, kGpa, bits::rw);
  EXPECT_EQ(fault(kVa, Access::execute_read).stage, Stage::first);
}

TEST_F(TwoStages, HlvxNeedsPmpToGrantReadAndExecute) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kGpa, bits::rwx);
  for (const std::uint8_t rights : {std::uint8_t{1}, std::uint8_t{4}, std::uint8_t{5}}) {
    const std::uint8_t cfg[] = {static_cast<std::uint8_t>(0x18 | rights), 0x1F};
    const std::uint64_t addr[] = {kGpa >> 2 | 0x1FF, ~std::uint64_t{0}};
    machine.pmp.update(cfg, addr);
    EXPECT_EQ(machine.translate(kVa, Access::execute_read, space).ok(), rights == 5);
  }
}

TEST_F(TwoStages, TheLongestWalkFitsItsTrace) {
  guest(sv57, sv57x4);
  machine.map(sv57, root, kVa, kGpa, bits::v | bits::r | bits::w);
  for (std::uint64_t page = kRam; page < kRam + machine.memory.ram_bytes(); page += 4096)
    clear_g(page, bits::a | bits::d);
  ASSERT_TRUE(machine.translate(kVa, Access::store, space).ok());
  EXPECT_EQ(machine.reads(), 35U);
  EXPECT_EQ(machine.writes(),
            6U + 1 + 1);  // A of six pages, D of the table's page, A and D of the guest's leaf
}

// A kept leaf answers as a new walk would: yes means that a walk succeeds and updates nothing, no means that
// it fails or has A or D to set.
TEST_F(TwoStages, AKeptLeafAnswersAsANewWalkWould) {
  guest(sv39, sv39x4);
  std::mt19937 random(11);
  const auto flags = [&random] {
    std::uint64_t value = bits::v | (random() & (bits::r | bits::w | bits::x | bits::u | bits::a | bits::d));
    if ((value & bits::w) != 0 || (value & bits::x) == 0) value |= bits::r;
    return value;
  };
  unsigned yes = 0, no = 0;
  for (unsigned round = 0; round < 20'000; ++round) {
    machine.map(sv39, root, kVa, kGpa, flags());
    machine.map(sv39x4, g_root, kGpa, kGpa, flags() | (random() % 8 != 0 ? bits::u : 0));
    space.privilege = random() % 2 == 0 ? Privilege::user : Privilege::supervisor;
    space.sum = random() % 2 == 0;
    space.mxr_g_stage = random() % 4 == 0;
    space.mxr_first = space.mxr_g_stage || random() % 3 == 0;
    space.hardware_ad_first = random() % 2 == 0;
    space.hardware_ad_g_stage = random() % 2 == 0;
    const auto kept = machine.translate(kVa, static_cast<Access>(random() % 4), space);
    if (!kept.ok()) continue;
    space.sum = random() % 2 == 0;  // rights may have changed since
    space.privilege = random() % 2 == 0 ? Privilege::user : Privilege::supervisor;
    const auto access = static_cast<Access>(random() % 4);
    const bool allowed = leaf_allows(*kept, access, space);
    const auto again = machine.translate(kVa, access, space);
    ASSERT_EQ(allowed, again.ok() && machine.writes() == 0) << "round " << round;
    if (again.ok()) {
      ASSERT_EQ(again->address, kept->address);
    }
    (allowed ? yes : no)++;
  }
  EXPECT_GT(yes, 500U);
  EXPECT_GT(no, 500U);
}

}  // namespace
}  // namespace hvsim::mmu
