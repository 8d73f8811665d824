// Images into memory and into flat binaries.
#include "sim/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "sim/image/elf.h"
#include "tests/unit/image/elf_builder.h"

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

constexpr char kOpenSbiElf[] = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.elf";
constexpr char kOpenSbiBin[] = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";

Image small_image() { return parse_elf(SmallElf().file(), "guest.elf").value(); }

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Flatten, FillsGapsWithZerosAndEndsWithTheFilesLastByte) {
  const auto flat = flatten(small_image(), 0x80000000, 0x10000);
  ASSERT_TRUE(flat) << flat.error();
  EXPECT_EQ(flat->size(), 0x2004u);
  EXPECT_EQ(text(*flat).substr(0, 8), "codecode");
  EXPECT_EQ(text(*flat).substr(8, 0x1FF8), std::string(0x1FF8, '\0'));
  EXPECT_EQ(text(*flat).substr(0x2000), "data");
}

TEST(Flatten, SegmentsOutsideTheGuestsMemoryAreNamed) {
  const auto flat = flatten(small_image(), 0x80000000, 0x2008);
  ASSERT_FALSE(flat);
  EXPECT_EQ(flat.error(),
            "guest.elf: segment at 0x80002000..0x8000200f, expected inside the memory of its guest "
            "0x80000000..0x80002007");
  EXPECT_FALSE(flatten(small_image(), 0x80000004, 0x10000));
  EXPECT_FALSE(flatten(small_image(), 0x80000000, 0));
}

TEST(Flatten, OpenSbiBecomesItsOwnFlatBinary) {
  const auto image = load_elf(kOpenSbiElf);
  const auto expected = read_file(kOpenSbiBin);
  if (!image || !expected) GTEST_SKIP() << "opensbi is not installed";
  const auto flat = flatten(*image, 0x80000000, 1u << 20);
  ASSERT_TRUE(flat) << flat.error();
  EXPECT_TRUE(*flat == *expected);
}

TEST(Place, WritesEverySegmentAndTellsTheRange) {
  std::map<std::uint64_t, std::string> written;
  const auto range = place(small_image(), {0x80000000, 0x10000},
                           [&](std::uint64_t address, auto bytes) { written[address] = text(bytes); });
  ASSERT_TRUE(range) << range.error();
  EXPECT_EQ(range->base, 0x80000000u);
  EXPECT_EQ(range->bytes, 0x2010u);
  EXPECT_EQ(written, (std::map<std::uint64_t, std::string>{{0x80000000, "codecode"}, {0x80002000, "data"}}));
}

TEST(Place, WritesNothingIfASegmentLiesOutsideRam) {
  const auto range = place(small_image(), {0x80000000, 0x2000}, [](std::uint64_t, auto) { FAIL(); });
  ASSERT_FALSE(range);
  EXPECT_EQ(range.error(),
            "guest.elf: segment at 0x80002000..0x8000200f, expected inside RAM 0x80000000..0x80001fff");
}

TEST(LoadFlat, PutsTheFileAtItsAddressAndEntersItThere) {
  const std::string path = testing::TempDir() + "flat.bin";
  {
    FILE* file = std::fopen(path.c_str(), "wb");
    std::fputs("kernel", file);
    std::fclose(file);
  }
  const auto image = load_flat(path, 0x80200000);
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->entry, 0x80200000u);
  ASSERT_EQ(image->segments.size(), 1u);
  EXPECT_EQ(text(image->segments[0].bytes), "kernel");
  EXPECT_THAT(load_flat(path, ~0ull - 2).error(), HasSubstr("do not fit"));
  std::filesystem::remove(path);
}

TEST(Load, MissingFilesFoldersAndEmptyFilesAreNamed) {
  EXPECT_EQ(load_elf("no/such.elf").error(), "no/such.elf: No such file or directory");
  EXPECT_THAT(load_elf("/").error(), HasSubstr("is a directory"));
  EXPECT_THAT(load_flat("/dev/null", 0).error(), HasSubstr("is empty"));
}

TEST(FindOverlap, NamesBothRangesWhateverTheirOrder) {
  EXPECT_EQ(find_overlap({{"initrd", {0x3000, 0x1000}}, {"kernel", {0x1000, 0x2001}}}),
            "initrd at 0x3000..0x3fff overlaps kernel at 0x1000..0x3000");
}

TEST(FindOverlap, TouchingAndEmptyRangesDoNotOverlap) {
  EXPECT_EQ(find_overlap({{"a", {0x1000, 0x1000}}, {"b", {0x2000, 0x1000}}, {"c", {0x2800, 0}}}),
            std::nullopt);
}

TEST(AddressRange, HoldsDoesNotWrapAround) {
  const AddressRange range{0x1000, 0x1000};
  EXPECT_TRUE(range.holds(0x1000, 0x1000));
  EXPECT_TRUE(range.holds(0x2000, 0));
  EXPECT_FALSE(range.holds(0x1FFF, 2));
  EXPECT_FALSE(range.holds(0x1FFF, ~0ull));
  EXPECT_FALSE(range.holds(~0ull, 1));
}

}  // namespace
}  // namespace hvsim::sim
