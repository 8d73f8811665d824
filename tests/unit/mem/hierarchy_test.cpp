// The hierarchy: latencies, coherence, inclusion, and presence masks that never lie.
#include "models/mem/hierarchy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "tests/unit/mem/hierarchy_fixture.h"

namespace hvsim::mem {
namespace {

using isa::Hpa;
using Kind = Hierarchy::Kind;
using ::testing::HasSubstr;
using namespace test;

TEST(Hierarchy, ColdThenWarmThenNeighbourCostWhatTheConfigSays) {
  HierarchyConfig config;
  config.l1d.hit_latency = 1;
  auto caches = build(config, 1);
  const auto cold = caches->access(0, Kind::load, kRam.base, 100);
  EXPECT_EQ(cold.ready, 100U + 1 + 12 + 80);
  EXPECT_EQ(cold.by, Served::memory);
  const auto warm = caches->access(0, Kind::load, kRam.base + 63, 200);
  EXPECT_EQ(warm.ready, 201U);
  EXPECT_EQ(warm.by, Served::l1);
  const auto code = caches->access(0, Kind::fetch, kRam.base, 300);
  EXPECT_EQ(code.ready, 312U);
  EXPECT_EQ(code.by, Served::l2);
}

// What a wrong path waits for is what the same fetch on the right path takes of a line that was there before.
TEST(Hierarchy, ARefillTakesWhatTheNextLevelTakes) {
  for (const auto& [l2, llc, takes] :
       {std::tuple{true, false, 12u + 4}, {false, true, 30u + 4}, {false, false, 80u + 4}}) {
    HierarchyConfig config;
    config.has_l2 = l2;
    config.has_llc = llc;
    config.l1i.miss_latency = 4;
    auto caches = build(config, 1);
    caches->access(0, Kind::fetch, kRam.base, 0);
    caches->fence_instruction(0);
    EXPECT_EQ(caches->refill_latency(), takes);
    EXPECT_EQ(caches->access(0, Kind::fetch, kRam.base, 1000).ready, 1000 + takes);
  }
}

TEST(Hierarchy, PageWalksReadThroughTheDataCache) {
  auto caches = build(HierarchyConfig{}, 1);
  EXPECT_EQ(caches->access(0, Kind::walk, kRam.base, 0).by, Served::memory);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 0).by, Served::l1);
  EXPECT_EQ(caches->l1d_stats(0).accesses, 2U);
  EXPECT_EQ(caches->l1i_stats(0).accesses, 0U);
}

TEST(Hierarchy, LoadOfALineModifiedElsewhereDowngradesItAndPaysForIt) {
  auto caches = build(HierarchyConfig{}, 2);
  caches->access(0, Kind::store, kRam.base, 0);
  EXPECT_TRUE(writable(*caches, 0, kRam.base));
  const auto load = caches->access(1, Kind::load, kRam.base, 1000);
  EXPECT_EQ(load.ready, 1000U + 12 + 20);
  EXPECT_EQ(load.by, Served::other_l1);
  EXPECT_FALSE(writable(*caches, 0, kRam.base));
  EXPECT_TRUE(readable(*caches, 0, kRam.base));
  EXPECT_TRUE(readable(*caches, 1, kRam.base));
  EXPECT_EQ(caches->coherence_stats().downgrades, 1U);
}

TEST(Hierarchy, StoreToASharedLineInvalidatesTheOtherCopies) {
  auto caches = build(HierarchyConfig{}, 3);
  for (unsigned hart = 0; hart < 3; ++hart) caches->access(hart, Kind::load, kRam.base, 0);
  const auto store = caches->access(2, Kind::store, kRam.base, 500);
  EXPECT_EQ(store.ready, 520U);
  EXPECT_TRUE(writable(*caches, 2, kRam.base));
  EXPECT_FALSE(readable(*caches, 0, kRam.base));
  EXPECT_FALSE(readable(*caches, 1, kRam.base));
  EXPECT_EQ(caches->coherence_stats().invalidations, 2U);
  EXPECT_EQ(caches->access(2, Kind::store, kRam.base, 600).ready, 600U);
}

TEST(Hierarchy, MesiWritesAnExclusiveLineWithoutAskingAndMsiAsks) {
  for (const auto protocol : {Coherence::mesi, Coherence::msi}) {
    HierarchyConfig config;
    config.coherence = protocol;
    auto caches = build(config, 2);
    caches->access(0, Kind::load, kRam.base, 0);
    EXPECT_FALSE(writable(*caches, 0, kRam.base)) << "the first store must be seen";
    const bool mesi = protocol == Coherence::mesi;
    EXPECT_EQ(caches->access(0, Kind::store, kRam.base, 500).ready, mesi ? 500U : 520U);
    EXPECT_TRUE(writable(*caches, 0, kRam.base));
    EXPECT_EQ(caches->coherence_stats().upgrades, mesi ? 0U : 1U);
    EXPECT_EQ(caches->coherence_stats().exclusive_writes, mesi ? 1U : 0U);
  }
}

TEST(Hierarchy, MesiAsksTheOwnerOfAnExclusiveLineAndMsiNeedNot) {
  for (const auto protocol : {Coherence::mesi, Coherence::msi}) {
    HierarchyConfig config;
    config.coherence = protocol;
    auto caches = build(config, 2);
    caches->access(0, Kind::load, kRam.base, 0);
    const auto second = caches->access(1, Kind::load, kRam.base, 100);
    EXPECT_EQ(second.ready, 100U + 12 + (protocol == Coherence::mesi ? 20 : 0));
    EXPECT_EQ(second.by, Served::l2) << "the copy was clean";
    EXPECT_EQ(caches->access(0, Kind::store, kRam.base, 500).ready, 520U) << "shared now";
  }
}

TEST(Hierarchy, FalseSharingCostsEachStoreAndPaddingTakesThatAway) {
  const auto cycles_of = [](std::uint64_t distance) {
    auto caches = build(HierarchyConfig{}, 2);
    isa::Cycles now = 0;
    for (unsigned turn = 0; turn < 100; ++turn)
      for (unsigned hart = 0; hart < 2; ++hart)
        now = caches->access(hart, Kind::store, kRam.base + hart * distance, now).ready;
    return now;
  };
  EXPECT_EQ(cycles_of(64), 2U * (12 + 80)) << "a cold miss for each hart and nothing more";
  EXPECT_EQ(cycles_of(8), 12U + 80 + 199 * (12 + 20)) << "the line goes to and fro";
}

HierarchyConfig write_through_without_l2() {
  HierarchyConfig config;
  config.l1i.line_bytes = config.l1d.line_bytes = 16;
  config.l1d.write_policy = WritePolicy::write_through;
  config.l1d.write_allocate = false;
  config.l1d.replacement = config.l1i.replacement = Replacement::lfsr8;
  config.l1d.miss_latency = 6;
  config.l1i.miss_latency = 8;
  config.has_l2 = false;
  config.memory_latency = 20;
  config.memory_write_latency = 24;
  return config;
}

TEST(Hierarchy, WithoutAnL2MemoryIsRightBehindTheL1s) {
  auto caches = build(write_through_without_l2(), 1);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 100).ready, 100U + 6 + 20);
  EXPECT_EQ(caches->access(0, Kind::fetch, kRam.base, 200).ready, 200U + 8 + 20);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base + 15, 300).ready, 300U);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base + 16, 400).by, Served::memory) << "lines of 16 bytes";
  EXPECT_EQ(caches->l2_stats().accesses, 0U);
}

TEST(Hierarchy, AStoreThatMissesAWriteThroughCacheIsPassedOnAndBringsNothing) {
  auto caches = build(write_through_without_l2(), 1);
  const auto store = caches->access(0, Kind::store, kRam.base, 100);
  EXPECT_EQ(store.ready, 100U);
  EXPECT_EQ(store.written, 124U);
  EXPECT_FALSE(readable(*caches, 0, kRam.base) || writable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->l1d_stats(0).misses, 1U);
  caches->access(0, Kind::load, kRam.base, 200);
  EXPECT_EQ(caches->access(0, Kind::store, kRam.base + 8, 300).ready, 300U);
  EXPECT_TRUE(writable(*caches, 0, kRam.base)) << "hits need not be seen";
  EXPECT_EQ(caches->l1d_stats(0).writebacks, 0U);
}

TEST(Hierarchy, AWriteThroughStoreTakesTheLineFromOthers) {
  auto caches = build(write_through_without_l2(), 2);
  caches->access(0, Kind::load, kRam.base, 0);
  caches->access(1, Kind::store, kRam.base, 10);
  EXPECT_FALSE(readable(*caches, 0, kRam.base));
  caches->access(0, Kind::load, kRam.base, 20);
  caches->access(1, Kind::load, kRam.base, 20);
  caches->access(1, Kind::store, kRam.base, 30);
  EXPECT_FALSE(readable(*caches, 0, kRam.base));
  EXPECT_TRUE(writable(*caches, 1, kRam.base));
  caches->access(0, Kind::load, kRam.base, 40);
  EXPECT_FALSE(writable(*caches, 1, kRam.base)) << "its next store has a copy to take";
  EXPECT_EQ(caches->incoherence(), std::nullopt);
}

TEST(Hierarchy, AtomicsInMemoryTakeTheLineFromTheDataCache) {
  HierarchyConfig config = write_through_without_l2();
  config.atomics_in_memory = true;
  auto caches = build(config, 1);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_EQ(caches->access(0, Kind::atomic, kRam.base, 100).ready, 120U);
  EXPECT_FALSE(readable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 200).by, Served::memory);
  config.atomics_in_memory = false;
  caches = build(config, 1);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_EQ(caches->access(0, Kind::atomic, kRam.base, 100).ready, 100U) << "as a store";
}

TEST(Hierarchy, TheLastLevelCacheServesWhatTheL2Lost) {
  HierarchyConfig config = small_config();
  config.has_llc = true;
  config.llc.hit_latency = 30;
  auto caches = build(config, 1);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 0).ready, 12U + 30 + 80);
  for (std::uint64_t i = 1; i <= 4; ++i) caches->access(0, Kind::load, kRam.base + i * 8 * 64, 0);
  const auto again = caches->access(0, Kind::load, kRam.base, 1000);
  EXPECT_EQ(again.ready, 1000U + 12 + 30);
  EXPECT_EQ(again.by, Served::llc);
}

TEST(Hierarchy, OneL2LineHoldsSeveralL1Lines) {
  HierarchyConfig config = small_config(16);
  config.l2.line_bytes = 64;
  auto caches = build(config, 2);
  caches->access(0, Kind::store, kRam.base, 0);
  EXPECT_EQ(caches->access(1, Kind::store, kRam.base + 16, 0).by, Served::l2);
  EXPECT_TRUE(writable(*caches, 0, kRam.base)) << "no false sharing between L1 lines";
  for (std::uint64_t i = 1; i <= 4; ++i)
    caches->access(1, Kind::load, kRam.base + i * config.l2.size_bytes / 4, 0);
  EXPECT_FALSE(readable(*caches, 0, kRam.base) || readable(*caches, 1, kRam.base + 16));
  EXPECT_EQ(caches->coherence_stats().back_invalidations, 2U);
}

TEST(Hierarchy, L2EvictionTakesTheLinesAboveAlong) {
  auto caches = build(small_config(), 2);
  const Hpa victim = kRam.base;
  caches->access(0, Kind::store, victim, 0);
  caches->access(1, Kind::fetch, victim, 0);
  for (std::uint64_t i = 1; i <= 4; ++i)
    caches->access(1, Kind::load, victim + i * 8 * 64, 0);  // same L2 set
  EXPECT_FALSE(readable(*caches, 0, victim));
  EXPECT_FALSE(fetchable(*caches, 1, victim));
  EXPECT_EQ(caches->coherence_stats().back_invalidations, 2U);
  EXPECT_EQ(caches->l2_stats().writebacks, 1U);
}

TEST(Hierarchy, FenceInstructionEmptiesTheInstructionCacheOfThatHartOnly) {
  auto caches = build(HierarchyConfig{}, 2);
  for (unsigned hart = 0; hart < 2; ++hart) caches->access(hart, Kind::fetch, kRam.base, 0);
  caches->access(0, Kind::load, kRam.base, 0);
  caches->fence_instruction(0);
  EXPECT_FALSE(fetchable(*caches, 0, kRam.base));
  EXPECT_TRUE(fetchable(*caches, 1, kRam.base));
  EXPECT_TRUE(readable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->access(0, Kind::fetch, kRam.base, 0).by, Served::l2);
}

TEST(Hierarchy, StoresLeaveInstructionCachesAlone) {
  auto caches = build(HierarchyConfig{}, 2);
  caches->access(1, Kind::fetch, kRam.base, 0);
  caches->access(0, Kind::store, kRam.base, 0);
  EXPECT_TRUE(fetchable(*caches, 1, kRam.base));
}

TEST(Hierarchy, HitsFoundByMaskKeepAccessCountsExact) {
  auto caches = build(HierarchyConfig{}, 1);
  caches->access(0, Kind::load, kRam.base, 0);
  caches->count_hits(0, Kind::load, 41);
  caches->count_hits(0, Kind::fetch, 7);
  EXPECT_EQ(caches->l1d_stats(0).accesses, 42U);
  EXPECT_EQ(caches->l1d_stats(0).misses, 1U);
  EXPECT_EQ(caches->l1i_stats(0).accesses, 7U);
}

TEST(Hierarchy, LinesOutsideRamAreCachedButNeverInAMask) {
  auto caches = build(HierarchyConfig{}, 1);
  EXPECT_EQ(caches->access(0, Kind::fetch, Hpa{0x1000}, 0).by, Served::memory);
  EXPECT_EQ(caches->access(0, Kind::fetch, Hpa{0x1000}, 0).by, Served::l1);
  EXPECT_EQ(caches->access(0, Kind::store, Hpa{0x1000}, 0).by, Served::l2);
  EXPECT_EQ(caches->access(0, Kind::store, Hpa{0x1000}, 0).by, Served::l1);
  const std::uint64_t words = kRam.bytes / 4096;
  for (std::uint64_t i = 0; i < words; ++i) EXPECT_EQ(caches->fetchable_words(0)[i], 0U);
}

TEST(Hierarchy, ManagingALineReachesEveryCopyOfIt) {
  for (const auto operation : {isa::BlockOperation::flush, isa::BlockOperation::invalidate}) {
    auto caches = build(HierarchyConfig{}, 2);
    caches->access(0, Kind::store, kRam.base, 0);
    caches->access(1, Kind::fetch, kRam.base, 0);
    caches->manage(operation, kRam.base + 8, 0);
    EXPECT_FALSE(readable(*caches, 0, kRam.base) || writable(*caches, 0, kRam.base));
    EXPECT_FALSE(fetchable(*caches, 1, kRam.base));
    EXPECT_EQ(caches->access(1, Kind::load, kRam.base, 0).by, Served::memory);
  }
}

TEST(Hierarchy, ACleanedLineStaysAndIsWrittenBackOnce) {
  const HierarchyConfig config;
  auto caches = build(config, 1);
  caches->access(0, Kind::store, kRam.base, 0);
  const isa::Cycles lookup = config.l2.hit_latency;
  EXPECT_EQ(caches->manage(isa::BlockOperation::clean, kRam.base, 100), 100 + lookup + config.memory_latency);
  EXPECT_EQ(caches->manage(isa::BlockOperation::clean, kRam.base, 100), 100 + lookup);
  EXPECT_TRUE(readable(*caches, 0, kRam.base));
  EXPECT_FALSE(writable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->l2_stats().writebacks, 1u);
  EXPECT_EQ(caches->manage(isa::BlockOperation::flush, kRam.base + 4096, 7), 7 + lookup);  // not there
}

TEST(Hierarchy, FlushEmptiesEverything) {
  auto caches = build(HierarchyConfig{}, 2);
  caches->access(0, Kind::store, kRam.base, 0);
  caches->access(1, Kind::fetch, kRam.base + 4096, 0);
  caches->flush();
  EXPECT_FALSE(readable(*caches, 0, kRam.base));
  EXPECT_FALSE(writable(*caches, 0, kRam.base));
  EXPECT_FALSE(fetchable(*caches, 1, kRam.base + 4096));
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 0).by, Served::memory);
}

TEST(Hierarchy, ImpossibleConfigsAreToldInWords) {
  HierarchyConfig config;
  EXPECT_EQ(problem(config), std::nullopt);
  config.l1d.ways = 6;
  config.l1d.size_bytes = 6 * 64 * 64;
  config.l1d.replacement = Replacement::plru;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l1d.replacement: plru needs a power of two"));
  config = {};
  config.l1i.line_bytes = 32;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l1i.line_bytes: 32 differs from l1d.line_bytes 64"));
  config = {};
  config.l2.line_bytes = 32;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l2.line_bytes: 32 is smaller than l1d.line_bytes 64"));
  config = {};
  config.l2.write_policy = WritePolicy::write_through;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l2.write_policy"));
  config = {};
  config.l2.ways = 7;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l2.size_bytes"));
  EXPECT_THAT(Hierarchy::create(HierarchyConfig{}, 0, kRam).error(), HasSubstr("harts: 0"));
  EXPECT_THAT(Hierarchy::create(HierarchyConfig{}, 65, kRam).error(), HasSubstr("harts: 65"));
  HierarchyConfig narrow;
  narrow.l1i.line_bytes = narrow.l1d.line_bytes = 16;
  const MemoryRange large{kRam.base, std::uint64_t{1} << 36};
  EXPECT_THAT(Hierarchy::create(narrow, 1, large).error(), HasSubstr("l1d.line_bytes: 16"));
}

}  // namespace
}  // namespace hvsim::mem
