// The page pool: nothing is given twice, reserved memory never, and everything comes back.
#include "hypervisor/page_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "tests/hypervisor/random.h"

namespace hv {
namespace {

constexpr std::uint64_t kBase = FakeMachine::kRamBase, kMib = 1 << 20;

struct Pool {
  FakeMachine machine{4096};
  Arch arch{machine, 0};
  std::unique_ptr<PagePool> pool = std::make_unique<PagePool>();
};

TEST(PagePool, GivesAlignedRunsUntilItIsEmpty) {
  Pool p;
  p.pool->add(Hpa{kBase}, 8 * kMib);
  EXPECT_EQ(p.pool->free_pages(), 2048u);
  for (unsigned i = 0; i < 4; ++i) {
    const auto block = p.pool->allocate(p.arch, PageRun::block);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->value, kBase + i * 2 * kMib);
  }
  EXPECT_FALSE(p.pool->allocate(p.arch, PageRun::page));
  EXPECT_FALSE(p.pool->allocate(p.arch, PageRun::root_table));
  EXPECT_FALSE(p.pool->allocate(p.arch, PageRun::block));
}

TEST(PagePool, TakesSmallRunsFromTheTopSoThatBlocksStayWhole) {
  Pool p;
  p.pool->add(Hpa{kBase}, 8 * kMib);
  EXPECT_EQ(p.pool->allocate(p.arch, PageRun::page)->value, kBase + 8 * kMib - 0x1000);
  EXPECT_EQ(p.pool->allocate(p.arch, PageRun::root_table)->value % 0x4000, 0u);
  for (unsigned i = 0; i < 3; ++i) EXPECT_TRUE(p.pool->allocate(p.arch, PageRun::block));
  EXPECT_FALSE(p.pool->allocate(p.arch, PageRun::block));
}

TEST(PagePool, NeverGivesReservedPages) {
  Pool p;
  p.pool->add(Hpa{kBase}, 4 * kMib);
  p.pool->reserve(Hpa{kBase + 0x1800}, 0x1000);           // touches pages 1 and 2
  p.pool->reserve(Hpa{kBase + 4 * kMib - 1}, 10 * kMib);  // the last page, and beyond the pool
  p.pool->reserve(Hpa{0}, 0x1000);                        // not ours
  EXPECT_EQ(p.pool->free_pages(), 1024u - 3);
  while (const auto page = p.pool->allocate(p.arch, PageRun::page)) {
    EXPECT_NE(page->value, kBase + 0x1000);
    EXPECT_NE(page->value, kBase + 0x2000);
    EXPECT_NE(page->value, kBase + 4 * kMib - 0x1000);
  }
}

TEST(PagePool, RefusesPagesThatItDidNotGive) {
  Pool p;
  p.pool->add(Hpa{kBase}, 4 * kMib);
  const Hpa page = *p.pool->allocate(p.arch, PageRun::page);
  EXPECT_FALSE(p.pool->release(p.arch, page + 8, PageRun::page));
  EXPECT_FALSE(p.pool->release(p.arch, Hpa{kBase}, PageRun::page));
  EXPECT_FALSE(p.pool->release(p.arch, Hpa{kBase + 64 * kMib}, PageRun::page));
  EXPECT_FALSE(p.pool->release(p.arch, Hpa{0}, PageRun::page));
  EXPECT_TRUE(p.pool->release(p.arch, page, PageRun::page));
  EXPECT_FALSE(p.pool->release(p.arch, page, PageRun::page));
}

TEST(PagePool, KeepsRunsApartUnderRandomUse) {
  Pool p;
  p.pool->add(Hpa{kBase + 0x5000}, 32 * kMib);
  const std::uint64_t all = p.pool->free_pages();
  std::map<std::uint64_t, PageRun> held;  // by address
  Random random(5);
  for (unsigned step = 0; step < 20000; ++step) {
    if (random() % 5 < 3) {
      const PageRun run = std::array{PageRun::page, PageRun::root_table, PageRun::block}[random() % 3];
      const auto at = p.pool->allocate(p.arch, run);
      if (!at) continue;
      ASSERT_EQ(at->value % bytes(run), 0u);
      ASSERT_GE(at->value, kBase + 0x5000);
      ASSERT_LE(at->value + bytes(run), kBase + 0x5000 + 32 * kMib);
      const auto after = held.upper_bound(at->value);
      ASSERT_TRUE(after == held.end() || at->value + bytes(run) <= after->first);
      if (after != held.begin()) {
        const auto before = std::prev(after);
        ASSERT_LE(before->first + bytes(before->second), at->value);
      }
      held.emplace(at->value, run);
    } else if (!held.empty()) {
      const auto victim = std::next(held.begin(), static_cast<std::ptrdiff_t>(random() % held.size()));
      ASSERT_TRUE(p.pool->release(p.arch, Hpa{victim->first}, victim->second));
      held.erase(victim);
    }
  }
  for (const auto& [at, run] : held) ASSERT_TRUE(p.pool->release(p.arch, Hpa{at}, run));
  EXPECT_EQ(p.pool->free_pages(), all);
}

}  // namespace
}  // namespace hv
