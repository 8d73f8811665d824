// virtio-blk against virtio 1.2, section 5.2.
#include "models/device/virtio_block.h"

#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

constexpr std::uint64_t kHeader = VirtioBench::kData, kBuffer = VirtioBench::kData + 0x1000,
                        kStatusByte = VirtioBench::kData + 0x100;

class VirtioBlockTest : public testing::Test {
 protected:
  explicit VirtioBlockTest(bool read_only = false) : disk_(64, read_only) { bench_.start(); }

  void header(std::uint32_t type, std::uint64_t sector) {
    bench_.memory.put(kHeader, type);
    bench_.memory.put(kHeader + 4, std::uint32_t{0});
    bench_.memory.put(kHeader + 8, sector);
    bench_.memory.put(kStatusByte, std::uint8_t{0xEE});
  }
  // One request of header, data and status; answers the status byte.
  unsigned request(std::uint32_t type, std::uint64_t sector, std::uint32_t bytes, bool to_driver) {
    header(type, sector);
    bench_.describe(0, kHeader, 16, VirtioBench::kNext, bytes != 0 ? 1 : 2);
    if (bytes != 0)
      bench_.describe(1, kBuffer, bytes,
                      static_cast<std::uint16_t>(VirtioBench::kNext | (to_driver ? VirtioBench::kWrite : 0)),
                      2);
    bench_.describe(2, kStatusByte, 1, VirtioBench::kWrite);
    bench_.offer(0);
    bench_.work();
    return bench_.memory.at<std::uint8_t>(kStatusByte);
  }
  unsigned range(std::uint32_t type, std::uint64_t sector, std::uint32_t sectors, std::uint32_t flags) {
    bench_.memory.put(kBuffer, sector);
    bench_.memory.put(kBuffer + 8, sectors);
    bench_.memory.put(kBuffer + 12, flags);
    return request(type, 0, 16, false);
  }
  std::uint32_t used_bytes() {
    return bench_.used_bytes(static_cast<unsigned>(bench_.used() - 1) % bench_.queue_size);
  }

  TestDisk disk_;
  VirtioBlock block_{disk_, "a serial number that is too long"};
  VirtioBench bench_{&block_};
};

class ReadOnlyVirtioBlockTest : public VirtioBlockTest {
 protected:
  ReadOnlyVirtioBlockTest() : VirtioBlockTest(true) {}
};

TEST_F(VirtioBlockTest, ConfigurationTellsCapacityAndLimits) {
  EXPECT_EQ(bench_.reg(virtio::kDeviceId), 2u);
  EXPECT_EQ(bench_.reg(virtio::kConfig), 64u);
  EXPECT_EQ(bench_.reg(virtio::kConfig + 4), 0u);
  EXPECT_EQ(bench_.reg(virtio::kConfig + 12), 254u);
  EXPECT_EQ(bench_.reg(virtio::kConfig + 20), 512u);
}

TEST_F(VirtioBlockTest, ReadsSectors) {
  EXPECT_EQ(request(VirtioBlock::kIn, 3, 1024, true), VirtioBlock::kOk);
  EXPECT_EQ(used_bytes(), 1025u);
  for (unsigned i = 0; i < 1024; ++i)
    ASSERT_EQ(bench_.memory.at<std::uint8_t>(kBuffer + i), disk_.content[3 * 512 + i]);
  EXPECT_EQ(block_.stats().bytes_read, 1024u);
}

TEST_F(VirtioBlockTest, WritesSectorsAndFlushes) {
  for (unsigned i = 0; i < 512; ++i) bench_.memory.put(kBuffer + i, static_cast<std::uint8_t>(i * 3));
  EXPECT_EQ(request(VirtioBlock::kOut, 63, 512, false), VirtioBlock::kOk);
  EXPECT_EQ(used_bytes(), 1u);
  for (unsigned i = 0; i < 512; ++i) ASSERT_EQ(disk_.content[63 * 512 + i], static_cast<std::uint8_t>(i * 3));
  EXPECT_EQ(request(VirtioBlock::kFlushRequest, 0, 0, false), VirtioBlock::kOk);
  EXPECT_EQ(disk_.flushes, 1u);
}

TEST_F(VirtioBlockTest, HowARequestIsCutIsTheDriversChoice) {
  header(VirtioBlock::kIn, 1);
  bench_.describe(0, kHeader, 1, VirtioBench::kNext, 1);
  bench_.describe(1, kHeader + 1, 15, VirtioBench::kNext, 2);
  bench_.describe(2, kBuffer, 500, VirtioBench::kNext | VirtioBench::kWrite, 3);
  bench_.describe(3, kBuffer + 500, 13, VirtioBench::kWrite);
  bench_.offer(0);
  bench_.work();
  EXPECT_EQ(bench_.memory.at<std::uint8_t>(kBuffer + 512), VirtioBlock::kOk) << "the status is the last byte";
  EXPECT_EQ(bench_.memory.at<std::uint8_t>(kBuffer + 511), disk_.content[512 + 511]);
  EXPECT_EQ(used_bytes(), 513u);
}

TEST_F(VirtioBlockTest, TellsItsSerialNumberInTwentyBytes) {
  EXPECT_EQ(request(VirtioBlock::kGetId, 0, 20, true), VirtioBlock::kOk);
  std::string id;
  for (unsigned i = 0; i < 20; ++i) id += bench_.memory.at<char>(kBuffer + i);
  EXPECT_EQ(id, "a serial number that");
}

TEST_F(VirtioBlockTest, WhatIsNotOnTheDiskIsAnIoError) {
  EXPECT_EQ(request(VirtioBlock::kIn, 64, 512, true), VirtioBlock::kIoError);
  EXPECT_EQ(used_bytes(), 0u);
  EXPECT_EQ(request(VirtioBlock::kIn, 63, 1024, true), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kIn, ~std::uint64_t{0}, 512, true), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kOut, 63, 1024, false), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kIn, 0, 511, true), VirtioBlock::kIoError) << "no whole sectors";
  EXPECT_FALSE(bench_.needs_reset());
  EXPECT_EQ(block_.stats().errors, 5u);
}

TEST_F(VirtioBlockTest, AMediumThatFailsIsAnIoError) {
  disk_.broken = true;
  EXPECT_EQ(request(VirtioBlock::kIn, 0, 512, true), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kOut, 0, 512, false), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kFlushRequest, 0, 0, false), VirtioBlock::kIoError);
}

TEST_F(VirtioBlockTest, UnknownRequestsAreUnsupported) {
  EXPECT_EQ(request(2, 0, 512, false), VirtioBlock::kUnsupported);
  EXPECT_EQ(request(0xFFFFFFFF, 0, 0, false), VirtioBlock::kUnsupported);
}

TEST_F(VirtioBlockTest, DiscardAndWriteZeroesFillWithZeros) {
  EXPECT_EQ(range(VirtioBlock::kDiscardRequest, 2, 1, 0), VirtioBlock::kOk);
  EXPECT_EQ(range(VirtioBlock::kWriteZeroesRequest, 4, 2, 1), VirtioBlock::kOk);
  for (unsigned sector = 0; sector < 8; ++sector) {
    const bool zero = sector == 2 || sector == 4 || sector == 5;
    EXPECT_EQ(disk_.content[sector * 512 + 300] == 0 && disk_.content[sector * 512 + 301] == 0, zero)
        << sector;
  }
  EXPECT_EQ(range(VirtioBlock::kDiscardRequest, 2, 1, 1), VirtioBlock::kUnsupported) << "5.2.6.2: no unmap";
  EXPECT_EQ(range(VirtioBlock::kWriteZeroesRequest, 2, 1, 2), VirtioBlock::kUnsupported);
  EXPECT_EQ(range(VirtioBlock::kWriteZeroesRequest, 63, 2, 0), VirtioBlock::kIoError);
  EXPECT_EQ(range(VirtioBlock::kWriteZeroesRequest, 0, 0xFFFFFFFF, 0), VirtioBlock::kIoError);
}

TEST_F(VirtioBlockTest, RequestsWithoutHeaderOrStatusNeedAReset) {
  bench_.describe(0, kHeader, 15, VirtioBench::kNext, 1);
  bench_.describe(1, kBuffer, 1, VirtioBench::kWrite);
  bench_.offer(0);
  EXPECT_EQ(bench_.work(), 0u);
  EXPECT_TRUE(bench_.needs_reset());
  EXPECT_EQ(bench_.reg(virtio::kInterruptStatus), virtio::kConfigChange);
  bench_.start();
  bench_.memory.put(VirtioBench::kAvailable + 2, std::uint16_t{0});
  bench_.describe(0, kHeader, 16);
  bench_.offer(0);
  EXPECT_EQ(bench_.work(), 0u);
  EXPECT_TRUE(bench_.needs_reset());
}

TEST_F(VirtioBlockTest, AResetInTheMiddleOfARequestDropsIt) {
  header(VirtioBlock::kIn, 0);
  bench_.describe(0, kHeader, 16, VirtioBench::kNext, 1);
  bench_.describe(1, kBuffer, 513, VirtioBench::kWrite);
  bench_.offer(0);
  ASSERT_EQ(bench_.slot.begin(), 512u);
  bench_.reg(virtio::kStatus, 0);
  bench_.slot.finish();
  EXPECT_EQ(bench_.used(), 0u);
  EXPECT_EQ(bench_.memory.at<std::uint8_t>(kBuffer + 1), 0u);
}

// The largest chains move in pieces, so that the time that they take passes between them.
TEST(VirtioBlockPieces, LargeRequestsMoveInPieces) {
  TestDisk disk(8192);
  VirtioBlock block(disk, "");
  VirtioBench bench(&block);
  bench.start(virtio::kVersion1, 16);
  bench.memory.put(kHeader, std::uint32_t{VirtioBlock::kIn});
  bench.memory.put(kHeader + 8, std::uint64_t{0});
  bench.describe(0, kHeader, 16, VirtioBench::kNext, 1);
  for (unsigned i = 1; i <= 6; ++i)  // the same half megabyte six times over
    bench.describe(i, TestMemory::kBase + 0x80000, 0x80000, VirtioBench::kNext | VirtioBench::kWrite,
                   static_cast<std::uint16_t>(i + 1));
  bench.describe(7, kStatusByte, 1, VirtioBench::kWrite);
  bench.offer(0);
  EXPECT_EQ(bench.work(), 3u);
  EXPECT_EQ(bench.memory.at<std::uint8_t>(kStatusByte), VirtioBlock::kOk);
  EXPECT_EQ(bench.used_bytes(0), 6 * 0x80000 + 1u);
  EXPECT_EQ(bench.memory.at<std::uint8_t>(TestMemory::kBase + 0x80000), disk.content[5 * 0x80000]);
}

TEST_F(ReadOnlyVirtioBlockTest, FailsWritesAndSaysSo) {
  bench_.reg(virtio::kDeviceFeaturesSelect, 0);
  EXPECT_NE(bench_.reg(virtio::kDeviceFeatures) & VirtioBlock::kReadOnly, 0u);
  EXPECT_EQ(bench_.reg(virtio::kDeviceFeatures) & VirtioBlock::kDiscard, 0u);
  EXPECT_EQ(request(VirtioBlock::kOut, 0, 512, false), VirtioBlock::kIoError) << "5.2.6.2";
  EXPECT_EQ(range(VirtioBlock::kDiscardRequest, 2, 1, 0), VirtioBlock::kIoError);
  EXPECT_EQ(request(VirtioBlock::kIn, 0, 512, true), VirtioBlock::kOk);
}

}  // namespace
}  // namespace hvsim::device
