// The hierarchy under random traffic: as the textbook's, and never incoherent.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/unit/mem/hierarchy_fixture.h"
#include "tests/unit/mem/textbook_hierarchy.h"

namespace hvsim::mem {
namespace {

using isa::Hpa;
using Kind = Hierarchy::Kind;
using namespace test;

void expect_same(const CacheStats& stats, const TextbookHierarchy::Counts& counts, const char* what) {
  EXPECT_EQ(stats.accesses, counts.accesses) << what;
  EXPECT_EQ(stats.misses, counts.misses) << what;
  EXPECT_EQ(stats.evictions, counts.evictions) << what;
  EXPECT_EQ(stats.writebacks, counts.writebacks) << what;
  EXPECT_EQ(stats.invalidations, counts.invalidations) << what;
}

// Random traffic from several harts over few lines: every outcome, every counter and every mask bit as the
// textbook says.
struct Variant {
  const char* name;
  void (*change)(HierarchyConfig&);
  unsigned line_bytes = 64;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class RandomTraffic : public ::testing::TestWithParam<Variant> {};

TEST_P(RandomTraffic, AgreesWithTheTextbookHierarchy) {
  const unsigned line_bytes = GetParam().line_bytes, harts = 4;
  HierarchyConfig config = small_config(line_bytes);
  GetParam().change(config);
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
    ASSERT_EQ(got.written, expected.written) << "step " << step;
    if (step % 16 != 0) continue;
    ASSERT_EQ(caches->incoherence(), std::nullopt) << "step " << step;
    for (unsigned h = 0; h < harts; ++h)
      for (std::uint64_t i = 0; i < lines; ++i) {
        const Hpa line = line_at(i);
        const std::uint64_t number = line.value / line_bytes;
        const auto* data = textbook.l1d[h].find(number);
        const bool code = textbook.l1i[h].find(number) != nullptr;
        const bool modified = data != nullptr && data->state == 'M';
        if (!textbook.l1d[h].lru) {
          ASSERT_EQ(readable(*caches, h, line), data != nullptr);
          ASSERT_EQ(writable(*caches, h, line), modified);
          ASSERT_EQ(fetchable(*caches, h, line), code);
          continue;
        }
        // Where the order of uses counts, only the line used last may be used unseen.
        const auto last = [&](TextbookHierarchy::Level& level) {
          return level.sets[number % level.sets.size()].back().number == number;
        };
        if (readable(*caches, h, line)) {
          ASSERT_TRUE(data != nullptr && last(textbook.l1d[h]));
        }
        ASSERT_EQ(writable(*caches, h, line), readable(*caches, h, line) && modified);
        if (fetchable(*caches, h, line)) {
          ASSERT_TRUE(code && last(textbook.l1i[h]));
        }
      }
  }
  for (unsigned h = 0; h < harts; ++h) {
    expect_same(caches->l1d_stats(h), textbook.l1d[h].counts, "l1d");
    expect_same(caches->l1i_stats(h), textbook.l1i[h].counts, "l1i");
  }
  expect_same(caches->l2_stats(), textbook.l2.counts, "l2");
  expect_same(caches->llc_stats(), textbook.llc.counts, "llc");
  if (!config.has_l2) {
    EXPECT_EQ(caches->l2_stats().accesses, 0U);
  }
}

TEST_P(RandomTraffic, RowsOfCodeAreFetchedAsLineAfterLine) {
  const unsigned line_bytes = GetParam().line_bytes, harts = 2;
  HierarchyConfig config = small_config(line_bytes);
  GetParam().change(config);
  auto rows = build(config, harts), lines = build(config, harts);
  std::mt19937 random(line_bytes);
  const auto some_line = [&](std::uint64_t row) {
    return kRam.base + random() % (kRam.bytes / line_bytes - row) * line_bytes;
  };
  for (unsigned step = 0; step < 5'000; ++step) {
    const unsigned hart = random() % harts;
    if (step % 3 != 0) {
      const Kind kind = std::array{Kind::fetch, Kind::load, Kind::store}[random() % 3];
      const Hpa address = some_line(1);
      const auto one = rows->access(hart, kind, address, step),
                 other = lines->access(hart, kind, address, step);
      ASSERT_EQ(one.ready, other.ready) << "step " << step;
      continue;
    }
    const auto count = static_cast<unsigned>(1 + random() % 24);
    const Hpa first = some_line(count);
    const auto row = rows->fetch_code(hart, first, count, step);
    isa::Cycles at = step;
    unsigned missing = 0;
    for (unsigned i = 0; i < count; ++i) {
      const Hpa line = first + std::uint64_t{i} * line_bytes;
      if (fetchable(*lines, hart, line)) continue;
      const auto done = lines->access(hart, Kind::fetch, line, at);
      missing += done.by != Served::l1;
      at = done.ready;
    }
    ASSERT_EQ(row.ready, at) << "step " << step;
    ASSERT_EQ(row.missing, missing) << "step " << step;
  }
  for (unsigned hart = 0; hart < harts; ++hart) {
    EXPECT_EQ(rows->l1i_stats(hart).accesses, lines->l1i_stats(hart).accesses);
    EXPECT_EQ(rows->l1i_stats(hart).misses, lines->l1i_stats(hart).misses);
    EXPECT_EQ(rows->l1i_stats(hart).evictions, lines->l1i_stats(hart).evictions);
  }
}

void as_it_is(HierarchyConfig&) {}
void msi(HierarchyConfig& config) { config.coherence = Coherence::msi; }
void lru(HierarchyConfig& config) {
  config.l1i.replacement = config.l1d.replacement = Replacement::lru;
  config.l2.replacement = Replacement::fifo;
}
void write_through(HierarchyConfig& config) {
  config.l1d.write_policy = WritePolicy::write_through;
  config.l1d.write_allocate = false;
  config.l1d.miss_latency = 3;
}
void write_through_allocating(HierarchyConfig& config) {
  config.l1d.write_policy = WritePolicy::write_through;
}
void no_write_allocate(HierarchyConfig& config) { config.l1d.write_allocate = false; }
void no_l2(HierarchyConfig& config) { config.has_l2 = false; }
void cva6(HierarchyConfig& config) {
  write_through(config);
  no_l2(config);
}
void small_llc(HierarchyConfig& config) {
  config.has_llc = true;
  config.llc = {.size_bytes = std::uint64_t{64} * config.l2.line_bytes,
                .ways = 4,
                .line_bytes = config.l2.line_bytes,
                .hit_latency = 30,
                .miss_latency = 2,
                .replacement = Replacement::lru};
}
void llc_without_l2(HierarchyConfig& config) {
  small_llc(config);
  no_l2(config);
  config.llc.line_bytes *= 2;
  config.llc.size_bytes *= 2;
}
void growing_lines(HierarchyConfig& config) {
  config.l2.line_bytes = 64;
  config.l2.size_bytes = std::uint64_t{8} * 64 * 4;
  small_llc(config);
  config.llc.line_bytes = 128;
  config.llc.size_bytes *= 2;
}

INSTANTIATE_TEST_SUITE_P(Of, RandomTraffic,
                         ::testing::Values(Variant{"Line16", as_it_is, 16}, Variant{"Line32", as_it_is, 32},
                                           Variant{"Line64", as_it_is, 64}, Variant{"Line128", as_it_is, 128},
                                           Variant{"Line4096", as_it_is, 4096}, Variant{"Msi", msi},
                                           Variant{"Lru", lru}, Variant{"WriteThrough", write_through},
                                           Variant{"WriteThroughAllocating", write_through_allocating},
                                           Variant{"NoWriteAllocate", no_write_allocate},
                                           Variant{"NoL2", no_l2}, Variant{"Cva6", cva6, 16},
                                           Variant{"SmallLlc", small_llc},
                                           Variant{"LlcWithoutL2", llc_without_l2},
                                           Variant{"GrowingLines", growing_lines, 16}),
                         [](const auto& variant) { return std::string(variant.param.name); });

// Every policy, protocol and write policy under a crowd of harts: the checker finds nothing to complain of.
TEST(HierarchyTraffic, NeverMoreThanOneWriterAndNeverAWriterBesideReaders) {
  constexpr unsigned kHarts = 16;
  for (const auto replacement :
       {Replacement::random, Replacement::plru, Replacement::nru, Replacement::lfsr8})
    for (const auto protocol : {Coherence::msi, Coherence::mesi})
      for (const auto writes : {WritePolicy::write_back, WritePolicy::write_through}) {
        HierarchyConfig config = small_config();
        config.l1d.ways = config.l1i.ways = 4;
        config.l1d.size_bytes = config.l1i.size_bytes = std::uint64_t{64} * 16;
        config.l1i.replacement = config.l1d.replacement = config.l2.replacement = replacement;
        config.coherence = protocol;
        config.l1d.write_policy = writes;
        config.has_l2 = replacement != Replacement::plru;
        auto caches = build(config, kHarts);
        std::mt19937 random(7);
        for (unsigned step = 0; step < 3'000; ++step) {
          const Kind kind = std::array{Kind::fetch, Kind::load, Kind::store}[random() % 3];
          caches->access(random() % kHarts, kind, kRam.base + (random() % 100) * 64, step);
          if (step % 8 == 0) {
            ASSERT_EQ(caches->incoherence(), std::nullopt) << "step " << step;
          }
          for (unsigned word = 0; word < 2; ++word) {
            std::uint64_t written = 0, read_by_others = 0;
            for (unsigned h = 0; h < kHarts; ++h) {
              const std::uint64_t w = caches->writable_words(h)[word], r = caches->readable_words(h)[word];
              ASSERT_EQ(w & ~r, 0U);
              ASSERT_EQ(w & written, 0U) << "two writers";
              written |= w;
              read_by_others |= r & ~w;
            }
            ASSERT_EQ(written & read_by_others, 0U) << "a reader beside a writer";
          }
        }
      }
}

}  // namespace
}  // namespace hvsim::mem
