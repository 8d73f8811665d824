// Linux kernel images: the header's fields, and what is refused.
#include "sim/image/linux_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

// A kernel of 128 bytes that asks for 4 KiB, as arch/riscv/boot-image-header.rst describes it.
std::string small_kernel(const std::string& magic = "RSC\x05", char flags = 0) {
  std::string file(128, '\0');
  file.replace(0, 4, "MZ\x6f\x10");
  file[9] = 0x20;   // text_offset 0x2000
  file[17] = 0x10;  // image_size 0x1000
  file[24] = flags;
  file[32] = 2;  // version
  file.replace(48, 5, "RISCV");
  file.replace(56, 4, magic);
  return file;
}

std::string written(const std::string& content) {
  const std::string path = testing::TempDir() + "linux_image_test_" +
                           testing::UnitTest::GetInstance()->current_test_info()->name();
  FILE* file = std::fopen(path.c_str(), "wb");
  std::fwrite(content.data(), 1, content.size(), file);
  std::fclose(file);
  return path;
}

// find_linux() reads less of it and says the same.
isa::Result<Image, std::string> load(const std::string& path, std::uint64_t address = 0x8020'0000) {
  auto image = load_linux(path, address);
  const auto range = find_linux(path, address);
  EXPECT_EQ(range.ok(), image.ok());
  if (range && image) {
    EXPECT_EQ(range->base, address);
    EXPECT_EQ(range->bytes, image->segments.front().memory_bytes);
  } else if (!range && !image) {
    EXPECT_EQ(range.error(), image.error());
  }
  return image;
}

TEST(LinuxImage, OccupiesWhatItsHeaderAsksForAndIsEnteredAtItsFirstByte) {
  const std::string path = written(small_kernel());
  EXPECT_TRUE(file_looks_like_linux(path));
  const auto image = load(path);
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->entry, 0x80200000u);
  ASSERT_EQ(image->segments.size(), 1u);
  EXPECT_EQ(image->segments[0].address, 0x80200000u);
  EXPECT_EQ(image->segments[0].memory_bytes, 0x1000u);
  EXPECT_EQ(image->segments[0].bytes.size(), 128u);
}

TEST(LinuxImage, ShorterHeaderThanFileDoesNotCutTheFile) {
  std::string kernel = small_kernel();
  kernel.resize(0x2000);
  const auto image = load(written(kernel));
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->segments[0].memory_bytes, 0x2000u);
}

TEST(LinuxImage, OtherArchitecturesEndianAndAddressesAreRefusedInWords) {
  const auto arm = load(written(small_kernel("ARM\x64")));
  ASSERT_FALSE(arm);
  EXPECT_THAT(arm.error(), HasSubstr("another architecture, expected a RISC-V Linux Image"));
  const auto big = load(written(small_kernel("RSC\x05", 1)));
  ASSERT_FALSE(big);
  EXPECT_THAT(big.error(), HasSubstr("big-endian"));
  const auto odd = load(written(small_kernel()), 0x80201000);
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error(), HasSubstr("multiple of 2 MiB"));
}

TEST(LinuxImage, SizesThatReachBeyondTheAddressSpaceAreRefused) {
  std::string kernel = small_kernel();
  kernel.replace(16, 8, std::string(8, '\xff'));
  const auto image = load(written(kernel));
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error(), HasSubstr("header asks for 0xffffffffffffffff bytes"));
}

// The same as an EFI program, whose last section ends with the file.
std::string efi_kernel() {
  std::string file = small_kernel();
  const auto put = [&file](std::size_t at, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) file[at + i] = static_cast<char>(value >> (8 * i));
  };
  file.resize(0x400);
  put(60, 0x40, 4);
  file.replace(0x40, 4, std::string("PE\0\0", 4));
  put(0x46, 2, 2);     // sections
  put(0x54, 0x10, 2);  // of the optional header
  const std::size_t sections = 0x40 + 24 + 0x10;
  put(sections + 16, 0x100, 4);  // raw bytes of the first, and where
  put(sections + 20, 0x200, 4);
  put(sections + 40 + 16, 0x100, 4);
  put(sections + 40 + 20, 0x300, 4);
  return file;
}

TEST(LinuxImage, OneThatIsCutShortIsRefusedByItsSectionTable) {
  const std::string whole = efi_kernel();
  EXPECT_TRUE(load(written(whole)));
  for (const std::size_t left : {0x3FFu, 0x300u, 0x101u}) {
    const auto image = load(written(whole.substr(0, left)));
    ASSERT_FALSE(image) << left;
    EXPECT_THAT(image.error(), HasSubstr(": is cut short: it has " + std::to_string(left) +
                                         " bytes, expected 1024 by its section table"));
  }
  for (const std::size_t left : {0x90u, 0x50u, 0x45u}) {
    const auto image = load(written(whole.substr(0, left)));
    ASSERT_FALSE(image) << left;
    EXPECT_THAT(image.error(), HasSubstr("is cut short"));
  }
}

TEST(LinuxImage, SectionTablesMayBeFarFromTheStart) {
  std::string file = efi_kernel();
  const std::string tables = file.substr(0x40, 0x100);
  file.resize(200'000);
  file.replace(150'000, tables.size(), tables);
  for (unsigned i = 0; i < 4; ++i) file[60 + i] = static_cast<char>(150'000 >> (8 * i));
  EXPECT_TRUE(load(written(file)));
  const auto cut = load(written(file.substr(0, 150'030)));
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error(), HasSubstr("expected all of its section table"));
}

TEST(LinuxImage, ElfFilesAndShortFilesAreNotKernels) {
  EXPECT_FALSE(
      file_looks_like_linux(written("\x7f"
                                    "ELF")));
  EXPECT_FALSE(file_looks_like_linux("/nonexistent/kernel"));
  const auto none = load(written(std::string(64, 'x')));
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr("has no kernel header (it begins with 0x78 0x78 0x78 0x78), expected"));
  const auto packed = load(written("\x1f\x8b" + std::string(64, 'x')));
  ASSERT_FALSE(packed);
  EXPECT_THAT(packed.error(), HasSubstr("is compressed by gzip (unpack it first)"));
  EXPECT_EQ(find_kernel_problem({}), "has no kernel header (it is empty), expected a RISC-V Linux Image");
}

}  // namespace
}  // namespace hvsim::sim
