// TLBs: tags, page sizes, replacement and the scope of every fence, against a list that is searched.
#include "models/mmu/tlb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <random>
#include <vector>

#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::mmu {
namespace {

using isa::Gpa;
using isa::Gva;
using isa::Hpa;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const isa::PagingScheme& sv39 = isa::kFirstStageSchemes[0];
const isa::PagingScheme& sv39x4 = isa::kGStageSchemes[0];
constexpr std::uint64_t kGlobal = 32, kNapot = std::uint64_t{1} << 63;

AddressSpace host_space(std::uint16_t asid) {
  return {.first = {&sv39, 0x80000000, asid}, .privilege = isa::Privilege::supervisor};
}
AddressSpace guest_space(std::uint16_t vmid, std::uint16_t asid) {
  return {.first = {&sv39, 0x80000000, asid},
          .g_stage = {&sv39x4, 0x90000000, vmid},
          .virtualized = true,
          .privilege = isa::Privilege::supervisor};
}
Translation page(std::uint64_t to, std::uint8_t first_level = 0, std::uint64_t pte_bits = 0) {
  return {.address = Hpa{to},
          .guest_physical = Gpa{to},
          .page_shift = static_cast<std::uint8_t>(12 + 9 * first_level),
          .first_pte = 0xCF | pte_bits,
          .first_level = first_level};
}
// A page of a guest: both stages' levels, the smaller page counts.
Translation guest_page(std::uint64_t gpa, std::uint64_t to, std::uint8_t first_level, std::uint8_t g_level,
                       std::uint64_t pte_bits = 0) {
  return {.address = Hpa{to},
          .guest_physical = Gpa{gpa},
          .page_shift = static_cast<std::uint8_t>(12 + 9 * std::min(first_level, g_level)),
          .first_pte = 0xCF | pte_bits,
          .g_pte = 0xDF,
          .first_level = first_level,
          .g_level = g_level};
}

// A NAPOT range at both stages, or where there is only one.
Translation napot_page(std::uint64_t to, std::uint64_t pte_bits = 0) {
  Translation translation = page(to, 0, kNapot | pte_bits);
  translation.page_shift = 16;
  return translation;
}

TEST(Tlb, HitsAnywhereInThePageAndTranslatesToTheByte) {
  Tlb tlb(TlbConfig{});
  const AddressSpace space = host_space(1);
  tlb.insert(Gva{0x40123456}, space, page(0x80323456, 1));
  const Translation* found = tlb.lookup(Gva{0x40000008}, space);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->address.value, 0x80200000U);
  EXPECT_EQ(at(*found, Gva{0x40000008}).address.value, 0x80200008U);
  EXPECT_EQ(tlb.lookup(Gva{0x40200000}, space), nullptr);
  EXPECT_EQ(tlb.stats().lookups, 2U);
  EXPECT_EQ(tlb.stats().misses, 1U);
}

TEST(Tlb, TagsKeepAddressSpacesApart) {
  Tlb tlb(TlbConfig{});
  tlb.insert(Gva{0x1000}, guest_space(1, 1), page(0x80000000));
  EXPECT_NE(tlb.lookup(Gva{0x1000}, guest_space(1, 1)), nullptr);
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, guest_space(1, 2)), nullptr);
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, guest_space(2, 1)), nullptr);
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, host_space(1)), nullptr);
}

TEST(Tlb, GlobalPagesServeEveryAsidOfTheirMachineOnly) {
  Tlb tlb(TlbConfig{});
  tlb.insert(Gva{0x1000}, guest_space(1, 1), page(0x80000000, 0, kGlobal));
  EXPECT_NE(tlb.lookup(Gva{0x1000}, guest_space(1, 9)), nullptr);
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, guest_space(2, 1)), nullptr);
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, host_space(1)), nullptr);
}

TEST(Tlb, SwitchingPagingOffTakesEffectWithoutAFence) {
  Tlb tlb(TlbConfig{});
  tlb.insert(Gva{0x1000}, guest_space(1, 0), page(0x80000000));
  AddressSpace bare = guest_space(1, 0);
  bare.first = {};
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, bare), nullptr);
}

TEST(Tlb, SwitchingTheGStageOffTakesEffectWithoutAFence) {
  Tlb tlb(TlbConfig{});
  tlb.insert(Gva{0x1000}, guest_space(0, 0), page(0x80000000));
  AddressSpace bare = guest_space(0, 0);
  bare.g_stage = {};
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, bare), nullptr);
}

TEST(Tlb, ANapotRangeIsOneEntryThatAnyOfItsAddressesReaches) {
  for (const unsigned ways : {16U, 4U}) {
    Tlb tlb({.entries = 16, .ways = ways});
    const AddressSpace space = host_space(1);
    tlb.insert(Gva{0x40053004}, space, napot_page(0x80093004));
    for (const std::uint64_t offset : {0x0, 0x3000, 0xF123}) {
      const Translation* found = tlb.lookup(Gva{0x40050000 + offset}, space);
      ASSERT_NE(found, nullptr) << offset;
      EXPECT_EQ(at(*found, Gva{0x40050000 + offset}).address.value, 0x80090000 + offset);
    }
    EXPECT_EQ(tlb.lookup(Gva{0x40060000}, space), nullptr);
    const auto left = tlb.fence_first_stage(std::nullopt, Gva{0x4005F000}, std::nullopt);
    ASSERT_THAT(left, SizeIs(1));
    EXPECT_EQ(left[0].page.value, 0x40050000U);
    EXPECT_EQ(left[0].page_shift, 16);
    EXPECT_EQ(tlb.lookup(Gva{0x40050000}, space), nullptr);
  }
}

TEST(Tlb, FencesByAddressTakeEveryPieceOfAFracturedNapotRange) {
  Tlb tlb(TlbConfig{});
  const AddressSpace space = guest_space(1, 1);
  Translation first_napot = guest_page(0x80053000, 0x90005000, 0, 0, kNapot);  // 64 KiB over 4 KiB
  tlb.insert(Gva{0x40053000}, space, first_napot);
  first_napot.guest_physical = Gpa{0x80057000};
  tlb.insert(Gva{0x40057000}, space, first_napot);
  Translation g_napot = guest_page(0x80153000, 0x90015000, 0, 0);  // 4 KiB over 64 KiB
  g_napot.g_pte |= kNapot;
  tlb.insert(Gva{0x50003000}, space, g_napot);
  g_napot.guest_physical = Gpa{0x80163000};
  tlb.insert(Gva{0x50004000}, space, g_napot);
  EXPECT_THAT(tlb.fence_first_stage(1, Gva{0x4005E000}, std::nullopt), SizeIs(2));
  EXPECT_THAT(tlb.fence_g_stage(Gpa{0x8015F000}, 1), SizeIs(1));
  EXPECT_NE(tlb.lookup(Gva{0x50004000}, space), nullptr);
}

TEST(Tlb, InsertTellsWhoLeft) {
  Tlb tlb(TlbConfig{.entries = 2, .ways = 2});
  const AddressSpace space = guest_space(3, 7);
  EXPECT_THAT(tlb.insert(Gva{0x1234}, space, page(0x80000234)), IsEmpty());
  EXPECT_THAT(tlb.insert(Gva{0x2000}, space, page(0x80001000)), IsEmpty());
  const auto left = tlb.insert(Gva{0x3000}, space, page(0x80002000));
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].page.value, 0x1000U);
  EXPECT_EQ(left[0].page_shift, 12);
  EXPECT_TRUE(left[0].virtualized);
  EXPECT_EQ(left[0].asid, 7);
  EXPECT_EQ(left[0].vmid, 3);
  EXPECT_EQ(tlb.stats().evictions, 1U);
}

TEST(Tlb, ANewMappingReplacesTheOldOneOfThatAddress) {
  Tlb tlb(TlbConfig{.entries = 64, .ways = 4});
  const AddressSpace space = host_space(1);
  tlb.insert(Gva{0x40001000}, space, page(0x80000000));
  const auto left = tlb.insert(Gva{0x40001000}, space, page(0x80201000, 1));  // now part of a superpage
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].page.value, 0x40001000U);
  EXPECT_EQ(at(*tlb.lookup(Gva{0x40001004}, space), Gva{0x40001004}).address.value, 0x80201004U);
  EXPECT_EQ(tlb.stats().evictions, 0U);
}

TEST(Tlb, AsidFencesSpareGlobalPagesAndAddressFencesDoNot) {
  Tlb tlb(TlbConfig{});
  const AddressSpace space = host_space(1);
  tlb.insert(Gva{0x1000}, space, page(0x80000000, 0, kGlobal));
  tlb.insert(Gva{0x2000}, space, page(0x80001000));
  EXPECT_THAT(tlb.fence_first_stage(std::nullopt, std::nullopt, 1), SizeIs(1));
  EXPECT_NE(tlb.lookup(Gva{0x1000}, space), nullptr);
  EXPECT_THAT(tlb.fence_first_stage(std::nullopt, Gva{0x1000}, 1), IsEmpty());
  EXPECT_THAT(tlb.fence_first_stage(std::nullopt, Gva{0x1FFF}, std::nullopt), SizeIs(1));
}

TEST(Tlb, HostAndGuestFencesStayOnTheirSide) {
  Tlb tlb(TlbConfig{});
  tlb.insert(Gva{0x1000}, host_space(1), page(0x80000000));
  tlb.insert(Gva{0x1000}, guest_space(1, 1), page(0x80001000));
  tlb.insert(Gva{0x1000}, guest_space(2, 1), page(0x80002000));
  EXPECT_THAT(tlb.fence_first_stage(std::nullopt, std::nullopt, std::nullopt), SizeIs(1));
  EXPECT_THAT(tlb.fence_first_stage(1, std::nullopt, std::nullopt), SizeIs(1));
  EXPECT_EQ(tlb.lookup(Gva{0x1000}, guest_space(1, 1)), nullptr);
  EXPECT_NE(tlb.lookup(Gva{0x1000}, guest_space(2, 1)), nullptr);
  tlb.insert(Gva{0x1000}, host_space(1), page(0x80000000));
  EXPECT_THAT(tlb.fence_g_stage(std::nullopt, std::nullopt), SizeIs(1));
  EXPECT_NE(tlb.lookup(Gva{0x1000}, host_space(1)), nullptr);
}

TEST(Tlb, FencesByAddressTakeEveryPieceOfAFracturedSuperpage) {
  Tlb tlb(TlbConfig{});
  const AddressSpace space = guest_space(1, 1);
  tlb.insert(Gva{0x40001000}, space, guest_page(0x80001000, 0x90005000, 1, 0));  // guest 2 MiB over 4 KiB
  tlb.insert(Gva{0x40002000}, space, guest_page(0x80002000, 0x90003000, 1, 0));
  tlb.insert(Gva{0x50000000}, space, guest_page(0x80003000, 0x90004000, 0, 1));  // guest 4 KiB over 2 MiB
  tlb.insert(Gva{0x50001000}, space, guest_page(0x80204000, 0x90204000, 0, 1));
  EXPECT_THAT(tlb.fence_first_stage(1, Gva{0x401FF000}, std::nullopt), SizeIs(2));
  EXPECT_THAT(tlb.fence_g_stage(Gpa{0x801FF000}, std::nullopt), SizeIs(1));
  EXPECT_NE(tlb.lookup(Gva{0x50001000}, space), nullptr);
  EXPECT_THAT(tlb.fence_g_stage(Gpa{0x80204000}, 2), IsEmpty());
  EXPECT_THAT(tlb.fence_g_stage(Gpa{0x80204000}, 1), SizeIs(1));
  EXPECT_EQ(tlb.stats().fences, 4U);
  EXPECT_EQ(tlb.stats().fenced_entries, 4U);
}

TEST(Tlb, ImpossibleGeometriesAreToldInWords) {
  EXPECT_EQ(problem(TlbConfig{}), std::nullopt);
  EXPECT_EQ(problem(TlbConfig{.entries = 12, .ways = 12}), std::nullopt);
  EXPECT_THAT(problem(TlbConfig{.entries = 0}).value_or(""), HasSubstr("entries: 0"));
  EXPECT_THAT(problem(TlbConfig{.entries = 16, .ways = 0}).value_or(""), HasSubstr("ways: 0"));
  EXPECT_THAT(problem(TlbConfig{.entries = 16, .ways = 5}).value_or(""), HasSubstr("not a multiple"));
  EXPECT_THAT(problem(TlbConfig{.entries = 48, .ways = 4}).value_or(""), HasSubstr("12 sets"));
  TlbHierarchyConfig tlbs;
  EXPECT_EQ(problem(tlbs), std::nullopt);
  tlbs.dtlb = {.entries = 12, .ways = 12, .replacement = mem::Replacement::plru};
  EXPECT_THAT(problem(tlbs).value_or(""), HasSubstr("dtlb.replacement: plru needs a power of two"));
  tlbs = {};
  tlbs.walk_caches.has_g_tlb = true;
  tlbs.walk_caches.g_tlb.ways = 3;
  EXPECT_THAT(problem(tlbs).value_or(""), HasSubstr("walk_caches.g_tlb.entries: 64 is not a multiple"));
  tlbs = {};
  tlbs.walk_caches.g_stage.entries = 2000;
  EXPECT_THAT(problem(tlbs).value_or(""), HasSubstr("walk_caches.g_stage.entries: 2000"));
}

// The textbook TLB: one list per set and page size mix, searched from end to end.
class TextbookTlb {
 public:
  struct Entry {
    std::uint64_t from;
    std::uint64_t bytes;
    AddressSpace space;
    Translation translation;
    bool global() const { return (translation.first_pte & kGlobal) != 0; }
    std::uint64_t first_bytes() const { return leaf_bytes(translation.first_pte, translation.first_level); }
    std::uint64_t g_bytes() const { return leaf_bytes(translation.g_pte, translation.g_level); }
    static std::uint64_t leaf_bytes(std::uint64_t pte, unsigned level) {
      return (pte & kNapot) != 0 ? 65536 : std::uint64_t{4096} << 9 * level;
    }
  };

  TextbookTlb(unsigned entries, unsigned ways, bool lru) : sets_(entries / ways), ways_(ways), lru_(lru) {}

  const Entry* lookup(std::uint64_t address, const AddressSpace& space) {
    for (auto& set : sets_)
      for (auto entry = set.begin(); entry != set.end(); ++entry) {
        if (!serves(*entry, address, space)) continue;
        if (lru_) set.splice(set.end(), set, entry);
        return &*entry;
      }
    return nullptr;
  }
  void insert(std::uint64_t address, const AddressSpace& space, const Translation& translation) {
    for (auto& set : sets_) set.remove_if([&](const Entry& e) { return serves(e, address, space); });
    const std::uint64_t bytes = std::uint64_t{1} << translation.page_shift;
    auto& set = sets_[address / bytes % sets_.size()];
    if (set.size() == ways_) set.pop_front();
    set.push_back({address / bytes * bytes, bytes, space, translation});
  }
  template <class Condition>
  std::size_t drop(Condition condition) {
    std::size_t before = 0, after = 0;
    for (auto& set : sets_) {
      before += set.size();
      set.remove_if(condition);
      after += set.size();
    }
    return before - after;
  }

 private:
  static bool serves(const Entry& e, std::uint64_t address, const AddressSpace& space) {
    if (address / e.bytes != e.from / e.bytes || e.space.virtualized != space.virtualized) return false;
    if (space.virtualized && e.space.g_stage.space != space.g_stage.space) return false;
    return e.global() || e.space.first.space == space.first.space;
  }

  std::vector<std::list<Entry>> sets_;
  std::size_t ways_;
  bool lru_;
};

struct Shape {
  unsigned entries, ways;
  mem::Replacement replacement;
};
class RandomTranslations : public ::testing::TestWithParam<Shape> {};

TEST_P(RandomTranslations, HitMissAndFenceAsTheTextbookTlbDoes) {
  const Shape shape = GetParam();
  Tlb tlb({.entries = shape.entries, .ways = shape.ways, .replacement = shape.replacement});
  TextbookTlb textbook(shape.entries, shape.ways, shape.replacement == mem::Replacement::lru);
  std::mt19937_64 random(shape.entries + shape.ways);
  const auto any_space = [&] {
    const auto asid = static_cast<std::uint16_t>(random() % 3);
    return random() % 3 == 0 ? host_space(asid) : guest_space(static_cast<std::uint16_t>(random() % 2), asid);
  };
  // Each of the first 128 MiB maps with one page size per 2 MiB, so that sizes mix but never overlap.
  const auto any_address = [&] {
    return random() % 64 * 0x200000 + random() % 3 * 0x10000 + random() % 6 * 0x1000 + random() % 4096;
  };
  const auto mapping = [&](std::uint64_t address, const AddressSpace& space) {
    const auto first = static_cast<std::uint8_t>(address >> 21 & 1),
               g = static_cast<std::uint8_t>(address >> 22 & 1);
    const std::uint64_t global = (address >> 23 & 1) != 0 ? kGlobal : 0;
    const std::uint64_t first_napot = first == 0 && (address >> 24 & 1) != 0 ? kNapot : 0,
                        g_napot = g == 0 && (address >> 25 & 1) != 0 ? kNapot : 0;
    Translation entry = space.virtualized ? guest_page(address ^ 0x1000000, address + 0x80000000, first, g,
                                                       global | first_napot)
                                          : page(address + 0x80000000, first, global | first_napot);
    if (space.virtualized) entry.g_pte |= g_napot;
    const unsigned first_shift = first_napot != 0 ? 16 : 12 + 9U * first,
                   g_shift = g_napot != 0 ? 16 : 12 + 9U * g;
    entry.page_shift =
        static_cast<std::uint8_t>(space.virtualized ? std::min(first_shift, g_shift) : first_shift);
    return entry;
  };
  std::uint64_t hits = 0;
  for (unsigned step = 0; step < 50'000; ++step) {
    const std::uint64_t address = any_address();
    const AddressSpace space = any_space();
    if (random() % 50 != 0) {
      const Translation* got = tlb.lookup(Gva{address}, space);
      const auto* expected = textbook.lookup(address, space);
      ASSERT_EQ(got != nullptr, expected != nullptr) << "step " << step;
      hits += got != nullptr;
      if (got != nullptr) {
        ASSERT_EQ(at(*got, Gva{address}).address.value, address + 0x80000000);
      } else {
        tlb.insert(Gva{address}, space, mapping(address, space));
        textbook.insert(address, space, mapping(address, space));
      }
      continue;
    }
    const auto asid = static_cast<std::uint16_t>(random() % 3),
               vmid = static_cast<std::uint16_t>(random() % 2);
    const bool by_address = random() % 4 != 0, by_space = random() % 2 == 0, g_stage = random() % 3 == 0;
    std::size_t expected = 0, got = 0;
    if (g_stage) {
      const std::uint64_t gpa = address ^ 0x1000000;
      got = tlb.fence_g_stage(by_address ? std::optional(Gpa{gpa}) : std::nullopt,
                              by_space ? std::optional(vmid) : std::nullopt)
                .size();
      expected = textbook.drop([&](const TextbookTlb::Entry& e) {
        if (!e.space.virtualized || (by_space && e.space.g_stage.space != vmid)) return false;
        const std::uint64_t its_gpa = e.from ^ 0x1000000;
        return !by_address || its_gpa / e.g_bytes() == gpa / e.g_bytes();
      });
    } else {
      const bool of_guest = random() % 2 == 0;
      got = tlb.fence_first_stage(of_guest ? std::optional(vmid) : std::nullopt,
                                  by_address ? std::optional(Gva{address}) : std::nullopt,
                                  by_space ? std::optional(asid) : std::nullopt)
                .size();
      expected = textbook.drop([&](const TextbookTlb::Entry& e) {
        if (e.space.virtualized != of_guest || (of_guest && e.space.g_stage.space != vmid)) return false;
        if (by_space && (e.global() || e.space.first.space != asid)) return false;
        return !by_address || e.from / e.first_bytes() == address / e.first_bytes();
      });
    }
    ASSERT_EQ(got, expected) << "step " << step;
  }
  EXPECT_GT(hits, 1'000U);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, RandomTranslations,
    ::testing::Values(Shape{16, 16, mem::Replacement::fifo}, Shape{16, 16, mem::Replacement::lru},
                      Shape{64, 4, mem::Replacement::fifo}, Shape{256, 4, mem::Replacement::lru},
                      Shape{32, 1, mem::Replacement::fifo}, Shape{24, 3, mem::Replacement::lru}),
    [](const auto& shape) {
      return std::to_string(shape.param.entries) + "Entries" + std::to_string(shape.param.ways) + "Ways" +
             (shape.param.replacement == mem::Replacement::lru ? "Lru" : "Fifo");
    });

TEST(Tlb, MoreLruEntriesNeverRaiseMisses) {
  std::mt19937 random(5);
  std::vector<std::uint64_t> pages;
  for (unsigned i = 0; i < 20'000; ++i) pages.push_back(random() % 2 != 0 ? random() % 100 : i % 30);
  std::uint64_t smaller_misses = ~std::uint64_t{0};
  for (unsigned entries = 4; entries <= 64; entries *= 2) {
    Tlb tlb({.entries = entries, .ways = entries, .replacement = mem::Replacement::lru});
    const AddressSpace space = host_space(1);
    for (const std::uint64_t number : pages)
      if (tlb.lookup(Gva{number << 12}, space) == nullptr)
        tlb.insert(Gva{number << 12}, space, page(number << 12));
    EXPECT_LE(tlb.stats().misses, smaller_misses) << entries;
    smaller_misses = tlb.stats().misses;
  }
}

TEST(TlbHierarchy, RefillsTheFirstLevelFromTheSecond) {
  TlbHierarchy tlbs({.itlb = {.entries = 2, .ways = 2}, .dtlb = {.entries = 2, .ways = 2}});
  const AddressSpace space = host_space(1);
  using Side = TlbHierarchy::Side;
  using Level = TlbHierarchy::Level;
  EXPECT_EQ(tlbs.lookup(Side::data, Gva{0x1000}, space).level, Level::none);
  for (std::uint64_t at = 0x1000; at <= 0x3000; at += 0x1000)
    tlbs.insert(Side::data, Gva{at}, space, page(at));
  const auto second = tlbs.lookup(Side::data, Gva{0x1008}, space);
  EXPECT_EQ(second.level, Level::l2);
  EXPECT_EQ(second.latency, 4U);
  ASSERT_NE(second.translation, nullptr);
  ASSERT_THAT(second.left, SizeIs(1));
  EXPECT_EQ(second.left[0].page.value, 0x2000U);
  EXPECT_EQ(tlbs.lookup(Side::data, Gva{0x1008}, space).level, Level::l1);
  EXPECT_EQ(tlbs.lookup(Side::fetch, Gva{0x1008}, space).level, Level::l2);
}

TEST(TlbHierarchy, FencesReachEveryLevelAndTellWhatBothFirstLevelsLost) {
  TlbHierarchy tlbs(TlbHierarchyConfig{});
  const AddressSpace space = guest_space(1, 1);
  using Side = TlbHierarchy::Side;
  tlbs.insert(Side::data, Gva{0x1000}, space, page(0x1000));
  tlbs.insert(Side::fetch, Gva{0x2000}, space, page(0x2000));
  const auto left = tlbs.fence_first_stage(1, Gva{0x2000}, std::nullopt);
  EXPECT_THAT(left.dtlb, IsEmpty());
  ASSERT_THAT(left.itlb, SizeIs(1));
  EXPECT_EQ(tlbs.lookup(Side::fetch, Gva{0x2000}, space).translation, nullptr);
  tlbs.fence_g_stage(std::nullopt, 1);
  EXPECT_EQ(tlbs.lookup(Side::data, Gva{0x1000}, space).translation, nullptr);
}

TEST(TlbHierarchy, WorksWithoutASecondLevel) {
  TlbHierarchy tlbs({.itlb = {}, .dtlb = {.entries = 1, .ways = 1}, .l2 = {}, .has_l2 = false});
  const AddressSpace space = host_space(1);
  using Side = TlbHierarchy::Side;
  tlbs.insert(Side::data, Gva{0x1000}, space, page(0x1000));
  EXPECT_THAT(tlbs.insert(Side::data, Gva{0x2000}, space, page(0x2000)), SizeIs(1));
  EXPECT_EQ(tlbs.lookup(Side::data, Gva{0x1000}, space).latency, 0U);
  EXPECT_EQ(tlbs.l2().stats().lookups, 0U);
}

}  // namespace
}  // namespace hvsim::mmu
