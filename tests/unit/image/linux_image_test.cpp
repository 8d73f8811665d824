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

TEST(LinuxImage, OccupiesWhatItsHeaderAsksForAndIsEnteredAtItsFirstByte) {
  const std::string path = written(small_kernel());
  EXPECT_TRUE(file_looks_like_linux(path));
  const auto image = load_linux(path, 0x80200000);
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
  const auto image = load_linux(written(kernel), 0x80200000);
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->segments[0].memory_bytes, 0x2000u);
}

TEST(LinuxImage, OtherArchitecturesEndianAndAddressesAreRefusedInWords) {
  const auto arm = load_linux(written(small_kernel("ARM\x64")), 0x80200000);
  ASSERT_FALSE(arm);
  EXPECT_THAT(arm.error(), HasSubstr("another architecture, expected a RISC-V Linux Image"));
  const auto big = load_linux(written(small_kernel("RSC\x05", 1)), 0x80200000);
  ASSERT_FALSE(big);
  EXPECT_THAT(big.error(), HasSubstr("big-endian"));
  const auto odd = load_linux(written(small_kernel()), 0x80201000);
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error(), HasSubstr("multiple of 2 MiB"));
}

TEST(LinuxImage, SizesThatReachBeyondTheAddressSpaceAreRefused) {
  std::string kernel = small_kernel();
  kernel.replace(16, 8, std::string(8, '\xff'));
  const auto image = load_linux(written(kernel), 0x80200000);
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error(), HasSubstr("header asks for 0xffffffffffffffff bytes"));
}

TEST(LinuxImage, ElfFilesAndShortFilesAreNotKernels) {
  EXPECT_FALSE(
      file_looks_like_linux(written("\x7f"
                                    "ELF")));
  EXPECT_FALSE(file_looks_like_linux("/nonexistent/kernel"));
  const auto none = load_linux(written(std::string(64, 'x')), 0x80200000);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr("no kernel header"));
}

}  // namespace
}  // namespace hvsim::sim
