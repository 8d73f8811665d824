// Raw files as disks: what reaches the file and what does not.
#include "models/device/disk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace hvsim::device {
namespace {

class DiskTest : public testing::Test {
 protected:
  DiskTest() { write_file(5 * 4096 + 512); }
  ~DiskTest() override { std::filesystem::remove(path_); }

  void write_file(std::size_t bytes) {
    content_.resize(bytes);
    for (std::size_t i = 0; i < bytes; ++i) content_[i] = static_cast<std::uint8_t>(i / 512 + i);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(content_.data()), static_cast<std::streamsize>(bytes));
  }
  std::vector<std::uint8_t> file() {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::unique_ptr<DiskImage> open(DiskAccess access) {
    auto disk = DiskImage::open(path_, access);
    EXPECT_TRUE(disk) << disk.error();
    return std::move(disk.value());
  }
  static std::vector<std::uint8_t> read(Disk& disk, std::uint64_t sector, std::size_t sectors) {
    std::vector<std::uint8_t> data(sectors * 512);
    EXPECT_TRUE(disk.read(sector, data));
    return data;
  }

  std::string path_ = testing::TempDir() + "disk_test-" + std::to_string(::getpid()) + ".img";
  std::vector<std::uint8_t> content_;
};

TEST_F(DiskTest, AnOverlayShowsWhatWasWrittenAndLeavesTheFileAlone) {
  auto disk = open(DiskAccess::overlay);
  EXPECT_EQ(disk->sectors(), 41u);
  const std::vector<std::uint8_t> data(10 * 512, 0xAB);
  EXPECT_TRUE(disk->write(13, data));  // from inside one cluster into the third
  auto expected = content_;
  std::ranges::fill(std::span(expected).subspan(13 * 512, 10 * 512), std::uint8_t{0xAB});
  EXPECT_EQ(read(*disk, 0, 41), expected);
  EXPECT_TRUE(disk->flush());
  EXPECT_EQ(file(), content_);
}

TEST_F(DiskTest, ZerosInAnOverlayTakeNoMemoryAndStayZeros) {
  auto disk = open(DiskAccess::overlay);
  EXPECT_TRUE(disk->write(8, std::vector<std::uint8_t>(4 * 4096, 0xCD)));
  EXPECT_EQ(disk->overlay_bytes(), 4u * 4096);
  EXPECT_TRUE(disk->write(0, std::vector<std::uint8_t>(4 * 4096, 0)));  // a discarded range
  EXPECT_EQ(disk->overlay_bytes(), 4096u);
  EXPECT_TRUE(disk->write(3, std::vector<std::uint8_t>(512, 0xEF)));  // into what was discarded
  EXPECT_EQ(disk->overlay_bytes(), 2u * 4096);
  auto expected = content_;
  std::fill_n(expected.begin(), 32 * 512, std::uint8_t{0});
  std::fill_n(expected.begin() + 3 * 512, 512, std::uint8_t{0xEF});
  std::fill_n(expected.begin() + 32 * 512, 8 * 512, std::uint8_t{0xCD});
  EXPECT_EQ(read(*disk, 0, 41), expected);
}

TEST_F(DiskTest, ReadWriteChangesTheFile) {
  auto disk = open(DiskAccess::read_write);
  EXPECT_TRUE(disk->write(40, std::vector<std::uint8_t>(512, 1)));
  EXPECT_TRUE(disk->flush());
  std::ranges::fill(std::span(content_).subspan(40 * 512, 512), std::uint8_t{1});
  EXPECT_EQ(file(), content_);
  EXPECT_EQ(read(*disk, 39, 2), std::vector<std::uint8_t>(content_.begin() + 39 * 512, content_.end()));
}

TEST_F(DiskTest, ReadOnlyRefusesWrites) {
  auto disk = open(DiskAccess::read_only);
  EXPECT_TRUE(disk->read_only());
  EXPECT_FALSE(disk->write(0, std::vector<std::uint8_t>(512, 1)));
  EXPECT_EQ(file(), content_);
}

TEST_F(DiskTest, AShortLastSectorEndsInZeros) {
  write_file(700);
  auto disk = open(DiskAccess::overlay);
  EXPECT_EQ(disk->sectors(), 2u);
  const auto data = read(*disk, 1, 1);
  EXPECT_EQ(data[187], content_[699]);
  EXPECT_EQ(data[188], 0);
  EXPECT_NE(DiskImage::open(path_, DiskAccess::read_write).error().find("512"), std::string::npos);
}

TEST_F(DiskTest, AFileThatBecomesShorterIsAFailedMedium) {
  auto disk = open(DiskAccess::overlay);
  std::filesystem::resize_file(path_, 512);
  std::vector<std::uint8_t> data(512);
  EXPECT_TRUE(disk->read(0, data));
  EXPECT_FALSE(disk->read(1, data));
  EXPECT_FALSE(disk->write(8, data)) << "the rest of its cluster cannot be read";
  EXPECT_FALSE(disk->read(9, data));
}

TEST_F(DiskTest, WhatIsNoFileIsAnError) {
  EXPECT_EQ(DiskImage::open("/no/such/file", DiskAccess::overlay).error(), "No such file or directory");
  EXPECT_EQ(DiskImage::open("/", DiskAccess::overlay).error(), "is not a regular file");
  EXPECT_EQ(DiskImage::open("/dev/null", DiskAccess::read_write).error(), "is not a regular file");
}

}  // namespace
}  // namespace hvsim::device
