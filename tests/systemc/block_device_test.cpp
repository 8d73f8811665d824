// A driver prints all that it sees of a disk: the same on QEMU's virtio-mmio and on ours.
#include "tests/systemc/device_witness.h"

namespace hvsim::sim {
namespace {

TEST(BlockDevice, LooksToItsDriverAsOnQemu) {
  const std::string disk = testing::TempDir() + "block_device_test.img";
  std::string content(65536, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 512 * 17);
  std::ofstream(disk, std::ios::binary) << content;

  Config config;
  config.machine.harts = 2;
  config.machine.devices.block.push_back({.file = disk, .serial = "hvsim-disk"});
  const RunResult result = run_here("block", config);
  // 40 requests, one after the other, of 10 us each.
  EXPECT_GT(result.cycles, 400'000u);
  EXPECT_LT(result.cycles, 5'000'000u);
  ASSERT_EQ(result.disks.size(), 1u);
  EXPECT_EQ(result.disks[0].reads, 4 * 5u);
  EXPECT_EQ(result.disks[0].writes, 4 * 2u);
  EXPECT_EQ(result.disks[0].flushes, 4u);
  EXPECT_EQ(result.disks[0].errors, 4 * 3u);
  EXPECT_EQ(result.disks[0].bytes_written, 4 * 4096u);
  EXPECT_EQ(tests::slurp(disk), content) << "writes go to the overlay";
  const std::string witness =
      qemu("block",
           "-serial stdio -drive file=" + disk +
               ",format=raw,if=none,snapshot=on,id=d "
               "-device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0,serial=hvsim-disk",
           "true");
  std::remove(disk.c_str());
  if (!witness.empty()) {
    EXPECT_EQ(result.console, witness);
  }
}

}  // namespace
}  // namespace hvsim::sim
