// The generated device tree against dtc and against the tree of QEMU's `virt` board.
#include "sim/image/device_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <filesystem>
#include <map>

#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string decompiled(const MachineDescription& machine, const std::string& name) {
  const auto tree = make_device_tree(machine);
  if (!tree) return tree.error();
  const std::string path = testing::TempDir() + name + ".dtb";
  tests::write_file(path, *tree);
  const tests::Ended dtc = tests::shell("dtc -q -I dtb -O dts " + path);
  std::filesystem::remove(path);
  EXPECT_EQ(dtc.code, 0) << dtc.output;
  return dtc.output;
}

// Path and property -> value, phandles replaced by the path they point to.
using Properties = std::map<std::string, std::string>;

std::string path_of(const void* tree, int node) {
  char path[256];
  return fdt_get_path(tree, node, path, sizeof path) == 0 ? path : "?";
}

std::string described(const void* tree, const std::string& property, const char* value, int bytes) {
  // Offsets of phandles among the value's cells.
  const int stride = property == "interrupts-extended" ? 2 : bytes / 4;
  const bool refers = property == "interrupts-extended" || property == "interrupt-parent" ||
                      property == "regmap" || property == "cpu";
  if (!refers) return {value, static_cast<std::size_t>(bytes)};
  std::string text;
  for (int cell = 0; cell < bytes / 4; ++cell) {
    const auto number = fdt32_ld(reinterpret_cast<const fdt32_t*>(value) + cell);
    text +=
        cell % stride == 0 ? path_of(tree, fdt_node_offset_by_phandle(tree, number)) : std::to_string(number);
    text += ' ';
  }
  return text;
}

Properties properties(const void* tree) {
  Properties result;
  int depth = 0;
  for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(tree, node, &depth)) {
    const std::string path = path_of(tree, node);
    result[path] = "";
    int at = 0;
    fdt_for_each_property_offset(at, tree, node) {
      const char* name = nullptr;
      int bytes = 0;
      const void* value = fdt_getprop_by_offset(tree, at, &name, &bytes);
      if (std::string(name) != "phandle")
        result[path + ":" + name] = described(tree, name, static_cast<const char*>(value), bytes);
    }
  }
  return result;
}

TEST(DeviceTree, SurvivesDtc) {
  const std::string text = decompiled({.harts = 2, .bootargs = "console=ttyS0"}, "two_harts");
  EXPECT_THAT(text, HasSubstr("cpu@1 {"));
  EXPECT_THAT(text, HasSubstr("riscv,isa = \"rv64imafdch_zicbom_zicboz_zicntr_"));
  EXPECT_THAT(text, HasSubstr("mmu-type = \"riscv,sv57\""));
  EXPECT_THAT(text, HasSubstr("timebase-frequency = <0x989680>"));
  EXPECT_THAT(text, HasSubstr("bootargs = \"console=ttyS0\""));
  EXPECT_THAT(text, HasSubstr("reg = <0x00 0x80000000 0x00 0x8000000>"));
}

TEST(DeviceTree, SaysOfEverythingItNamesWhatQemuSays) {
  // Other versions word the same board differently.
  if (tests::shell("qemu-system-riscv64 --version").output.find("version 7.2") == std::string::npos)
    GTEST_SKIP() << "QEMU 7.2 (Debian 12) is not installed";
  const std::string path = testing::TempDir() + "virt.dtb";
  const tests::Ended qemu =
      tests::shell("qemu-system-riscv64 -M virt,dumpdtb=" + path + " -cpu rv64,h=true -smp 3 -m 256M");
  ASSERT_EQ(qemu.code, 0) << qemu.output;
  std::ifstream file(path, std::ios::binary);
  const std::string virt((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove(path);
  // It says sv48 though it has sv57.
  const auto tree = make_device_tree({.harts = 3, .ram_bytes = 256u << 20, .mmu_type = "riscv,sv48"});
  ASSERT_TRUE(tree) << tree.error();

  const Properties theirs = properties(virt.data());
  Properties ours = properties(tree->data());
  // The extensions differ with the version, the model is another one, and so are the event counters.
  std::erase_if(ours, [](const auto& each) {
    const std::string& name = each.first;
    return name.find(":riscv,isa") != std::string::npos || name.ends_with("-block-size") ||
           name == "/:model" || name.starts_with("/pmu");
  });
  EXPECT_GT(ours.size(), 120u);
  for (const auto& [name, value] : ours) {
    ASSERT_TRUE(theirs.contains(name)) << name;
    EXPECT_EQ(value, theirs.at(name)) << name;
  }
  // And nothing that QEMU says of these nodes is missing, but the seed that differs in every run.
  for (const auto& [name, value] : theirs) {
    const bool differs = name == "/chosen:rng-seed" || name == "/:model" || name.ends_with(":riscv,isa");
    const bool ours_has_node = ours.contains(name.substr(0, name.find(':')));
    EXPECT_TRUE(differs || !ours_has_node || ours.contains(name)) << name;
  }
}

TEST(DeviceTree, RandomnessForTheKernelFollowsTheSeed) {
  const std::string one = decompiled({.seed = 1}, "seed");
  EXPECT_THAT(one, HasSubstr("rng-seed = <"));
  EXPECT_EQ(one, decompiled({.seed = 1}, "seed"));
  EXPECT_NE(one, decompiled({.seed = 2}, "seed"));
  EXPECT_THAT(decompiled({}, "seed"), Not(HasSubstr("rng-seed")));
}

TEST(DeviceTree, IsaExtensionsAreTheIsaStringInPieces) {
  EXPECT_THAT(isa_extensions("rv64imac_zba_sstc"), testing::ElementsAre("i", "m", "a", "c", "zba", "sstc"));
  EXPECT_THAT(isa_extensions("rv64i"), testing::ElementsAre("i"));
  const std::string text = decompiled({.isa = "rv64imac_zba_sstc"}, "extensions");
  EXPECT_THAT(text, HasSubstr("riscv,isa-base = \"rv64i\""));
  EXPECT_THAT(text, HasSubstr(R"(riscv,isa-extensions = "i\0m\0a\0c\0zba\0sstc")"));
  EXPECT_THAT(text, Not(HasSubstr("block-size")));
}

// Linux' bindings: software must know the size of a cache block to use the instructions.
TEST(DeviceTree, CacheBlocksAreAsLargeAsTheHartHasThem) {
  const std::string text = decompiled({.isa = "rv64imac_zicbom_zicboz"}, "cache_blocks");
  EXPECT_THAT(text, HasSubstr("riscv,cbom-block-size = <0x40>"));
  EXPECT_THAT(text, HasSubstr("riscv,cboz-block-size = <0x40>"));
}

// OpenSBI's documentation, "pmu_support": first event, last event, counters; and for raw events the selector,
// the bits that are fixed, and the counters.
TEST(DeviceTree, FirmwareLearnsWhichCountersCountWhat) {
  const std::string text = decompiled({}, "counters");
  EXPECT_THAT(text, HasSubstr("compatible = \"riscv,pmu\""));
  EXPECT_THAT(text,
              HasSubstr("riscv,event-to-mhpmcounters = <0x01 0x01 0xfffffff9 0x02 0x02 0xfffffffc 0x03 "));
  EXPECT_THAT(text,
              HasSubstr("riscv,raw-event-to-mhpmcounters = <0x00 0x20000 0xffffffff 0xffffffe0 0xfffffff8>"));
  EXPECT_THAT(decompiled({.event_counters = false}, "no_counters"), Not(HasSubstr("pmu")));
}

TEST(DeviceTree, DevicesThatAreOffAreNotNamed) {
  const std::string text = decompiled(
      {.uart = false, .plic = false, .clint = false, .finisher = false, .rtc = false, .virtio = false},
      "bare");
  for (const char* node :
       {"serial@", "plic@", "clint@", "test@", "poweroff", "reboot", "stdout-path", "virtio_mmio@", "rtc@"})
    EXPECT_THAT(text, Not(HasSubstr(node)));
}

TEST(DeviceTree, WithoutPlicTheUartHasNoInterrupt) {
  const std::string text = decompiled({.plic = false}, "polled");
  EXPECT_THAT(text, HasSubstr("serial@"));
  EXPECT_THAT(text, Not(HasSubstr("interrupt-parent")));
}

TEST(DeviceTree, InitrdIsNamedByStartAndEnd) {
  const std::string low = decompiled({.initrd = AddressRange{0x84000000, 0x1234}}, "initrd");
  EXPECT_THAT(low, HasSubstr("linux,initrd-start = <0x84000000>"));
  EXPECT_THAT(low, HasSubstr("linux,initrd-end = <0x84001234>"));
  const std::string high = decompiled(
      {.ram_bytes = std::uint64_t{8} << 30, .initrd = AddressRange{0x180000000, 0x1000}}, "high_initrd");
  EXPECT_THAT(high, HasSubstr("linux,initrd-start = <0x01 0x80000000>"));
}

TEST(DeviceTree, IsaStringFollowsTheHartsOptions) {
  cpu::IsaConfig least;
  least.h = least.zbc = least.zicbom = least.zicboz = least.zicond = least.zihpm = least.sscofpmf =
      least.sstc = least.svinval = least.svnapot = least.svpbmt = false;
  EXPECT_EQ(isa_string(least), "rv64imafdc_zicntr_zicsr_zifencei_zihintpause_zba_zbb_zbs");
  EXPECT_EQ(
      isa_string({.sscofpmf = true,
                  .smstateen = true,
                  .svnapot = true,
                  .svpbmt = true,
                  .ad_updates = cpu::AdUpdates::svadu}),
      "rv64imafdch_zicbom_zicboz_zicntr_zicond_zicsr_zifencei_zihintpause_zihpm_zba_zbb_zbc_zbs_sscofpmf_"
      "sstc_svadu_svinval_svnapot_svpbmt_smstateen");
  EXPECT_EQ(mmu_type({.widest_paging = 8}), "riscv,sv39");
  EXPECT_EQ(mmu_type({.widest_paging = 0}), "riscv,none");
}

TEST(DeviceTree, SixtyFourHartsFit) {
  const std::string text = decompiled({.harts = 64}, "many");
  EXPECT_THAT(text, HasSubstr("cpu@3f {"));
  EXPECT_THAT(text, HasSubstr("core63 {"));
}

TEST(DeviceTree, ImpossibleMachinesAreErrorsThatNameTheField) {
  EXPECT_EQ(make_device_tree({.harts = 0}).error(), "device tree: harts is 0, expected 1 to 64");
  EXPECT_THAT(make_device_tree({.harts = 65}).error(), HasSubstr("harts is 65"));
  EXPECT_THAT(make_device_tree({.ram_bytes = 0}).error(), HasSubstr("ram_bytes is 0"));
  EXPECT_THAT(make_device_tree({.ram_bytes = ~0ull}).error(), HasSubstr("end of RAM"));
  EXPECT_THAT(make_device_tree({.isa = "rv32i"}).error(), HasSubstr("isa is \"rv32i\""));
  EXPECT_THAT(make_device_tree({.initrd = AddressRange{0x1000, 1}}).error(), HasSubstr("initrd is 0x1000"));
}

TEST(DeviceTreeAddress, IsHighAlignedAndInsideRam) {
  const AddressRange small{0x80000000, 16u << 20};
  EXPECT_EQ(device_tree_address(small, 0x2000).value(), 0x80E00000u);
  const AddressRange large{0x80000000, std::uint64_t{8} << 30};
  EXPECT_EQ(device_tree_address(large, 0x2000).value(), 0xBFE00000u);
  const AddressRange high{std::uint64_t{4} << 30, 4u << 20};
  EXPECT_EQ(device_tree_address(high, 0x2000).value(), 0x100200000u);
}

TEST(DeviceTreeAddress, RamWithoutRoomIsAnError) {
  EXPECT_THAT(device_tree_address({0x80000000, 0x1000}, 0x2000).error(), HasSubstr("has no room"));
}

}  // namespace
}  // namespace hvsim::sim
