// Huge pages of the host: where memory is used densely, and nowhere else.
#include "models/mem/huge_pages.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fstream>

#include "models/mem/anonymous_memory.h"

namespace hvsim::mem {
namespace {

constexpr std::uint64_t kPage = 4096, kHuge = std::uint64_t{1} << HugePages::kShift;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * kPage;
}

void use_often(HugePages& pages, const std::uint8_t* byte) {
  for (unsigned i = 0; i < 4U * HugePages::kUses; ++i) pages.used(byte);
}

TEST(HugePages, LeaveMemoryAloneThatIsUsedHereAndThere) {
  const auto memory = AnonymousMemory::create(64 * kHuge);
  ASSERT_TRUE(memory.ok());
  HugePages pages(memory->data(), memory->bytes());
  const std::uint64_t before = resident_bytes();
  for (std::uint64_t region = 0; region < 64; ++region) {
    std::uint8_t* byte = memory->data() + region * kHuge + 5 * kPage;
    *byte = 1;
    use_often(pages, byte);
  }
  EXPECT_LT(resident_bytes() - before, 4 * kHuge);
}

TEST(HugePages, KeepWhatDenseMemoryHolds) {
  const auto memory = AnonymousMemory::create(8 * kHuge);
  ASSERT_TRUE(memory.ok());
  HugePages pages(memory->data(), memory->bytes());
  for (std::uint64_t at = 0; at < memory->bytes(); at += 8) std::memcpy(memory->data() + at, &at, sizeof at);
  for (std::uint64_t at = 0; at < memory->bytes(); at += kHuge / 2) use_often(pages, memory->data() + at);
  std::uint64_t different = 0;
  for (std::uint64_t at = 0; at < memory->bytes(); at += 8)
    different += std::memcmp(memory->data() + at, &at, sizeof at) != 0;
  EXPECT_EQ(different, 0U);
}

// Shorter than a huge page and not aligned to one; and bytes that are none of its own.
TEST(HugePages, AreNoneOfOddMemory) {
  std::array<std::uint8_t, 64> bytes{}, others{};
  HugePages pages(bytes.data(), bytes.size());
  use_often(pages, &bytes[63]);
  use_often(pages, &others[0]);
  EXPECT_EQ(bytes, others);
}

}  // namespace
}  // namespace hvsim::mem
