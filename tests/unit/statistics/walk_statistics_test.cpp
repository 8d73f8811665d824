// Walks by stage, level, purpose, page size and address space: golden numbers from the manual's algorithm.
#include "models/statistics/walk_statistics.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "tests/unit/mmu/page_tables.h"

namespace hvsim::statistics {
namespace {

using isa::Access;
using mmu::Stage;
namespace bits = mmu::bits;

constexpr std::uint64_t kVa = 0x12345678;
constexpr std::uint64_t kGpa = mmu::kRam + 0x5000;

class Walks : public ::testing::Test {
 protected:
  void guest(unsigned first_level = 0, unsigned g_level = 0, std::uint64_t g_flags = bits::rwx | bits::u) {
    g_root = machine.new_root(mmu::sv39x4);
    machine.map_guest_ram(mmu::sv39x4, g_root, g_level, g_flags);
    root = machine.new_root(mmu::sv39);
    machine.map(mmu::sv39, root, kVa, mmu::kRam, bits::rw, first_level);
    space = {.first = {&mmu::sv39, root, 5},
             .g_stage = {&mmu::sv39x4, g_root, 3},
             .virtualized = true,
             .privilege = isa::Privilege::supervisor};
  }
  // Walks; each access is said to have cost ten cycles, and to have come from the L2.
  void walk(std::uint64_t address, Access access = Access::load) {
    const auto result = machine.translate(address, access, space);
    std::array<PteCost, mmu::WalkTrace::kMax> costs;
    costs.fill({mem::Served::l2, 10});
    statistics.add({.trace = machine.trace,
                    .costs = std::span(costs).first(machine.trace.count),
                    .space = space,
                    .found = result ? &result.value() : nullptr,
                    .cycles = 10u * machine.trace.count + 3});
  }
  // (stage, level, purpose, write) -> count
  std::map<std::tuple<Stage, unsigned, unsigned, bool>, std::uint64_t> ptes() const {
    std::map<std::tuple<Stage, unsigned, unsigned, bool>, std::uint64_t> result;
    statistics.for_each_pte([&](const PteKey& key, const Tally& tally) {
      result[{key.stage, key.level, key.purpose, key.write}] += tally.count;
      EXPECT_EQ(tally.cycles, 10 * tally.count);
      EXPECT_EQ(key.source, static_cast<unsigned>(mem::Served::l2));
    });
    return result;
  }
  const WalkStatistics::Kind& kind(WalkKind which) const {
    return statistics.kinds()[static_cast<std::size_t>(which)];
  }

  mmu::Machine machine;
  std::uint64_t root = 0, g_root = 0;
  mmu::AddressSpace space;
  WalkStatistics statistics;
};

TEST_F(Walks, AColdSv39WalkReadsOnePteAtEachOfThreeLevels) {
  root = machine.new_root(mmu::sv39);
  machine.map(mmu::sv39, root, kVa, kGpa, bits::rw);
  space = mmu::supervisor_space(mmu::sv39, root);
  walk(kVa);
  const decltype(ptes()) expected{
      {{Stage::first, 2, 2, false}, 1}, {{Stage::first, 1, 1, false}, 1}, {{Stage::first, 0, 0, false}, 1}};
  EXPECT_EQ(ptes(), expected);
  EXPECT_EQ(kind(WalkKind::one_stage).cycles.sum(), 33u);
  EXPECT_EQ(kind(WalkKind::one_stage).reads, 3u);
  EXPECT_EQ(statistics.pages()[1][0].count, 1u) << "4 KiB, no G-stage";
}

// Privileged manual, "Two-Stage Address Translation": each of the three guest PTEs and the page itself are
// translated by three G-stage PTEs.
TEST_F(Walks, AColdSv39OverSv39x4WalkReadsFifteenPtesByStageLevelAndPurpose) {
  guest();
  walk(kVa);
  decltype(ptes()) expected;
  for (const unsigned purpose : {2u, 1u, 0u, kForPage})
    for (const unsigned level : {2u, 1u, 0u}) expected[{Stage::g_stage, level, purpose, false}] = 1;
  for (const unsigned level : {2u, 1u, 0u}) expected[{Stage::first, level, level, false}] = 1;
  EXPECT_EQ(expected.size(), 15u);
  EXPECT_EQ(ptes(), expected);
  EXPECT_EQ(kind(WalkKind::two_stage).reads, 15u);
  EXPECT_EQ(kind(WalkKind::two_stage).cycles.sum(), 153u);
}

TEST_F(Walks, PagesAreToldByTheSizesOfBothStages) {
  guest(1, 1);
  walk(kVa);
  EXPECT_EQ(statistics.pages()[3][3].count, 1u) << "2 MiB over 2 MiB";
  EXPECT_EQ(kind(WalkKind::two_stage).reads, 8u) << "(2 + 1) (2 + 1) - 1";
  space.first.scheme = nullptr;
  walk(kGpa);
  EXPECT_EQ(statistics.pages()[0][3].count, 1u) << "vsatp Bare";
  EXPECT_EQ(kind(WalkKind::g_stage_only).reads, 2u);
}

TEST_F(Walks, TheWalkersWritesAreForThePteThatTheyChange) {
  guest();
  machine.map(mmu::sv39, root, kVa, mmu::kRam, bits::v | bits::r | bits::w);  // neither A nor D
  // Not D where the guest's tables are, so that the G-stage leaf of the guest's PTE is written as well.
  const std::uint64_t leaf = machine.pte_at(mmu::sv39, root, kVa, 0);
  const std::uint64_t g_leaf = machine.pte_at(mmu::sv39x4, g_root, leaf, 0);
  machine.store(g_leaf, machine.load(g_leaf) & ~bits::d);
  const std::uint64_t g_page = machine.pte_at(mmu::sv39x4, g_root, mmu::kRam, 0);
  machine.store(g_page, machine.load(g_page) & ~bits::d);
  walk(kVa, Access::store);
  const auto seen = ptes();
  EXPECT_EQ(seen.at({Stage::first, 0, 0, true}), 1u);
  EXPECT_EQ(seen.at({Stage::g_stage, 0, 0, true}), 1u);
  EXPECT_EQ(seen.at({Stage::g_stage, 0, kForPage, true}), 1u);
  EXPECT_EQ(seen.size(), 18u);
  EXPECT_EQ(kind(WalkKind::two_stage).reads, 15u) << "writes are no reads";
}

TEST_F(Walks, AFaultInTheMiddleIsForWhatWouldHaveComeNext) {
  guest();
  const std::uint64_t middle = machine.pte_at(mmu::sv39, root, kVa, 1);
  machine.store(machine.pte_at(mmu::sv39x4, g_root, middle, 0), 0);
  walk(kVa);
  EXPECT_EQ(kind(WalkKind::two_stage).faults, 1u);
  EXPECT_EQ(ptes().at({Stage::g_stage, 0, 1, false}), 1u) << "the guest's PTE at level 1 was not reached";
  EXPECT_EQ(statistics.pages()[1][1].count, 0u);
  const SpaceTally& tally = statistics.spaces().at({true, 3, 5});
  EXPECT_EQ(tally.faults, 1u);
  EXPECT_EQ(tally.reads_first, 1u);
  EXPECT_EQ(tally.reads_g, 6u);
}

TEST_F(Walks, AddressSpacesBeyondTheLimitShareOneRowAndNothingIsLost) {
  guest();
  constexpr unsigned kAll = WalkStatistics::kSpaces + 44;
  for (unsigned turn = 0; turn < 2; ++turn)
    for (unsigned asid = 0; asid < kAll; ++asid) {
      space.first.space = static_cast<std::uint16_t>(asid);
      walk(kVa);
    }
  EXPECT_EQ(statistics.spaces().size(), WalkStatistics::kSpaces);
  std::uint64_t walks = statistics.other_spaces().walks;
  EXPECT_EQ(walks, 2u * 44);
  for (const auto& [key, tally] : statistics.spaces()) walks += tally.walks;
  EXPECT_EQ(walks, 2u * kAll);
}

TEST_F(Walks, MergingAddsEverythingUp) {
  guest();
  walk(kVa);
  walk(kVa + (std::uint64_t{1} << 30));  // not mapped
  WalkStatistics sum;
  sum.merge(statistics);
  sum.merge(statistics);
  EXPECT_EQ(sum.kinds()[2].reads, 2 * kind(WalkKind::two_stage).reads);
  EXPECT_EQ(sum.kinds()[2].faults, 2u);
  EXPECT_EQ(sum.kinds()[2].cycles.count(), 4u);
  EXPECT_EQ(sum.spaces().at({true, 3, 5}).walks, 4u);
  EXPECT_EQ(sum.pages()[1][1].count, 2u);
}

}  // namespace
}  // namespace hvsim::statistics
