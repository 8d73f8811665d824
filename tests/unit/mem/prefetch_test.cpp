// Lines fetched ahead and several misses at once: what they save, and that the books are right.
#include <gtest/gtest.h>

#include <random>

#include "models/mem/hierarchy.h"
#include "models/mem/prefetcher.h"

namespace hvsim::mem {
namespace {

using isa::Hpa;
using Kind = Hierarchy::Kind;
constexpr MemoryRange kRam{Hpa{0x80000000}, 64 * 4096};

std::unique_ptr<Hierarchy> build(const HierarchyConfig& config, unsigned harts = 1) {
  auto built = Hierarchy::create(config, harts, kRam);
  EXPECT_TRUE(built.ok()) << built.error();
  return std::move(built.value());
}

bool readable(const Hierarchy& caches, Hpa address) {
  const std::uint64_t offset = address.value - kRam.base.value;
  return (caches.readable_words(0)[caches.presence().word(offset)] & caches.presence().bit(offset)) != 0;
}

std::vector<std::uint64_t> after(Prefetcher& prefetcher, std::uint64_t line) {
  const auto lines = prefetcher.after(line);
  return {lines.begin(), lines.end()};
}
using Lines = std::vector<std::uint64_t>;

TEST(Prefetcher, NextLinesStayInThePage) {
  Prefetcher prefetcher(Prefetch::next_line, 3, 64);
  EXPECT_EQ(after(prefetcher, 64), (Lines{65, 66, 67}));
  EXPECT_EQ(after(prefetcher, 126), (Lines{127}));
  EXPECT_EQ(after(prefetcher, 127), Lines{});
}

TEST(Prefetcher, AStrideIsFollowedWhenSeenTwiceInThePageUpwardsAndDownwards) {
  Prefetcher prefetcher(Prefetch::stride, 2, 64);
  EXPECT_EQ(after(prefetcher, 0), Lines{});
  EXPECT_EQ(after(prefetcher, 3), Lines{});
  EXPECT_EQ(after(prefetcher, 64 + 60), Lines{}) << "another page";
  EXPECT_EQ(after(prefetcher, 6), (Lines{9, 12}));
  EXPECT_EQ(after(prefetcher, 64 + 55), Lines{});
  EXPECT_EQ(after(prefetcher, 64 + 50), (Lines{64 + 45, 64 + 40}));
  EXPECT_EQ(after(prefetcher, 7), Lines{}) << "another distance";
}

TEST(Prefetch, ALineFetchedAheadIsAHitWhoseFirstUseIsSeen) {
  HierarchyConfig config;
  config.l1d.prefetch = Prefetch::next_line;
  auto caches = build(config);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base, 0).ready, 92U);
  EXPECT_FALSE(readable(*caches, kRam.base + 64)) << "its first use must be seen";
  const auto next = caches->access(0, Kind::load, kRam.base + 64, 200);
  EXPECT_EQ(next.ready, 200U);
  EXPECT_EQ(next.by, Served::l1);
  EXPECT_TRUE(readable(*caches, kRam.base + 64));
  EXPECT_EQ(caches->l1d_stats(0).misses, 1U);
  EXPECT_EQ(caches->l1d_prefetches(0).issued, 2U) << "the use of the first fetched the second";
  EXPECT_EQ(caches->l1d_prefetches(0).useful, 1U);
  EXPECT_EQ(caches->l1d_prefetches(0).late, 0U);
}

TEST(Prefetch, AUseThatComesTooEarlyWaitsForTheRest) {
  HierarchyConfig config;
  config.l1d.prefetch = Prefetch::next_line;
  auto caches = build(config);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base + 64, 50).ready, 92U);
  EXPECT_EQ(caches->l1d_prefetches(0).late, 1U);
}

TEST(Prefetch, ALineThatAnotherHartHasWrittenIsLeftToIt) {
  HierarchyConfig config;
  config.l1d.prefetch = Prefetch::next_line;
  auto caches = build(config, 2);
  caches->access(1, Kind::store, kRam.base + 64, 0);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_EQ(caches->coherence_stats().downgrades, 0U);
  EXPECT_EQ(caches->l1d_prefetches(0).issued, 0U);
}

TEST(Prefetch, TheL2FetchesAheadFromMemory) {
  HierarchyConfig config;
  config.l2.prefetch = Prefetch::next_line;
  config.l2.prefetch_degree = 2;
  auto caches = build(config);
  caches->access(0, Kind::load, kRam.base, 0);
  const auto next = caches->access(0, Kind::load, kRam.base + 64, 200);
  EXPECT_EQ(next.ready, 212U);
  EXPECT_EQ(next.by, Served::l2);
  EXPECT_EQ(caches->l2_prefetches().useful, 1U);
}

TEST(Prefetch, EveryGuessEndsUpUsefulUselessOrStillThere) {
  for (const auto kind : {Prefetch::next_line, Prefetch::stride}) {
    HierarchyConfig config;
    config.l1d = {.size_bytes = 2048, .ways = 2, .prefetch = kind, .prefetch_degree = 2};
    auto caches = build(config, 2);
    std::mt19937 random(5);
    isa::Cycles now = 0;
    for (unsigned step = 0; step < 20'000; ++step) {
      const std::uint64_t line = random() % 2 == 0 ? step / 2 % 512 : random() % 512;
      const Kind access = random() % 4 == 0 ? Kind::store : Kind::load;
      now = caches->access(random() % 2, access, kRam.base + line * 64, now).ready;
      if (step % 64 == 0) {
        ASSERT_EQ(caches->incoherence(), std::nullopt) << "step " << step;
      }
    }
    caches->flush();
    for (unsigned hart = 0; hart < 2; ++hart) {
      const PrefetchStats& stats = caches->l1d_prefetches(hart);
      EXPECT_GT(stats.useful, 100U);
      EXPECT_GT(stats.useless, 100U);
      EXPECT_EQ(stats.issued, stats.useful + stats.useless);
      EXPECT_LE(stats.late, stats.useful);
    }
  }
}

TEST(Prefetch, AStreamMissesLessWithItAndItsTimeShrinks) {
  const auto run = [](Prefetch kind, isa::Cycles work) {
    HierarchyConfig config;
    config.l1d.prefetch = kind;
    auto caches = build(config);
    isa::Cycles now = 0;
    for (std::uint64_t line = 0; line < 512; ++line)
      now = caches->access(0, Kind::load, kRam.base + line * 64, now).ready + work;
    return std::pair{caches->l1d_stats(0).misses, now};
  };
  const auto without = run(Prefetch::off, 100), with = run(Prefetch::next_line, 100);
  EXPECT_EQ(without.first, 512U);
  EXPECT_EQ(with.first, 512U / 64) << "the first line of each page";
  EXPECT_EQ(without.second, 512U * (92 + 100));
  EXPECT_EQ(with.second, 8U * 92 + 512 * 100) << "all others arrive in time";
}

TEST(MissesInFlight, AsManyAsThereAreRegistersOverlap) {
  for (const unsigned registers : {1U, 2U, 4U}) {
    HierarchyConfig config;
    config.l1d.mshrs = registers;
    auto caches = build(config);
    isa::Cycles last = 0;
    for (std::uint64_t line = 0; line < 8; ++line)  // a core that issues one load after the other
      last = std::max(last, caches->access(0, Kind::load, kRam.base + line * 64, line).ready);
    // A blocking cache's user waits by itself.
    EXPECT_EQ(last, registers == 1 ? 7U + 92 : 8 / registers * 92 + (registers - 1)) << registers;
  }
}

TEST(MissesInFlight, AHitOnALineUnderWayWaitsForIt) {
  HierarchyConfig config;
  config.l1d.mshrs = 4;
  auto caches = build(config);
  caches->access(0, Kind::load, kRam.base, 0);
  EXPECT_FALSE(readable(*caches, kRam.base)) << "not there yet";
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base + 8, 10).ready, 92U);
  EXPECT_EQ(caches->l1d_stats(0).hits_in_flight, 1U);
  EXPECT_EQ(caches->access(0, Kind::load, kRam.base + 8, 100).ready, 100U);
  EXPECT_TRUE(readable(*caches, kRam.base));
}

}  // namespace
}  // namespace hvsim::mem
