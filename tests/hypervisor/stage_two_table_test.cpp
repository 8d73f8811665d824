// Stage-two tables, read back by a walk written from the privileged manual's algorithm.
#include "hypervisor/stage_two_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace hv {
namespace {

constexpr std::uint64_t kRam = 32 << 20, kBlock = 2 << 20, kPage = 4096;

struct Tables {
  FakeMachine machine{kRam};
  Arch arch{machine, 0};
  std::unique_ptr<PagePool> pool = std::make_unique<PagePool>();
  StageTwoTable table;
  Tables() {
    pool->add(Hpa{FakeMachine::kRamBase}, kRam);
    EXPECT_TRUE(table.create(arch, *pool));
  }
  // Sv39x4: levels 2, 1, 0; the root index has 11 bits. Returns the address, or nothing for a page fault.
  std::optional<std::uint64_t> walk(std::uint64_t gpa) {
    if ((gpa >> 41) != 0) return std::nullopt;
    std::uint64_t table_at = (table.hgatp(0) & ((std::uint64_t{1} << 44) - 1)) * kPage;
    for (int level = 2; level >= 0; --level) {
      const std::uint64_t vpn = (gpa >> (12 + 9 * level)) & (level == 2 ? 0x7ff : 0x1ff);
      const std::uint64_t pte = arch.read_word(Hpa{table_at + vpn * 8});
      const bool v = pte & 1, r = pte & 2, w = pte & 4, x = pte & 8, u = pte & 16;
      const std::uint64_t ppn = (pte >> 10) & ((std::uint64_t{1} << 44) - 1);
      if (!v || (!r && w) || (pte >> 54) != 0) return std::nullopt;
      if (r || x) {
        const std::uint64_t low = (std::uint64_t{1} << (9 * level)) - 1;
        EXPECT_TRUE(r && w && x && u && (pte & 64) && (pte & 128));  // A and D set: nothing to update
        if ((ppn & low) != 0) return std::nullopt;                   // misaligned superpage
        const std::uint64_t offset = gpa & ((kPage << (9 * level)) - 1);
        return ppn * kPage + offset;
      }
      if (level == 0) return std::nullopt;
      table_at = ppn * kPage;
    }
    return std::nullopt;
  }
};

TEST(StageTwoTable, NamesSv39x4AndItsRootInHgatp) {
  Tables t;
  EXPECT_EQ(t.table.hgatp(7) >> 60, 8u);
  EXPECT_EQ((t.table.hgatp(7) >> 44) & 0x3fff, 7u);
  EXPECT_EQ(t.table.root().value % 16384, 0u);
}

TEST(StageTwoTable, MapsPagesAndBlocksAsTheManualWalksThem) {
  Tables t;
  ASSERT_TRUE(t.table.map(t.arch, *t.pool, Gpa{0x80000000}, Hpa{0x80200000}, PageRun::block));
  ASSERT_TRUE(t.table.map(t.arch, *t.pool, Gpa{0x80200000}, Hpa{0x80003000}, PageRun::page));
  ASSERT_TRUE(
      t.table.map(t.arch, *t.pool, Gpa{(std::uint64_t{1} << 41) - kPage}, Hpa{0x80004000}, PageRun::page));
  EXPECT_EQ(t.walk(0x80000000), 0x80200000u);
  EXPECT_EQ(t.walk(0x801fffff), 0x803fffffu);
  EXPECT_EQ(t.walk(0x80200123), 0x80003123u);
  EXPECT_EQ(t.walk((std::uint64_t{1} << 41) - 1), 0x80004fffu);
  EXPECT_EQ(t.walk(0x80201000), std::nullopt);
  EXPECT_EQ(t.walk(0x7fffffff), std::nullopt);
  const auto mapping = t.table.lookup(t.arch, Gpa{0x80000100});
  EXPECT_EQ(mapping->at.value, 0x80200100u);
  EXPECT_EQ(mapping->bytes, kBlock - 0x100);
}

TEST(StageTwoTable, RefusesWhatCannotBeMapped) {
  Tables t;
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80001000}, Hpa{0x80200000}, PageRun::block));
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80000000}, Hpa{0x80201000}, PageRun::block));
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80000800}, Hpa{0x80200000}, PageRun::page));
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{std::uint64_t{1} << 41}, Hpa{0x80200000}, PageRun::page));
  EXPECT_FALSE(t.table.lookup(t.arch, Gpa{std::uint64_t{1} << 41}));
  EXPECT_FALSE(t.table.lookup(t.arch, Gpa{~std::uint64_t{0}}));
  ASSERT_TRUE(t.table.map(t.arch, *t.pool, Gpa{0x80000000}, Hpa{0x80200000}, PageRun::block));
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80000000}, Hpa{0x80200000}, PageRun::block));
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80001000}, Hpa{0x80200000}, PageRun::page));
}

TEST(StageTwoTable, FailsCleanlyWhenThereIsNoPageForATable) {
  Tables t;
  while (t.pool->allocate(t.arch, PageRun::page)) {
  }
  EXPECT_FALSE(t.table.map(t.arch, *t.pool, Gpa{0x80000000}, Hpa{0x80200000}, PageRun::block));
  EXPECT_FALSE(t.table.lookup(t.arch, Gpa{0x80000000}));
  StageTwoTable other;
  EXPECT_FALSE(other.create(t.arch, *t.pool));
  EXPECT_FALSE(other.lookup(t.arch, Gpa{0x80000000}));
}

TEST(StageTwoTable, AgreesWithTheManualsWalkUnderRandomMappingsAndGivesAllPagesBack) {
  Tables t;
  const std::uint64_t before = t.pool->free_pages() + 4;                    // the root
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> mapped;  // gpa -> host, bytes
  std::mt19937_64 random(11);
  for (unsigned i = 0; i < 300; ++i) {
    const PageRun run = random() % 20 == 0 ? PageRun::block : PageRun::page;
    const std::uint64_t gpa = (random() % (std::uint64_t{1} << 36)) & ~(bytes(run) - 1);
    const auto host = t.pool->allocate(t.arch, run);
    if (!host) break;
    if (t.table.map(t.arch, *t.pool, Gpa{gpa}, *host, run))
      mapped[gpa] = {host->value, bytes(run)};
    else
      t.pool->release(t.arch, *host, run);
  }
  ASSERT_GT(mapped.size(), 100u);
  for (const auto& [gpa, to] : mapped) {
    const std::uint64_t offset = random() % to.second;
    EXPECT_EQ(t.walk(gpa + offset), to.first + offset);
    EXPECT_EQ(t.table.lookup(t.arch, Gpa{gpa + offset})->at.value, to.first + offset);
  }
  t.table.release(t.arch, *t.pool);
  EXPECT_EQ(t.pool->free_pages(), before);
  EXPECT_FALSE(t.table.lookup(t.arch, Gpa{mapped.begin()->first}));
}

}  // namespace
}  // namespace hv
