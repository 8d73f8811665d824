// The bits that say which lines are there: ranges against one line after the other.
#include "models/mem/presence_mask.h"

#include <gtest/gtest.h>

#include <random>

namespace hvsim::mem {
namespace {

using isa::Hpa;

constexpr MemoryRange kRange{Hpa{0x80000000}, 16 << 10};

TEST(PresenceMask, CoversARangeIfItHasEachOfItsLines) {
  std::mt19937_64 random(5);
  for (const unsigned line_bytes : {16U, 32U, 64U, 128U, 4096U}) {
    PresenceMask mask = std::move(PresenceMask::create(kRange, line_bytes).value());
    unsigned covered = 0;
    for (std::uint64_t at = 0; at < kRange.bytes; at += line_bytes)
      if (random() % 16 != 0) mask.set(kRange.base + at);
    for (unsigned trial = 0; trial < 2000; ++trial) {
      const std::uint64_t first = random() % kRange.bytes, bytes = 1 + random() % 2048;
      bool all = true;
      for (std::uint64_t at = first; at < first + bytes; ++at) all = all && mask.test(kRange.base + at);
      EXPECT_EQ(mask.covers(kRange.base + first, bytes), all) << line_bytes << " " << first << " " << bytes;
      const bool is_usual = line_bytes <= 64 && (first + bytes - 1) / line_bytes - first / line_bytes < 64;
      EXPECT_EQ(mask.surely_covers(kRange.base + first, bytes), is_usual && all)
          << line_bytes << " " << first << " " << bytes;
      covered += all ? 1 : 0;
    }
    EXPECT_GT(covered, 50U) << line_bytes;
  }
}

TEST(PresenceMask, TellsWhichLinesOfARowAreAbsentAlsoBeyondItsEnd) {
  std::mt19937_64 random(7);
  for (const unsigned line_bytes : {16U, 64U, 128U, 4096U}) {
    PresenceMask mask = std::move(PresenceMask::create(kRange, line_bytes).value());
    for (std::uint64_t at = 0; at < kRange.bytes; at += line_bytes)
      if (random() % 2 != 0) mask.set(kRange.base + at);
    for (unsigned trial = 0; trial < 2000; ++trial) {
      const std::uint64_t first = random() % (kRange.bytes + 8 * line_bytes);
      const auto count = static_cast<unsigned>(random() % (PresenceMask::kMostAbsent + 1));
      std::uint64_t absent = 0;
      for (std::uint64_t i = 0; i < count; ++i)
        absent |= std::uint64_t{!mask.test(kRange.base + first + i * line_bytes)} << i;
      EXPECT_EQ(mask.absent(kRange.base + first, count), absent)
          << line_bytes << " " << first << " " << count;
    }
  }
}

TEST(PresenceMask, CoversNothingOutsideItsRange) {
  PresenceMask mask = std::move(PresenceMask::create(kRange, 64).value());
  for (std::uint64_t at = 0; at < kRange.bytes; at += 64) mask.set(kRange.base + at);
  EXPECT_TRUE(mask.covers(kRange.base, kRange.bytes));
  EXPECT_FALSE(mask.covers(kRange.base, kRange.bytes + 1));
  EXPECT_FALSE(mask.covers(kRange.base - 1, 2));
  EXPECT_FALSE(mask.covers(Hpa{0x1000}, 1));
  EXPECT_TRUE(mask.surely_covers(kRange.base + kRange.bytes - 64, 64));
  EXPECT_FALSE(mask.surely_covers(kRange.base + kRange.bytes - 64, 65));
  EXPECT_FALSE(mask.surely_covers(kRange.base - 1, 2));
  EXPECT_FALSE(mask.surely_covers(Hpa{0x1000}, 1));
}

}  // namespace
}  // namespace hvsim::mem
