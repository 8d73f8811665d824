// A kernel's symbol file: what is taken from it, and why another file is refused.
#include "sim/image/system_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

class SystemMap : public testing::Test {
 protected:
  ~SystemMap() override { std::remove(path_.c_str()); }
  auto load(const std::string& text) const {
    std::ofstream(path_) << text;
    return load_system_map(path_);
  }
  std::string path_ = testing::TempDir() + "System.map." + std::to_string(getpid());
};

constexpr char kGood[] =
    "ffffffff80000000 T _start\n"
    "ffffffff80000000 T _text\n"
    "ffffffff80c00100 D linux_banner\n"
    "ffffffff81a00010 B mem_section\n"
    "ffffffff81a00200 D node_data\n"
    "ffffffff81e00000 B swapper_pg_dir\n";

TEST_F(SystemMap, GivesTheSymbolsThatIntrospectionWants) {
  const auto symbols = load(kGood);
  ASSERT_TRUE(symbols) << symbols.error();
  EXPECT_EQ((*symbols)[hv::abi::kernel_start], 0xffffffff80000000);
  EXPECT_EQ((*symbols)[hv::abi::linux_banner], 0xffffffff80c00100);
  EXPECT_EQ((*symbols)[hv::abi::mem_section], 0xffffffff81a00010);
  EXPECT_EQ((*symbols)[hv::abi::node_data], 0xffffffff81a00200);
  EXPECT_EQ((*symbols)[hv::abi::swapper_pg_dir], 0xffffffff81e00000);
}

TEST_F(SystemMap, OfAnotherKindIsRefusedWithAReason) {
  // What Debian puts beside its kernels.
  EXPECT_THAT(
      load("ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n").error(),
      HasSubstr("has no symbol _start, expected the System.map of a RISC-V Linux kernel"));
  EXPECT_THAT(load("").error(), HasSubstr("has no symbol _start"));
  EXPECT_THAT(load(std::string(1000, '\xff')).error(), HasSubstr("has no symbol _start"));
  std::string without = kGood;
  without.replace(without.find("node_data"), 9, "mode_data");
  EXPECT_THAT(load(without).error(), HasSubstr("has no symbol node_data"));
  std::string twice = kGood;
  twice += "ffffffff81a00300 d node_data\n";
  EXPECT_THAT(load(twice).error(), HasSubstr("has two symbols node_data"));
  EXPECT_THAT(load_system_map(path_ + ".missing").error(), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace hvsim::sim
