// Svnapot and Svpbmt at both stages, Sv57 over Sv57x4, and what a fault and a trace tell of the PTEs.
#include <gtest/gtest.h>

#include "models/mmu/tlb.h"
#include "tests/unit/mmu/page_tables.h"

namespace hvsim::mmu {
namespace {

using isa::Access;
using isa::Privilege;
using Why = TranslationFault::Why;

constexpr std::uint64_t kN = std::uint64_t{1} << 63;
constexpr std::uint64_t kVa = 0x12340000;  // where a NAPOT range begins
constexpr std::uint64_t kRange = kRam + 0x50000;

constexpr std::uint64_t memory_type(std::uint64_t type) { return type << 61; }

class PteExtensions : public ::testing::Test {
 protected:
  // Each PTE of the range says the same.
  void map_range(const isa::PagingScheme& scheme, std::uint64_t table, std::uint64_t from, std::uint64_t to,
                 std::uint64_t flags) {
    for (unsigned i = 0; i < 16; ++i) machine.map(scheme, table, from + i * 4096, to + 0x8000, flags | kN);
  }
  void guest(const isa::PagingScheme& first, const isa::PagingScheme& second) {
    g_root = machine.new_root(second);
    machine.map_guest_ram(second, g_root, 0);
    space.g_stage = {&second, g_root, 3};
    space.virtualized = true;
    root = machine.new_root(first);
    space.first = {&first, root, 5};
  }
  Why why(std::uint64_t address, Access access = Access::load) {
    const auto result = machine.translate(address, access, space);
    EXPECT_FALSE(result.ok());
    last_fault = result.ok() ? TranslationFault{} : result.error();
    return last_fault.why;
  }

  Machine machine;
  std::uint64_t root = machine.new_root(sv39), g_root = 0;
  AddressSpace space{.first = {&sv39, root, 1},
                     .privilege = Privilege::supervisor,
                     .napot = true,
                     .pbmt_first = true,
                     .pbmt_g_stage = true};
  TranslationFault last_fault;
};

TEST_F(PteExtensions, ANapotRangeMapsSixteenPagesInOrder) {
  map_range(sv39, root, kVa, kRange, bits::rw);
  for (std::uint64_t offset : {0x0, 0x1234, 0x8000, 0xFFFF}) {
    const auto result = machine.translate(kVa + offset, Access::load, space);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->address.value, kRange + offset);
    EXPECT_EQ(result->page_shift, 16);
  }
}

// Table "Page table entry encodings when pte.N=1".
TEST_F(PteExtensions, OnlySixtyFourKibNapotAtTheLowestLevelIsLegal) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, 0, 0);
  for (std::uint64_t low = 0; low < 512; ++low) {
    machine.store(pte, kN | ((kRam >> 12) + low) << 10 | bits::rw);
    const bool legal = low % 16 == 8;
    ASSERT_EQ(machine.translate(kVa, Access::load, space).ok(), legal) << low;
    if (legal) continue;
    ASSERT_EQ(why(kVa), Why::napot_size);
  }
  machine.map(sv39, root, 0x40000000, kRam, bits::rw | kN, 1);
  EXPECT_EQ(why(0x40000000), Why::napot_size);
  machine.map(sv39, root, 0x80000000, kRam, bits::rw | kN, 2);
  EXPECT_EQ(why(0x80000000), Why::napot_size);
}

TEST_F(PteExtensions, OnlyThePteOfTheAccessGetsAccessedAndDirty) {
  map_range(sv39, root, kVa, kRange, bits::v | bits::r | bits::w);
  ASSERT_TRUE(machine.translate(kVa + 0x3000, Access::store, space).ok());
  for (unsigned i = 0; i < 16; ++i) {
    const std::uint64_t pte = machine.load(machine.pte_at(sv39, root, kVa + i * 4096, 0));
    EXPECT_EQ(pte & (bits::a | bits::d), i == 3 ? bits::a | bits::d : 0U) << i;
  }
}

TEST_F(PteExtensions, OfTwoNapotStagesTheSmallerPageCounts) {
  guest(sv48, sv48x4);
  map_range(sv48, root, kVa, kRange, bits::rw);
  EXPECT_EQ(machine.translate(kVa + 0x4321, Access::load, space)->page_shift, 12);  // 64 KiB over 4 KiB
  map_range(sv48x4, g_root, kRange, kRam + 0x90000, bits::rwx | bits::u);
  auto result = machine.translate(kVa + 0x4321, Access::load, space);
  EXPECT_EQ(result->page_shift, 16);  // 64 KiB over 64 KiB
  EXPECT_EQ(result->guest_physical.value, kRange + 0x4321);
  EXPECT_EQ(result->address.value, kRam + 0x94321);
  machine.map(sv48, root, 0x40000000, kRam, bits::rw, 1);
  result = machine.translate(0x40054321, Access::load, space);
  EXPECT_EQ(result->page_shift, 16);  // 2 MiB over 64 KiB
  EXPECT_EQ(result->address.value, kRam + 0x94321);
}

TEST_F(PteExtensions, ABadNapotPteOfTheGStageIsAGuestPageFault) {
  guest(sv39, sv39x4);
  machine.map(sv39, root, kVa, kRange, bits::rw);
  machine.map(sv39x4, g_root, kRange, kRange, bits::rwx | bits::u | kN);  // low bits 0, not 8
  EXPECT_EQ(why(kVa + 0x18), Why::napot_size);
  EXPECT_EQ(last_fault.stage, Stage::g_stage);
  EXPECT_EQ(last_fault.guest_physical.value, kRange + 0x18);
}

TEST_F(PteExtensions, MemoryTypesAreLegalWhereTheirStageEnablesThem) {
  guest(sv39, sv39x4);
  for (unsigned first = 0; first < 4; ++first)
    for (unsigned g_stage = 0; g_stage < 4; ++g_stage)
      for (const bool in_first : {false, true})
        for (const bool in_g_stage : {false, true}) {
          machine.map(sv39, root, kVa, kRange, bits::rw | memory_type(first));
          machine.map(sv39x4, g_root, kRange, kRange, bits::rwx | bits::u | memory_type(g_stage));
          space.pbmt_first = in_first;
          space.pbmt_g_stage = in_g_stage;
          const bool first_legal = first == 0 || (in_first && first != 3);
          const bool g_legal = g_stage == 0 || (in_g_stage && g_stage != 3);
          const auto result = machine.translate(kVa, Access::load, space);
          ASSERT_EQ(result.ok(), first_legal && g_legal);
          if (result.ok()) continue;
          EXPECT_EQ(result.error().why, Why::memory_type);
          EXPECT_EQ(result.error().stage, first_legal ? Stage::g_stage : Stage::first);
        }
}

TEST_F(PteExtensions, PointersHaveNeitherNapotNorMemoryType) {
  machine.map(sv39, root, kVa, kRange, bits::rw);
  const std::uint64_t pointer = machine.pte_at(sv39, root, kVa, 1);
  const std::uint64_t good = machine.load(pointer);
  for (const std::uint64_t bit : {kN, memory_type(1), memory_type(2)}) {
    machine.store(pointer, good | bit);
    EXPECT_EQ(why(kVa), Why::reserved_bits);
  }
}

TEST_F(PteExtensions, ColdSv57OverSv57x4WalkReadsThirtyFivePtes) {
  guest(sv57, sv57x4);
  const std::uint64_t high = std::uint64_t{1} << 55 | kVa;
  machine.map(sv57, root, high, kRange, bits::rw);
  const auto result = machine.translate(high + 8, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->address.value, kRange + 8);
  EXPECT_EQ(machine.trace.count, 35);
}

TEST_F(PteExtensions, Sv57HasSuperpagesOfEverySize) {
  root = machine.new_root(sv57);
  space.first = {&sv57, root, 1};
  for (unsigned level = 1; level < 5; ++level) {
    const std::uint64_t page = std::uint64_t{4096} << 9 * level, at = page * 7;
    machine.map(sv57, root, at, page, bits::rw, level);
    const auto result = machine.translate(at + page - 8, Access::load, space);
    ASSERT_TRUE(result.ok()) << level;
    EXPECT_EQ(result->address.value, 2 * page - 8);
    EXPECT_EQ(result->page_shift, 12 + 9 * level);
    machine.map(sv57, root, at, page + page / 512, bits::rw, level);
    EXPECT_EQ(why(at), Why::misaligned_superpage);
    EXPECT_EQ(last_fault.level, level);
  }
}

TEST_F(PteExtensions, AFaultNamesThePteThatBrokeTheRule) {
  guest(sv39, sv39x4);
  const std::uint64_t pte = machine.map(sv39, root, kVa, kRange, bits::v | bits::r | bits::a);
  EXPECT_EQ(why(kVa, Access::store), Why::permission);
  ASSERT_TRUE(last_fault.pte_address.has_value());
  EXPECT_EQ(last_fault.pte_address->value, pte);
  EXPECT_EQ(last_fault.pte, machine.load(pte));
  EXPECT_EQ(machine.trace.reads[machine.trace.count - 1U].guest_physical.value, pte);

  const std::uint64_t g_pte = machine.pte_at(sv39x4, g_root, pte, 0);
  machine.store(g_pte, machine.load(g_pte) | std::uint64_t{1} << 57);
  EXPECT_EQ(why(kVa), Why::reserved_bits);
  EXPECT_EQ(last_fault.pte_address->value, g_pte);
  EXPECT_EQ(last_fault.pte, machine.load(g_pte));

  EXPECT_EQ(why(std::uint64_t{1} << 40), Why::not_canonical);
  EXPECT_FALSE(last_fault.pte_address.has_value());
}

TEST_F(PteExtensions, AnUnreadablePteIsNamedWithoutItsValue) {
  machine.store(root + (kVa >> 30) * 8, 0x1000 >> 12 << 10 | bits::v);
  EXPECT_EQ(why(kVa), Why::no_memory);
  EXPECT_EQ(last_fault.pte_address->value, 0x1000 + (kVa >> 21 & 511) * 8);
  EXPECT_EQ(last_fault.pte, 0U);
}

}  // namespace
}  // namespace hvsim::mmu
