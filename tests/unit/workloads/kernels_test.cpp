// The pieces of the workloads' computation against published values and the standard library.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "workloads/compute/kernel.h"
#include "workloads/hypercall_storm/kernel.h"
#include "workloads/memory_walk/kernel.h"

namespace workload {
namespace {

TEST(Crc32c, GivesTheCheckValueOfItsCatalogueEntry) {
  constexpr std::string_view kDigits = "123456789";
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(kDigits.data());
  EXPECT_EQ(crc32c({bytes, kDigits.size()}), 0xE3069283u);
  EXPECT_EQ(crc32c({bytes + 4, 5}, crc32c({bytes, 4})), 0xE3069283u);
}

TEST(Crc32c, GivesTheIscsiTestVectorOf32Zeros) {  // RFC 3720, B.4
  const std::array<std::uint8_t, 32> zeros{};
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAu);
}

TEST(Prng, IsSplitMix64) {
  Prng prng{1234567};
  EXPECT_EQ(prng.next(), 6457827717110365317u);
  EXPECT_EQ(prng.next(), 3203168211198807973u);
  EXPECT_EQ(prng.next(), 9817491932198370423u);
}

TEST(Compute, SortsAsTheStandardLibraryDoes) {
  Prng prng{5};
  for (std::size_t size = 1; size < 100; ++size) {
    std::vector<std::int64_t> numbers(size);
    for (auto& number : numbers) number = static_cast<std::int64_t>(prng.below(50)) - 25;
    std::vector<std::int64_t> expected = numbers;
    std::sort(expected.begin(), expected.end());
    compute::heap_sort(numbers);
    EXPECT_EQ(numbers, expected);
  }
}

TEST(MemoryWalk, LinksAllLinesIntoOneCycle) {
  constexpr std::uint64_t kLines = 1000;
  std::vector<std::uint64_t> words(kLines * memory_walk::kWordsPerLine);
  memory_walk::link_cycle(words, 3);
  std::uint64_t line = 0, steps = 0;
  do {
    line = words[line * memory_walk::kWordsPerLine];
    ++steps;
  } while (line != 0 && steps <= kLines);
  EXPECT_EQ(steps, kLines);
}

TEST(MemoryWalk, VisitsEveryLineOnceWhateverTheStride) {
  for (const std::uint64_t stride : {1u, 2u, 7u, 65u, 500u}) {
    std::vector<int> visits(300);
    memory_walk::for_each_line(visits.size(), stride, [&](std::uint64_t line) { ++visits[line]; });
    EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), 300) << stride;
  }
}

TEST(MemoryWalk, FindsNoMismatchInMemoryThatKeepsItsWords) {
  std::vector<std::uint64_t> words(64 * memory_walk::kWordsPerLine);
  const auto parameters = memory_walk::Parameters{words.size() * 8, 64, 1, 0, 4096, 1};
  EXPECT_EQ(memory_walk::run(parameters, words, [](std::uint64_t) {}).mismatches, 0u);
}

// Counts calls; its queries answer with a constant.
struct CountingCalls {
  bool peers = false;
  std::uint64_t deferred = 0, queries = 0, events = 0, work = 0, longest = 0;

  bool has_peers() const { return peers; }
  void work_done(std::uint64_t units) { work += units; }
  std::uint64_t query(std::uint64_t length) {
    longest = std::max(longest, length);
    return ++queries;
  }
  void statistics_update(std::uint64_t counter, std::uint64_t) {
    EXPECT_LT(counter, 16u);
    ++deferred;
  }
  void routine(std::uint64_t length) {
    longest = std::max(longest, length);
    ++deferred;
  }
  void event_send(std::uint64_t) { ++deferred, ++events; }
  void console_write(std::uint64_t) { ++deferred; }
  static void sleep(std::uint64_t) {}
};

namespace storm = hypercall_storm;

TEST(HypercallStorm, MakesTheConfiguredCallsAndWork) {
  CountingCalls calls;
  storm::run({.iterations = 500,
              .work = 3,
              .calls_per_iteration = 8,
              .deferrable_percent = 75,
              .routine = 10,
              .seed = 1},
             calls);
  EXPECT_EQ(calls.work, 1500u);
  EXPECT_EQ(calls.deferred + calls.queries, 4000u);
  EXPECT_NEAR(static_cast<double>(calls.deferred), 3000, 100);
  EXPECT_EQ(calls.longest, 10u);
  EXPECT_EQ(calls.events, 0u);
}

TEST(HypercallStorm, ChecksumDoesNotDependOnOtherVms) {
  const storm::Parameters parameters{.iterations = 200,
                                     .work = 1,
                                     .calls_per_iteration = 10,
                                     .deferrable_percent = 50,
                                     .routine = 5,
                                     .seed = 7};
  CountingCalls alone, together{.peers = true};
  const auto lone = storm::run(parameters, alone), shared = storm::run(parameters, together);
  EXPECT_EQ(lone.checksum, shared.checksum);
  EXPECT_GT(together.events, 0u);
}

TEST(HypercallStorm, IsAllQueriesOrNoneAtTheEnds) {
  CountingCalls none, all;
  storm::Parameters parameters{.iterations = 10,
                               .work = 0,
                               .calls_per_iteration = 10,
                               .deferrable_percent = 0,
                               .routine = 5,
                               .seed = 7};
  storm::run(parameters, none);
  parameters.deferrable_percent = 100;
  storm::run(parameters, all);
  EXPECT_EQ(none.deferred, 0u);
  EXPECT_EQ(all.queries, 0u);
}

}  // namespace
}  // namespace workload
