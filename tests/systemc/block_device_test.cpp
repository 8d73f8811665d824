// A driver prints all that it sees of a disk: the same on QEMU's virtio-mmio and on ours, on several harts
// too.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/simulation.h"
#include "tests/systemc/main.h"

namespace hvsim::sim {
namespace {

struct Silent final : Progress {
  void advanced(isa::Cycles, std::uint64_t) override {}
  void console(std::string_view) override {}
};

std::string qemu(const std::string& disk) {
  const std::string command =
      "timeout 60 qemu-system-riscv64 -M virt -m 64M -bios none -nographic "
      "-global virtio-mmio.force-legacy=false -drive file=" +
      disk +
      ",format=raw,if=none,snapshot=on,id=d -device "
      "virtio-blk-device,drive=d,bus=virtio-mmio-bus.0,serial=hvsim-disk "
      "-kernel " HVSIM_WORKLOADS "/device_block.elf </dev/null 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string output;
  char buffer[4096];
  while (const std::size_t bytes = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, bytes);
  pclose(pipe);
  return output;
}

std::string slurp(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(BlockDevice, LooksToItsDriverAsOnQemu) {
  const std::string disk = testing::TempDir() + "block_device_test.img";
  std::string content(65536, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 512 * 17);
  std::ofstream(disk, std::ios::binary) << content;

  Config config;
  config.machine.harts = 2;
  config.machine.devices.block.push_back({.file = disk, .serial = "hvsim-disk"});
  config.limits.max_cycles = 1'000'000'000;
  ImagePaths images;
  images.image = HVSIM_WORKLOADS "/device_block.elf";
  Silent progress;
  const auto result = simulate(config, images, progress);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->stop, StopReason::finished) << result->stop_detail;
  EXPECT_NE(result->console.find("done"), std::string::npos) << result->console;
  // 41 requests, one after the other, of 10 us each.
  EXPECT_GT(result->cycles, 410'000u);
  EXPECT_LT(result->cycles, 5'000'000u);
  EXPECT_EQ(slurp(disk), content) << "writes go to the overlay";
  const bool witness = std::system("command -v qemu-system-riscv64 >/dev/null") == 0;
  if (witness) {
    EXPECT_EQ(qemu(disk), result->console);
  }
  std::filesystem::remove(disk);
}

}  // namespace
}  // namespace hvsim::sim
