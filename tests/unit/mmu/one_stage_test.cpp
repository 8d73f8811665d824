// One-stage walks: Sv39, Sv48 and Sv57 as the privileged manual has them.
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/mmu/page_tables.h"

namespace hvsim::mmu {
namespace {

using isa::Access;
using isa::Privilege;
using Why = TranslationFault::Why;

constexpr std::uint64_t kVa = 0x12345678;
constexpr std::uint64_t kPage = kRam + 0x5000;

class OneStage : public ::testing::Test {
 protected:
  Why why(std::uint64_t address, Access access, const AddressSpace& as) {
    const auto result = machine.translate(address, access, as);
    EXPECT_FALSE(result.ok());
    return result.ok() ? Why::not_valid : result.error().why;
  }

  Machine machine;
  std::uint64_t root = machine.new_root(sv39);
  AddressSpace space = supervisor_space(sv39, root);
};

TEST_F(OneStage, ColdWalksReadOnePtePerLevel) {
  for (const auto* scheme : {&sv39, &sv48, &sv57}) {
    const std::uint64_t table = machine.new_root(*scheme);
    machine.map(*scheme, table, kVa, kPage, bits::rw);
    const auto result = machine.translate(kVa, Access::load, supervisor_space(*scheme, table));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->address.value, kPage + 0x678);
    EXPECT_EQ(result->guest_physical.value, result->address.value);
    EXPECT_EQ(machine.trace.count, scheme->levels);
    EXPECT_EQ(machine.trace.reads[0].address.value >> 12, table >> 12);
    EXPECT_EQ(machine.trace.reads[0].level, scheme->levels - 1);
    EXPECT_EQ(machine.trace.reads[scheme->levels - 1U].level, 0);
  }
}

TEST_F(OneStage, SuperpagesShortenTheWalkAndWidenTheOffset) {
  machine.map(sv39, root, 0x40000000, kRam, bits::rw, 1);
  const auto mega = machine.translate(0x40123456, Access::load, space);
  ASSERT_TRUE(mega.ok());
  EXPECT_EQ(mega->address.value, kRam + 0x123456);
  EXPECT_EQ(mega->page_shift, 21);
  EXPECT_EQ(machine.trace.count, 2);
  machine.map(sv39, root, 0xFFFFFFC000000000, 0x80000000, bits::rw, 2);
  const auto giga = machine.translate(0xFFFFFFC000345678, Access::load, space);
  ASSERT_TRUE(giga.ok());
  EXPECT_EQ(giga->address.value, kRam + 0x345678);
  EXPECT_EQ(giga->page_shift, 30);
  EXPECT_EQ(giga->first_level, 2);
  EXPECT_EQ(machine.trace.count, 1);
}

TEST_F(OneStage, AddressesThatAreNotCanonicalFaultWithoutAnyRead) {
  for (const std::uint64_t address : {std::uint64_t{1} << 38, std::uint64_t{1} << 63, 0xFFFFFFBFFFFFFFFF}) {
    EXPECT_EQ(why(address, Access::load, space), Why::not_canonical);
    EXPECT_EQ(machine.trace.count, 0);
  }
}

TEST_F(OneStage, MalformedPtesFault) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::rw);
  const std::uint64_t ppn = kPage >> 12 << 10;
  const std::pair<std::uint64_t, Why> cases[] = {
      {ppn | (bits::rwx & ~bits::v), Why::not_valid},
      {ppn | bits::v | bits::w | bits::a | bits::d, Why::reserved_encoding},            // W without R
      {ppn | bits::v | bits::w | bits::x | bits::a | bits::d, Why::reserved_encoding},  // WX
      {ppn | bits::rw | std::uint64_t{1} << 54, Why::reserved_bits},
      {ppn | bits::rw | std::uint64_t{1} << 60, Why::reserved_bits},
      {ppn | bits::rw | std::uint64_t{1} << 61, Why::memory_type},  // without Svpbmt
      {ppn | bits::rw | std::uint64_t{1} << 63, Why::napot_size},   // without Svnapot
      {ppn | bits::v, Why::not_a_leaf},
  };
  for (const auto& [value, expected] : cases) {
    machine.store(pte, value);
    EXPECT_EQ(why(kVa, Access::load, space), expected) << std::hex << value;
  }
}

TEST_F(OneStage, PointersWithAccessedDirtyOrUserSetAreReserved) {
  machine.map(sv39, root, kVa, kPage, bits::rw);
  const std::uint64_t pointer = machine.pte_at(sv39, root, kVa, 1);
  const std::uint64_t good = machine.load(pointer);
  for (const std::uint64_t bit : {bits::a, bits::d, bits::u}) {
    machine.store(pointer, good | bit);
    EXPECT_EQ(why(kVa, Access::load, space), Why::reserved_encoding);
  }
  machine.store(pointer, good | bits::g);
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
}

TEST_F(OneStage, TheRsvSoftwareBitsAreIgnored) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::rw);
  machine.store(pte, machine.load(pte) | 3 << 8);
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
}

TEST_F(OneStage, MisalignedSuperpagesFaultAtTheirLevel) {
  machine.map(sv39, root, 0x40000000, kRam + 0x1000, bits::rw, 1);
  const auto result = machine.translate(0x40000000, Access::load, space);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().why, Why::misaligned_superpage);
  EXPECT_EQ(result.error().level, 1);
  EXPECT_FALSE(result.error().access_fault());
}

// Every combination of rights, mode, SUM, MXR and access, against a table written from the manual's prose.
TEST_F(OneStage, PermissionsFollowTheManualInEveryCombination) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::rwx);
  unsigned allowed = 0;
  for (unsigned combination = 0; combination < 8 * 2 * 2 * 2 * 2 * 4; ++combination) {
    unsigned rest = combination;
    const auto take = [&rest](unsigned n) { return std::exchange(rest, rest / n) % n; };
    const bool r = take(2), w = take(2), x = take(2), user_page = take(2), user_mode = take(2), sum = take(2),
               mxr = take(2);
    const auto access = static_cast<Access>(take(4));
    if ((w && !r) || (!r && !x)) continue;  // reserved, or a pointer
    machine.store(pte, kPage >> 12 << 10 | bits::v | bits::a | bits::d | (r ? bits::r : 0) |
                           (w ? bits::w : 0) | (x ? bits::x : 0) | (user_page ? bits::u : 0));
    AddressSpace as = space;
    as.privilege = user_mode ? Privilege::user : Privilege::supervisor;
    as.sum = sum;
    as.mxr_first = mxr;

    bool expected = false;
    if (access == Access::load) expected = r || (mxr && x);
    if (access == Access::store) expected = w;
    if (access == Access::fetch || access == Access::execute_read) expected = x;
    if (user_mode && !user_page) expected = false;
    if (!user_mode && user_page && !sum) expected = false;
    if (!user_mode && user_page && access == Access::fetch) expected = false;

    const auto result = machine.translate(kVa, access, as);
    ASSERT_EQ(result.ok(), expected) << "combination " << combination;
    if (!result.ok()) {
      ASSERT_TRUE(result.error().why == Why::permission || result.error().why == Why::privilege);
    }
    allowed += expected;
  }
  EXPECT_GT(allowed, 50U);
}

TEST_F(OneStage, HardwareSetsAccessedOnLoadsAndDirtyOnStores) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::v | bits::r | bits::w);
  auto result = machine.translate(kVa, Access::load, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(machine.load(pte) & (bits::a | bits::d), bits::a);
  EXPECT_EQ(result->first_pte & (bits::a | bits::d), bits::a);
  EXPECT_EQ(machine.writes(), 1U);
  EXPECT_TRUE(machine.trace.reads[3].write);
  EXPECT_EQ(machine.trace.reads[3].address.value, pte);
  result = machine.translate(kVa, Access::store, space);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(machine.load(pte) & (bits::a | bits::d), bits::a | bits::d);
  EXPECT_EQ(machine.writes(), 1U);
  ASSERT_TRUE(machine.translate(kVa, Access::store, space).ok());
  EXPECT_EQ(machine.writes(), 0U);
}

TEST_F(OneStage, WithSvadeMissingAccessedOrDirtyFaultsAndWritesNothing) {
  space.hardware_ad_first = false;
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::v | bits::r | bits::w);
  EXPECT_EQ(why(kVa, Access::load, space), Why::accessed_dirty);
  machine.store(pte, machine.load(pte) | bits::a);
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
  EXPECT_EQ(why(kVa, Access::store, space), Why::accessed_dirty);
  EXPECT_EQ(machine.load(pte) & bits::d, 0U);
}

TEST_F(OneStage, DeniedAccessesLeaveAccessedAndDirtyAlone) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::v | bits::r);
  EXPECT_EQ(why(kVa, Access::store, space), Why::permission);
  EXPECT_EQ(machine.load(pte) & (bits::a | bits::d), 0U);
}

TEST_F(OneStage, AGlobalPointerMakesTheLeafGlobal) {
  machine.map(sv39, root, kVa, kPage, bits::rw);
  EXPECT_EQ(machine.translate(kVa, Access::load, space)->first_pte & bits::g, 0U);
  const std::uint64_t pointer = machine.pte_at(sv39, root, kVa, 2);
  machine.store(pointer, machine.load(pointer) | bits::g);
  EXPECT_NE(machine.translate(kVa, Access::load, space)->first_pte & bits::g, 0U);
}

TEST_F(OneStage, MachineModeAndBareTranslateToThemselves) {
  AddressSpace machine_mode = space;
  machine_mode.privilege = Privilege::machine;
  EXPECT_EQ(machine.translate(kPage, Access::store, machine_mode)->address.value, kPage);
  const AddressSpace bare{.privilege = Privilege::supervisor};
  const auto result = machine.translate(kPage, Access::store, bare);
  EXPECT_EQ(result->address.value, kPage);
  EXPECT_EQ(result->first_pte | result->g_pte, 0U);
  EXPECT_EQ(machine.trace.count, 0);
}

TEST_F(OneStage, TablesOutsideMemoryAreAccessFaults) {
  machine.store(root + (kVa >> 30) * 8, 0x1000 >> 12 << 10 | bits::v);
  const auto result = machine.translate(kVa, Access::load, space);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().why, Why::no_memory);
  EXPECT_TRUE(result.error().access_fault());
  EXPECT_EQ(result.error().level, 1);
}

TEST_F(OneStage, PmpGuardsTablesUpdatesAndTheFinalAddress) {
  const std::uint64_t pte = machine.map(sv39, root, kVa, kPage, bits::v | bits::r | bits::w);
  const auto guard = [&](std::uint64_t page, std::uint8_t rights) {
    const std::uint8_t cfg[] = {static_cast<std::uint8_t>(0x18 | rights), 0x1F};
    const std::uint64_t addr[] = {page >> 2 | 0x1FF, ~std::uint64_t{0}};
    machine.pmp.update(cfg, addr);
  };
  guard(root, 0);
  EXPECT_EQ(why(kVa, Access::load, space), Why::pmp);
  guard(pte & ~std::uint64_t{0xFFF}, 1);  // the leaf table may be read, not written
  EXPECT_EQ(why(kVa, Access::load, space), Why::pmp);
  EXPECT_EQ(machine.load(pte) & bits::a, 0U);
  guard(kPage, 1);
  EXPECT_TRUE(machine.translate(kVa, Access::load, space).ok());
  EXPECT_EQ(why(kVa, Access::store, space), Why::pmp);
}

}  // namespace
}  // namespace hvsim::mmu
