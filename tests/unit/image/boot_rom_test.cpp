// The reset ROM against the disassembler and, with OpenSBI, against QEMU.
#include "sim/image/boot_rom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "sim/image/device_tree.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr char kOpenSbi[] = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.elf";

std::uint64_t word(const std::vector<std::byte>& rom, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, rom.data() + offset, sizeof value);
  return value;
}

TEST(BootRom, DisassemblesToTheResetVectorOfVirt) {
  if (!tests::exists("riscv64-linux-gnu-objdump")) GTEST_SKIP() << "no RISC-V binutils";
  const std::string path = testing::TempDir() + "disassembled_rom.bin";
  tests::write_file(path, make_boot_rom({}));
  const tests::Ended objdump = tests::shell(
      "riscv64-linux-gnu-objdump -D -b binary -m riscv:rv64 --adjust-vma=0x1000 --stop-address=0x1018 " +
      path);
  std::filesystem::remove(path);
  ASSERT_EQ(objdump.code, 0) << objdump.output;
  EXPECT_THAT(objdump.output, ContainsRegex("1000:.*auipc[[:space:]]t0,0x0"));
  EXPECT_THAT(objdump.output, ContainsRegex("1004:.*add.?[[:space:]]a2,t0,40 # 0x1028"));
  EXPECT_THAT(objdump.output, ContainsRegex("1008:.*csrr[[:space:]]a0,mhartid"));
  EXPECT_THAT(objdump.output, ContainsRegex("100c:.*ld[[:space:]]a1,32\\(t0\\)"));
  EXPECT_THAT(objdump.output, ContainsRegex("1010:.*ld[[:space:]]t0,24\\(t0\\)"));
  EXPECT_THAT(objdump.output, ContainsRegex("1014:.*jr[[:space:]]t0"));
}

TEST(BootRom, HoldsEntryDeviceTreeAndFirmwareInformation) {
  const auto rom = make_boot_rom({.entry = 0x180000000,
                                  .device_tree = 0x87E00000,
                                  .firmware = {.next_address = 0x80200000, .options = 1, .boot_hart = 2}});
  ASSERT_EQ(rom.size(), 88u);
  EXPECT_EQ(word(rom, 24), 0x180000000u);
  EXPECT_EQ(word(rom, 32), 0x87E00000u);
  EXPECT_EQ(word(rom, 40), 0x4942534Fu);  // "OSBI"
  EXPECT_EQ(word(rom, 48), 2u);
  EXPECT_EQ(word(rom, 56), 0x80200000u);
  EXPECT_EQ(word(rom, 64), 1u);
  EXPECT_EQ(word(rom, 72), 1u);
  EXPECT_EQ(word(rom, 80), 2u);
}

// QEMU's harts start in our ROM and find our device tree; the program behind the firmware powers off.
TEST(BootRom, BringsUpOpenSbiWithTheGeneratedDeviceTreeOnQemu) {
  if (!tests::exists("qemu-system-riscv64") || !std::filesystem::exists(kOpenSbi))
    GTEST_SKIP() << "no QEMU or OpenSBI";
  const std::string stem = testing::TempDir() + "opensbi_boot_";
  const auto tree = make_device_tree({.harts = 2});
  ASSERT_TRUE(tree) << tree.error();
  tests::write_file(stem + "tree", *tree);
  tests::write_file(stem + "rom",
                    make_boot_rom({.device_tree = 0x87E00000, .firmware = {.next_address = 0x80200000}}));
  // li a7, 8 (legacy shutdown); ecall
  const std::uint32_t program[] = {0x00800893, 0x00000073};
  tests::write_file(stem + "next", std::as_bytes(std::span(program)));
  const auto at = [&](const char* name, const char* address) {
    return " -device loader,force-raw=on,file=" + stem + name + ",addr=" + address;
  };
  const tests::Ended qemu = tests::shell(
      "timeout 60 qemu-system-riscv64 -M virt -cpu rv64,h=true -smp 2 -m 128M -nographic -bios none"
      " -device loader,file=" +
      std::string(kOpenSbi) + at("next", "0x80200000") + at("tree", "0x87E00000") +
      at("rom", "0x86000000,cpu-num=0") + " -device loader,addr=0x86000000,cpu-num=1 </dev/null");
  for (const char* name : {"tree", "rom", "next"}) std::filesystem::remove(stem + name);
  EXPECT_EQ(qemu.code, 0) << qemu.output;
  EXPECT_THAT(qemu.output, HasSubstr("Platform Name             : riscv-virtio,hvsim"));
  EXPECT_THAT(qemu.output, HasSubstr("Platform HART Count       : 2"));
  EXPECT_THAT(qemu.output, HasSubstr("Platform IPI Device       : aclint-mswi"));
  EXPECT_THAT(qemu.output, HasSubstr("Platform Timer Device     : aclint-mtimer @ 10000000Hz"));
  EXPECT_THAT(qemu.output, HasSubstr("Platform Console Device   : uart8250"));
  EXPECT_THAT(qemu.output, HasSubstr("Platform Shutdown Device  : sifive_test"));
  EXPECT_THAT(qemu.output, HasSubstr("Domain0 Next Address      : 0x0000000080200000"));
  EXPECT_THAT(qemu.output, HasSubstr("Domain0 Next Mode         : S-mode"));
}

}  // namespace
}  // namespace hvsim::sim
