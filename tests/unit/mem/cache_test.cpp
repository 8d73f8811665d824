// One cache of tags: geometry in words, replacement, and the shape of its miss curves.
#include "models/mem/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace hvsim::mem {
namespace {

using ::testing::HasSubstr;

CacheConfig config(std::uint64_t bytes, unsigned ways, Replacement replacement, unsigned line = 64) {
  return {.size_bytes = bytes, .ways = ways, .line_bytes = line, .replacement = replacement};
}

// True on a hit; fills on a miss.
bool reference_line(Cache& cache, LineNumber line) {
  const std::uint32_t slot = cache.find(line);
  if (slot != Cache::kAbsent) {
    cache.touch(slot);
    return true;
  }
  const std::uint32_t victim = cache.choose_victim(line);
  cache.fill(victim, line);
  return false;
}

// The textbook cache: per set a queue of lines, the next victim in front.
class TextbookCache {
 public:
  TextbookCache(std::uint64_t sets, std::size_t ways, bool lru) : sets_(sets), ways_(ways), lru_(lru) {}
  bool reference_line(LineNumber line) {
    auto& set = sets_[line % sets_.size()];
    const auto found = std::find(set.begin(), set.end(), line);
    const bool hit = found != set.end();
    if (hit && lru_) set.erase(found);
    if (!hit && set.size() == ways_) set.pop_front();
    if (!hit || lru_) set.push_back(line);
    return hit;
  }

 private:
  std::vector<std::deque<LineNumber>> sets_;
  std::size_t ways_;
  bool lru_;
};

// Half loops over a working set, half scattered references.
std::vector<LineNumber> trace(std::size_t length, LineNumber span, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<LineNumber> lines;
  LineNumber walker = 0;
  while (lines.size() < length)
    lines.push_back(random() % 2 == 0 ? random() % span : walker++ % (span / 3 + 1));
  return lines;
}

TEST(Cache, HitsAndMissesAsTheTextbookCacheDoes) {
  for (const Replacement replacement : {Replacement::fifo, Replacement::lru})
    for (const unsigned ways : {1U, 2U, 3U, 4U, 8U, 16U}) {
      Cache cache(config(std::uint64_t{64} * 16 * ways, ways, replacement));
      TextbookCache textbook(16, ways, replacement == Replacement::lru);
      std::size_t position = 0;
      for (const LineNumber line : trace(20'000, 40 * ways, ways))
        ASSERT_EQ(reference_line(cache, line), textbook.reference_line(line)) << "reference " << position++;
    }
}

TEST(Cache, MoreLruWaysNeverRaiseMisses) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const auto lines = trace(20'000, 400, seed);
    std::uint64_t fewer_ways_misses = ~std::uint64_t{0};
    for (unsigned ways = 1; ways <= 32; ways *= 2) {
      Cache cache(config(std::uint64_t{64} * 8 * ways, ways, Replacement::lru));
      std::uint64_t misses = 0;
      for (const LineNumber line : lines) misses += !reference_line(cache, line);
      EXPECT_LE(misses, fewer_ways_misses) << ways << " ways, seed " << seed;
      fewer_ways_misses = misses;
    }
  }
}

TEST(Cache, RandomReplacementFollowsTheSeedAndUsesAllWays) {
  const auto misses = [](std::uint64_t seed) {
    Cache cache(config(64 * 8, 8, Replacement::random), seed);
    std::vector<bool> victims(8, false);
    std::uint64_t count = 0;
    for (const LineNumber line : trace(5'000, 40, 3)) {
      if (cache.find(line) != Cache::kAbsent) continue;
      const auto slot = cache.choose_victim(line);
      cache.fill(slot, line);
      victims[slot] = true;
      count = count * 31 + slot;
    }
    EXPECT_THAT(victims, ::testing::Each(true));
    return count;
  };
  EXPECT_EQ(misses(1), misses(1));
  EXPECT_NE(misses(1), misses(2));
  misses(0);
}

TEST(Cache, EmptyWaysAreFilledBeforeAnyLineLeaves) {
  for (const Replacement replacement : {Replacement::fifo, Replacement::random, Replacement::lru}) {
    Cache cache(config(64 * 4, 4, replacement));
    for (LineNumber line = 0; line < 4; ++line) reference_line(cache, line);
    cache.remove(cache.find(2));
    const std::uint32_t slot = cache.choose_victim(9);
    EXPECT_FALSE(cache.occupied(slot));
  }
}

TEST(Cache, ImpossibleGeometriesAreToldInWords) {
  EXPECT_EQ(problem(CacheConfig{}), std::nullopt);
  EXPECT_EQ(problem(config(48 * 1024, 12, Replacement::fifo)), std::nullopt);
  EXPECT_THAT(problem(config(4096, 4, Replacement::fifo, 48)).value_or(""), HasSubstr("line_bytes: 48"));
  EXPECT_THAT(problem(config(4096, 4, Replacement::fifo, 8)).value_or(""), HasSubstr("16 to 4096"));
  EXPECT_THAT(problem(config(65536, 4, Replacement::fifo, 8192)).value_or(""), HasSubstr("16 to 4096"));
  EXPECT_THAT(problem(config(4096, 0, Replacement::fifo)).value_or(""), HasSubstr("ways"));
  EXPECT_THAT(problem(config(4096, 5, Replacement::fifo)).value_or(""), HasSubstr("not a multiple"));
  EXPECT_THAT(problem(config(64 * 12, 4, Replacement::fifo)).value_or(""), HasSubstr("3 sets"));
  EXPECT_THAT(problem(config(0, 4, Replacement::fifo)).value_or(""), HasSubstr("size_bytes"));
}

}  // namespace
}  // namespace hvsim::mem
