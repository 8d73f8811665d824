// Physical memory: bounds, regions, ROM, sparseness and clear errors.
#include "models/mem/physical_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace hvsim::mem {
namespace {

using isa::Hpa;
using ::testing::HasSubstr;

constexpr Hpa kBase{0x80000000};
constexpr std::uint64_t kBytes = 0x10000;

PhysicalMemory memory() { return std::move(PhysicalMemory::create(kBase, kBytes).value()); }

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST(PhysicalMemory, StartsZeroedAndKeepsWhatIsWritten) {
  PhysicalMemory ram = memory();
  std::uint64_t value = 1;
  ASSERT_TRUE(ram.read(kBase + 8, value));
  EXPECT_EQ(value, 0U);
  ASSERT_TRUE(ram.write(kBase + 8, std::uint64_t{0x1122334455667788}));
  std::uint8_t low = 0;
  ASSERT_TRUE(ram.read(kBase + 8, low));
  EXPECT_EQ(low, 0x88);  // little endian
}

TEST(PhysicalMemory, AccessesThatLeaveRamFailAsAWhole) {
  PhysicalMemory ram = memory();
  std::uint32_t value = 0;
  EXPECT_TRUE(ram.read(kBase + kBytes - 4, value));
  EXPECT_FALSE(ram.read(kBase + kBytes - 3, value));
  EXPECT_FALSE(ram.read(kBase - 1, value));
  EXPECT_FALSE(ram.write(kBase + kBytes, value));
  EXPECT_FALSE(ram.read(Hpa{~std::uint64_t{0}}, value));
  EXPECT_EQ(ram.host(kBase, kBytes + 1), nullptr);
  EXPECT_EQ(ram.host(kBase + 1, ~std::uint64_t{0}), nullptr);
  EXPECT_NE(ram.host(kBase, kBytes), nullptr);
}

TEST(PhysicalMemory, NeighbouringRegionsDoNotMerge) {
  PhysicalMemory ram = memory();
  ASSERT_EQ(ram.add_ram(kBase + kBytes, 0x1000), std::nullopt);
  EXPECT_TRUE(ram.write(kBase + kBytes, std::uint64_t{7}));
  EXPECT_FALSE(ram.write(kBase + kBytes - 4, std::uint64_t{7}));
}

TEST(PhysicalMemory, RomReadsButDoesNotWrite) {
  PhysicalMemory ram = memory();
  const std::array<std::uint8_t, 6> code{1, 2, 3, 4, 5, 6};
  ASSERT_EQ(ram.add_rom(Hpa{0x1000}, code), std::nullopt);
  std::uint16_t value = 0;
  EXPECT_TRUE(ram.read(Hpa{0x1004}, value));
  EXPECT_EQ(value, 0x0605);
  EXPECT_TRUE(ram.contains(Hpa{0x1FFF}));
  EXPECT_FALSE(ram.contains(Hpa{0x2000}));
  EXPECT_FALSE(ram.is_ram(Hpa{0x1000}));
  EXPECT_FALSE(ram.write(Hpa{0x1000}, value));
  EXPECT_EQ(ram.host(Hpa{0x1000}, 2), nullptr);
}

TEST(PhysicalMemory, ZeroesExactlyWhatItIsAsked) {
  PhysicalMemory ram = std::move(PhysicalMemory::create(kBase, std::uint64_t{2} << 20).value());
  std::uint8_t* const bytes = ram.host(kBase, ram.ram_bytes());
  for (const auto& [first, length] : {std::pair<std::uint64_t, std::uint64_t>{4096, 4096},
                                      {4096, 512 << 10},
                                      {8191, (512 << 10) + 3},
                                      {1, (std::uint64_t{2} << 20) - 2},
                                      {0, std::uint64_t{2} << 20}}) {
    std::memset(bytes, 0xA5, ram.ram_bytes());
    ASSERT_TRUE(ram.clear(kBase + first, length));
    for (std::uint64_t at = 0; at < ram.ram_bytes(); ++at)
      ASSERT_EQ(bytes[at], at - first < length ? 0 : 0xA5) << first << " " << length << " " << at;
  }
  EXPECT_FALSE(ram.clear(kBase + 4096, ram.ram_bytes()));
}

TEST(PhysicalMemory, CopiesInAndOutWithinBounds) {
  PhysicalMemory ram = memory();
  const std::array<std::uint8_t, 3> in{9, 8, 7};
  std::array<std::uint8_t, 3> out{};
  EXPECT_TRUE(ram.copy_in(kBase + 0xFFE, in));
  EXPECT_TRUE(ram.copy_out(kBase + 0xFFE, out));
  EXPECT_EQ(in, out);
  EXPECT_FALSE(ram.copy_in(kBase + kBytes - 2, in));
  EXPECT_FALSE(ram.copy_out(kBase + kBytes - 2, out));
  EXPECT_TRUE(ram.copy_in(Hpa{0}, {}));
}

TEST(PhysicalMemory, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(PhysicalMemory::create(kBase, 0).error(), HasSubstr("0x80000000: size is zero"));
  EXPECT_THAT(PhysicalMemory::create(kBase + 1, 4096).error(), HasSubstr("multiples of 4096"));
  EXPECT_THAT(PhysicalMemory::create(kBase, std::uint64_t{1} << 60).error(), HasSubstr("no address space"));
  EXPECT_THAT(PhysicalMemory::create(Hpa{~std::uint64_t{0xFFF}}, 0x2000).error(),
              HasSubstr("beyond the end"));
  PhysicalMemory ram = memory();
  EXPECT_THAT(ram.add_ram(kBase + 0x1000, 0x1000).value_or(""),
              HasSubstr("overlaps the region at 0x80000000"));
  EXPECT_THAT(ram.add_ram(kBase - 0x1000, 0x2000).value_or(""), HasSubstr("overlaps"));
  EXPECT_THAT(ram.add_rom(Hpa{0x1000}, {}).value_or(""), HasSubstr("size is zero"));
}

TEST(PhysicalMemory, UntouchedPagesCostNothing) {
  const std::uint64_t before = resident_bytes();
  auto ram = PhysicalMemory::create(kBase, std::uint64_t{64} << 30);
  ASSERT_TRUE(ram.ok());
  for (std::uint64_t i = 0; i < 16; ++i) ram->host(kBase + (i << 32), 1)[0] = 1;
  EXPECT_LT(resident_bytes() - before, std::uint64_t{8} << 20);
}

TEST(PhysicalMemory, NumbersPagesFromTheStartOfRam) {
  PhysicalMemory ram = memory();
  EXPECT_EQ(ram.page_index(kBase), 0U);
  EXPECT_EQ(ram.page_index(kBase + 0x1FFF), 1U);
  EXPECT_EQ(ram.ram_pages(), 16U);
}

}  // namespace
}  // namespace hvsim::mem
