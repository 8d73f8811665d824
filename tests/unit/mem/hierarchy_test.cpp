// The hierarchy: latencies, coherence, inclusion, and presence masks that never lie.
#include "models/mem/hierarchy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "tests/unit/mem/textbook_hierarchy.h"

namespace hvsim::mem {
namespace {

using isa::Hpa;
using Kind = Hierarchy::Kind;
using ::testing::HasSubstr;

constexpr MemoryRange kRam{Hpa{0x80000000}, 64 * 4096};

HierarchyConfig small_config(unsigned line_bytes = 64) {
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

std::unique_ptr<Hierarchy> build(const HierarchyConfig& config, unsigned harts) {
  auto built = Hierarchy::create(config, harts, kRam);
  EXPECT_TRUE(built.ok()) << built.error();
  return std::move(built.value());
}

bool bit(const Hierarchy& hierarchy, const std::uint64_t* words, Hpa address) {
  const std::uint64_t offset = address.value - kRam.base.value;
  return (words[hierarchy.presence().word(offset)] & hierarchy.presence().bit(offset)) != 0;
}
bool readable(const Hierarchy& h, unsigned hart, Hpa a) { return bit(h, h.readable_words(hart), a); }
bool writable(const Hierarchy& h, unsigned hart, Hpa a) { return bit(h, h.writable_words(hart), a); }
bool fetchable(const Hierarchy& h, unsigned hart, Hpa a) { return bit(h, h.fetchable_words(hart), a); }

void expect_same(const CacheStats& stats, const TextbookHierarchy::Counts& counts, const char* what) {
  EXPECT_EQ(stats.accesses, counts.accesses) << what;
  EXPECT_EQ(stats.misses, counts.misses) << what;
  EXPECT_EQ(stats.evictions, counts.evictions) << what;
  EXPECT_EQ(stats.writebacks, counts.writebacks) << what;
  EXPECT_EQ(stats.invalidations, counts.invalidations) << what;
}

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

TEST(Hierarchy, UpgradeOfTheOnlyCopyIsFree) {
  auto caches = build(HierarchyConfig{}, 2);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_FALSE(writable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->access(0, Kind::store, kRam.base, 500).ready, 500U);
  EXPECT_TRUE(writable(*caches, 0, kRam.base));
  EXPECT_EQ(caches->coherence_stats().upgrades, 1U);
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

// Random traffic from several harts over few lines: every outcome, every counter and every mask bit as the
// textbook says.
class RandomTraffic : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomTraffic, AgreesWithTheTextbookHierarchy) {
  const unsigned line_bytes = GetParam(), harts = 4;
  const HierarchyConfig config = small_config(line_bytes);
  auto caches = build(config, harts);
  TextbookHierarchy textbook(config, harts);
  std::mt19937 random(line_bytes);
  const std::uint64_t lines = std::min<std::uint64_t>(80, kRam.bytes / line_bytes);
  const std::uint64_t stride =
      kRam.bytes / line_bytes > 80 * 37 ? 37 : 1;  // over several pages where possible
  const auto line_at = [&](std::uint64_t i) { return kRam.base + i * stride * line_bytes; };
  for (unsigned step = 0; step < 20'000; ++step) {
    const unsigned hart = random() % harts;
    const Kind kind = std::array{Kind::fetch, Kind::load, Kind::store, Kind::walk}[random() % 4];
    const Hpa address = line_at(random() % lines) + random() % line_bytes;
    const auto got = caches->access(hart, kind, address, step);
    const auto expected = textbook.access(hart, kind, address, step);
    ASSERT_EQ(got.ready, expected.ready) << "step " << step;
    ASSERT_EQ(got.by, expected.by) << "step " << step;
    if (step % 16 != 0) continue;
    for (unsigned h = 0; h < harts; ++h)
      for (std::uint64_t i = 0; i < lines; ++i) {
        const Hpa line = line_at(i);
        const auto* held = textbook.l1d[h].find(line.value / line_bytes);
        ASSERT_EQ(readable(*caches, h, line), held != nullptr);
        ASSERT_EQ(writable(*caches, h, line), held != nullptr && held->modified);
        ASSERT_EQ(fetchable(*caches, h, line), textbook.l1i[h].find(line.value / line_bytes) != nullptr);
      }
  }
  for (unsigned h = 0; h < harts; ++h) {
    expect_same(caches->l1d_stats(h), textbook.l1d[h].counts, "l1d");
    expect_same(caches->l1i_stats(h), textbook.l1i[h].counts, "l1i");
  }
  expect_same(caches->l2_stats(), textbook.l2.counts, "l2");
}

INSTANTIATE_TEST_SUITE_P(LineSizes, RandomTraffic, ::testing::Values(16, 32, 64, 128, 4096),
                         [](const auto& line) { return "Line" + std::to_string(line.param); });

TEST(Hierarchy, NeverMoreThanOneWriterAndNeverAWriterBesideReaders) {
  HierarchyConfig config = small_config();
  config.l1i.replacement = config.l1d.replacement = config.l2.replacement = Replacement::random;
  constexpr unsigned kHarts = 8;
  auto caches = build(config, kHarts);
  std::mt19937 random(7);
  for (unsigned step = 0; step < 20'000; ++step) {
    const Kind kind = std::array{Kind::fetch, Kind::load, Kind::store}[random() % 3];
    caches->access(random() % kHarts, kind, kRam.base + (random() % 100) * 64, step);
    for (unsigned word = 0; word < 2; ++word) {
      std::uint64_t written = 0, read_by_others = 0;
      unsigned lines = 0;
      for (unsigned h = 0; h < kHarts; ++h) {
        const std::uint64_t w = caches->writable_words(h)[word], r = caches->readable_words(h)[word];
        ASSERT_EQ(w & ~r, 0U);
        ASSERT_EQ(w & written, 0U) << "two writers";
        written |= w;
        lines += static_cast<unsigned>(std::popcount(r));
      }
      for (unsigned h = 0; h < kHarts; ++h)
        read_by_others |= caches->readable_words(h)[word] & ~caches->writable_words(h)[word];
      ASSERT_EQ(written & read_by_others, 0U) << "a reader beside a writer";
      ASSERT_LE(lines, kHarts * 12);
    }
  }
}

TEST(Hierarchy, ImpossibleConfigsAreToldInWords) {
  HierarchyConfig config;
  EXPECT_EQ(problem(config), std::nullopt);
  config.l1d.replacement = Replacement::lru;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l1d.replacement: lru"));
  config = {};
  config.l1i.line_bytes = 32;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l1i.line_bytes: 32 differs from l2.line_bytes 64"));
  config = {};
  config.l2.ways = 7;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("l2.size_bytes"));
  EXPECT_THAT(Hierarchy::create(HierarchyConfig{}, 0, kRam).error(), HasSubstr("harts: 0"));
  EXPECT_THAT(Hierarchy::create(HierarchyConfig{}, 65, kRam).error(), HasSubstr("harts: 65"));
}

}  // namespace
}  // namespace hvsim::mem
