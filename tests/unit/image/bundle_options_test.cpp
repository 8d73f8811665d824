// The command line of hvsim-bundle.
#include "sim/image/bundle_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/files.h"
#include "tests/unit/image/elf_builder.h"

namespace hvsim::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class BundleOptionsTest : public testing::Test {
 protected:
  void SetUp() override { tests::write_file(elf_, SmallElf().file()); }

  static std::string error_of(const std::vector<std::string>& words) {
    const auto options = parse_bundle_options(words);
    return options ? "no error" : options.error();
  }
  std::string vm_error(const std::string& fields) { return error_of({"--vm", fields, "-o", "out"}); }

  const tests::Scratch scratch_;  // its own: tests of one fixture run beside each other
  const std::string elf_ = scratch_.file("guest.elf");
};

TEST_F(BundleOptionsTest, SettingsAndVmsAreUnderstood) {
  const auto options = parse_bundle_options(
      {"--delivery", "dlh", "--calls-per-notification", "8", "--queue-capacity", "16",
       "--drain-budget-cycles", "5000", "--max-deferred-entries", "2", "--time-slice-us", "500", "--vm",
       "name=storm,memory=32M,vcpus=2,harts=0:2,sstc=1,image=" + elf_ + ",arguments=calls=1,000 mix=a,b",
       "-o", "out"});
  ASSERT_TRUE(options) << options.error();
  const BundleDescription& bundle = options->bundle;
  EXPECT_EQ(options->output, "out");
  EXPECT_EQ(bundle.delivery, hv::abi::Delivery::dlh);
  EXPECT_EQ(bundle.calls_per_notification, 8u);
  EXPECT_EQ(bundle.queue_capacity, 16u);
  EXPECT_EQ(bundle.drain_budget_cycles, 5000u);
  EXPECT_EQ(bundle.max_deferred_entries, 2u);
  EXPECT_EQ(bundle.time_slice_us, 500u);
  ASSERT_EQ(bundle.vms.size(), 1u);
  EXPECT_EQ(bundle.vms[0].name, "storm");
  EXPECT_EQ(bundle.vms[0].memory_bytes, 32u << 20);
  EXPECT_EQ(bundle.vms[0].vcpus, 2u);
  EXPECT_THAT(bundle.vms[0].harts, ElementsAre(0u, 2u));
  EXPECT_TRUE(bundle.vms[0].sstc);
  EXPECT_EQ(bundle.vms[0].arguments, "calls=1,000 mix=a,b");
  EXPECT_EQ(bundle.vms[0].image.size(), 0x2004u);
}

TEST_F(BundleOptionsTest, FlatBinariesAreTakenAsTheyAre) {
  const auto options = parse_bundle_options({"--vm", "name=a,flat=" + elf_, "-o", "out"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->bundle.vms[0].image.size(), SmallElf().file().size());
}

TEST_F(BundleOptionsTest, WhatIsWrongIsNamed) {
  EXPECT_THAT(error_of({"--frob", "1"}), HasSubstr("\"--frob\" is not an option"));
  EXPECT_THAT(error_of({"--vm"}), HasSubstr("lacks its value"));
  EXPECT_THAT(error_of({}), HasSubstr("no output file"));
  EXPECT_THAT(error_of({"--delivery", "dhl"}), HasSubstr("expected immediate, dlh, multicall"));
  EXPECT_THAT(error_of({"--queue-capacity", "-1"}), HasSubstr("--queue-capacity is \"-1\""));
  EXPECT_THAT(vm_error("name=a"), HasSubstr("has no image"));
  EXPECT_THAT(vm_error("name"), HasSubstr("expected key=value"));
  EXPECT_THAT(vm_error("nmae=a,image=" + elf_), HasSubstr("\"nmae\" is unknown"));
  EXPECT_THAT(vm_error("memory=1T,image=" + elf_), HasSubstr("memory is \"1T\""));
  EXPECT_THAT(vm_error("vcpus=two,image=" + elf_), HasSubstr("vcpus is \"two\""));
  EXPECT_THAT(vm_error("harts=0:,image=" + elf_), HasSubstr("harts is \"\""));
  EXPECT_THAT(vm_error("name=a,linux=" + elf_), HasSubstr(elf_ + ": has no kernel header (it is an ELF)"));
  EXPECT_THAT(vm_error("sstc=yes,image=" + elf_), HasSubstr("sstc is \"yes\""));
  EXPECT_THAT(vm_error("name=a,image=nowhere"), HasSubstr("nowhere: No such file"));
}

TEST_F(BundleOptionsTest, AnImageThatDoesNotFitItsMemoryIsNamedWhateverTheOrder) {
  EXPECT_THAT(vm_error("name=a,image=" + elf_ + ",memory=4K"),
              HasSubstr("expected inside the memory of its guest"));
}

TEST_F(BundleOptionsTest, AGuestMustBeEnteredAtItsFirstByte) {
  SmallElf elf;
  elf.header.e_entry += 4;
  tests::write_file(elf_, elf.file());
  EXPECT_THAT(vm_error("name=a,image=" + elf_), HasSubstr("expected entry 0x80000000"));
}

TEST(ParseSize, UnitsArePowersOf1024) {
  EXPECT_EQ(parse_size("65536").value(), 65536u);
  EXPECT_EQ(parse_size("64K").value(), 65536u);
  EXPECT_EQ(parse_size("16M").value(), 16u << 20);
  EXPECT_EQ(parse_size("2G").value(), std::uint64_t{2} << 30);
  for (const char* wrong : {"", "M", "16m", "1.5M", "-1", "16MB", "18446744073709551616", "99999999999999G"})
    EXPECT_FALSE(parse_size(wrong)) << wrong;
}

}  // namespace
}  // namespace hvsim::sim
