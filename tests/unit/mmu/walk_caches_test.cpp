// Walk caches and the G-stage TLB: how many PTE reads are left, and what fences take away.
#include "models/mmu/walk_caches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "models/mmu/tlb_hierarchy.h"
#include "tests/unit/mmu/page_tables.h"
#include "tests/unit/mmu/textbook_walker.h"

namespace hvsim::mmu {
namespace {

using isa::Access;
using isa::Gpa;
using isa::Gva;

constexpr std::uint64_t kVa = 0x4000'0000, kPage = 0x1000, kTwoMiB = 0x20'0000;

WalkCachesConfig caches(bool g_tlb, unsigned first, unsigned g_stage) {
  WalkCachesConfig config;
  config.has_g_tlb = g_tlb;
  config.g_tlb = {.entries = 64, .ways = 64, .hit_latency = 1, .replacement = mem::Replacement::lru};
  config.first.entries = first;
  config.g_stage.entries = g_stage;
  return config;
}

// Guests over RAM mapped to itself by 4 KiB pages.
class WalkCachesTest : public ::testing::Test {
 protected:
  AddressSpace guest(const isa::PagingScheme& first, const isa::PagingScheme& second, std::uint16_t vmid = 3,
                     std::uint16_t asid = 5) {
    const std::uint64_t g_root = machine->new_root(second);
    machine->map_guest_ram(second, g_root, 0);
    const std::uint64_t root = machine->new_root(first);
    return {.first = {&first, root, asid},
            .g_stage = {&second, g_root, vmid},
            .virtualized = true,
            .privilege = isa::Privilege::supervisor};
  }
  void map(const AddressSpace& space, std::uint64_t va, std::uint64_t gpa, unsigned level = 0,
           std::uint64_t flags = bits::rw) {
    machine->map(*space.first.scheme, space.first.table, va, gpa, flags, level);
  }
  unsigned reads(WalkCaches& walker, const AddressSpace& space, std::uint64_t va,
                 Access access = Access::load) {
    const auto result = machine->translate(va, access, space);
    const WalkPlan plan = walker.plan(machine->trace, Gva{va}, space, result ? &result.value() : nullptr);
    unsigned count = 0;
    for (unsigned i = 0; i < machine->trace.count; ++i)
      count += plan.happens(i) && !machine->trace.reads[i].write;
    return count;
  }

  std::unique_ptr<Machine> machine = std::make_unique<Machine>();
};

TEST_F(WalkCachesTest, WithoutCachesEveryWalkIsWhole) {
  WalkCaches walker(caches(false, 0, 0));
  const AddressSpace space = guest(sv39, sv39x4);
  map(space, kVa, kRam);
  for (int turn = 0; turn < 2; ++turn) EXPECT_EQ(reads(walker, space, kVa), 15U);
}

// The next page beside one that was walked: the tables are known, the page is not.
struct Golden {
  const char* name;
  WalkCachesConfig config;
  unsigned cold39, next39, cold48, next48;
};

TEST_F(WalkCachesTest, SavesTheExpectedReadsOfTheNextPage) {
  // G-stage TLB: 3 (4) guest PTEs, their tables' pages known, and the new page's own G-stage walk.
  // First-stage cache: one guest PTE, its table's page and the new page walked.
  // Both: one guest PTE and the new page's walk. With the G-stage's tables known too, that walk is one read.
  // In the cold walk, the G-stage's tables serve its later G-stage walks: the guest's tables lie in one 2
  // MiB, the page in another of the same 1 GiB.
  const Golden rows[] = {
      {"none", caches(false, 0, 0), 15, 15, 24, 24},
      {"g_tlb", caches(true, 0, 0), 15, 3 + 3, 24, 4 + 4},
      {"first", caches(false, 16, 0), 15, 3 + 1 + 3, 24, 4 + 1 + 4},
      {"g_stage", caches(false, 0, 16), 3 + (3 + 1 + 1) + 2, 3 + 3 * 1 + 1, 4 + (4 + 1 + 1 + 1) + 2,
       4 + 4 * 1 + 1},
      {"g_tlb and first", caches(true, 16, 0), 15, 1 + 3, 24, 1 + 4},
      {"all", caches(true, 16, 16), 3 + (3 + 1 + 1) + 2, 1 + 1, 4 + (4 + 1 + 1 + 1) + 2, 1 + 1},
  };
  for (const Golden& row : rows)
    for (const bool wide : {false, true}) {
      machine = std::make_unique<Machine>();
      const AddressSpace space = wide ? guest(sv48, sv48x4) : guest(sv39, sv39x4);
      WalkCaches walker(row.config);
      for (unsigned page = 0; page < 2; ++page) map(space, kVa + page * kPage, kRam + page * kPage);
      EXPECT_EQ(reads(walker, space, kVa), wide ? row.cold48 : row.cold39)
          << row.name << ", 48 bits: " << wide;
      EXPECT_EQ(reads(walker, space, kVa + kPage), wide ? row.next48 : row.next39)
          << row.name << ", 48 bits: " << wide;
    }
}

TEST_F(WalkCachesTest, AnAccessThatSetsADirtyBitInTheGStageWalksItWhole) {
  const AddressSpace space = guest(sv39, sv39x4);
  map(space, kVa, kRam);
  const std::uint64_t leaf = machine->pte_at(sv39x4, space.g_stage.table, kRam, 0);
  machine->store(leaf, machine->load(leaf) & ~bits::d);
  WalkCaches walker(caches(true, 16, 0));
  reads(walker, space, kVa);
  EXPECT_EQ(reads(walker, space, kVa, Access::store), 1U + 3);
  EXPECT_EQ(reads(walker, space, kVa, Access::store), 1U) << "D is known now";
}

TEST_F(WalkCachesTest, AWalkThatFailsTeachesNothingBeyondTheTablesItSaw) {
  const AddressSpace space = guest(sv39, sv39x4);
  map(space, kVa, kRam);
  WalkCaches walker(caches(true, 16, 0));
  EXPECT_EQ(reads(walker, space, kVa + kPage), 3U * 4) << "the leaf is not valid";
  EXPECT_EQ(reads(walker, space, kVa + kPage), 1U) << "found out again from memory";
  EXPECT_EQ(reads(walker, space, kVa), 1U + 3);
}

TEST_F(WalkCachesTest, FencesTakeWhatTheManualSaysAndNoMore) {
  const AddressSpace space = guest(sv39, sv39x4);
  map(space, kVa, kRam);
  WalkCaches walker(caches(true, 16, 16));
  const auto warm = [&] { return reads(walker, space, kVa); };
  warm();
  EXPECT_EQ(warm(), 1U);
  walker.fence_first_stage(3, Gva{kVa}, std::nullopt);
  EXPECT_EQ(warm(), 1U) << "an address means leaf PTEs";
  walker.fence_first_stage(3, std::nullopt, 6);
  walker.fence_first_stage(4, std::nullopt, std::nullopt);
  walker.fence_first_stage(std::nullopt, std::nullopt, std::nullopt);
  walker.fence_g_stage(std::nullopt, 4);
  walker.fence_g_stage(Gpa{kRam + kTwoMiB}, 3);
  EXPECT_EQ(warm(), 1U) << "other spaces, other pages";
  walker.fence_first_stage(3, std::nullopt, 5);
  EXPECT_EQ(warm(), 3U) << "guest tables gone, their pages known";
  walker.fence_g_stage(Gpa{kRam}, 3);
  EXPECT_EQ(warm(), 1U + 1) << "the page's leaf PTE again";
  walker.fence_g_stage(std::nullopt, 3);
  EXPECT_EQ(warm(), 3U + 1 + 2) << "the guest's leaf PTE: its page, itself, and the page that it maps";
  walker.flush();
  EXPECT_EQ(warm(), 3U + (3 + 1 + 1) + 2);
}

TEST_F(WalkCachesTest, GlobalTablesOutliveAFenceByAsidAndServeOtherAsids) {
  AddressSpace space = guest(sv39, sv39x4);
  map(space, kVa, kRam, 0, bits::rw | bits::g);
  const std::uint64_t root_pte = machine->pte_at(sv39, space.first.table, kVa, 2);
  machine->store(root_pte, machine->load(root_pte) | bits::g);
  WalkCaches walker(caches(true, 16, 0));
  reads(walker, space, kVa);
  walker.fence_first_stage(3, std::nullopt, 5);
  EXPECT_EQ(reads(walker, space, kVa), 1U);
  space.first.space = 9;
  EXPECT_EQ(reads(walker, space, kVa), 1U);
}

// Random guests, pages of all sizes, fences: as many reads as a walker that really has the caches makes.
TEST_F(WalkCachesTest, ReadsWhatTheTextbookWalkerReads) {
  for (const WalkCachesConfig& config : {caches(true, 0, 0), caches(false, 4, 0), caches(false, 0, 3),
                                         caches(true, 5, 4), caches(true, 16, 16)}) {
    machine = std::make_unique<Machine>();
    WalkCachesConfig small = config;
    small.g_tlb.entries = small.g_tlb.ways = 6;
    std::vector<AddressSpace> spaces;
    for (std::uint16_t i = 0; i < 2; ++i)
      spaces.push_back(guest(sv39, sv39x4, static_cast<std::uint16_t>(1 + i), 1));
    spaces.push_back(guest(sv48, sv48x4, 3, 7));
    AddressSpace host = supervisor_space(sv39, machine->new_root(sv39));
    spaces.push_back(host);
    std::vector<std::uint64_t> pages;
    for (std::uint64_t i = 0; i < 6; ++i) pages.push_back(kVa + i * kPage);
    for (std::uint64_t i = 1; i < 4; ++i) pages.push_back(kVa + i * kTwoMiB);
    for (const AddressSpace& space : spaces)
      for (std::size_t i = 0; i < pages.size(); ++i)
        map(space, pages[i], kRam + (i < 6 ? i * kPage : kTwoMiB),
            i < 6    ? 0
            : i == 8 ? 0
                     : 1,
            bits::rw | (i == 3 ? bits::g : 0));
    WalkCaches walker(small);
    TextbookWalker textbook(*machine, small);
    std::mt19937 random(17);
    for (unsigned step = 0; step < 4'000; ++step) {
      const AddressSpace& space = spaces[random() % spaces.size()];
      if (random() % 64 == 0) {
        const auto vmid = static_cast<std::uint16_t>(1 + random() % 3);
        const auto asid = random() % 2 == 0 ? std::optional<std::uint16_t>(1) : std::nullopt;
        if (random() % 2 == 0) {
          walker.fence_first_stage(vmid, std::nullopt, asid);
          textbook.fence_first_stage(vmid, std::nullopt, asid);
        } else {
          const bool by_address = random() % 2 == 0;
          const std::uint64_t gpa = kRam + random() % 6 * kPage;
          walker.fence_g_stage(by_address ? std::optional(Gpa{gpa}) : std::nullopt, vmid);
          textbook.fence_g_stage(by_address ? std::optional(gpa) : std::nullopt, vmid);
        }
        continue;
      }
      const std::uint64_t va = pages[random() % pages.size()] + random() % kPage / 8 * 8;
      const auto expected = textbook.walk(va, space);
      ASSERT_EQ(reads(walker, space, va), expected.first + expected.g) << "step " << step;
    }
  }
}

TEST(TlbHierarchyUntagged, ASwitchToAnotherSpaceEmptiesEverything) {
  TlbHierarchyConfig config;
  config.tagged = false;
  TlbHierarchy tlbs(config);
  using Side = TlbHierarchy::Side;
  const AddressSpace one{.first = {&sv39, kRam, 1}, .privilege = isa::Privilege::supervisor};
  AddressSpace other = one;
  other.first.space = 2;
  AddressSpace user = one;
  user.privilege = isa::Privilege::user;
  tlbs.lookup(Side::data, Gva{0x1000}, one);
  tlbs.insert(Side::data, Gva{0x1000}, one, {.page_shift = 12, .first_pte = bits::rw});
  EXPECT_FALSE(tlbs.lookup(Side::data, Gva{0x1000}, user).flushed) << "the same tables";
  EXPECT_NE(tlbs.lookup(Side::data, Gva{0x1000}, one).translation, nullptr);
  const auto switched = tlbs.lookup(Side::fetch, Gva{0x2000}, other);
  EXPECT_TRUE(switched.flushed);
  const auto back = tlbs.lookup(Side::data, Gva{0x1000}, one);
  EXPECT_TRUE(back.flushed);
  EXPECT_EQ(back.translation, nullptr);
  EXPECT_EQ(tlbs.switch_flushes(), 3U);
}

}  // namespace
}  // namespace hvsim::mmu
