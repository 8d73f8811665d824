// Bundles as the hypervisor will find them, read back with libfdt and dtc.
#include "sim/image/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <filesystem>

#include "sim/config_fields.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

BundleDescription two_vms() {
  BundleDescription bundle;
  bundle.delivery = hv::abi::Delivery::dlh;
  bundle.calls_per_notification = 8;
  bundle.vms.push_back({.name = "storm-0",
                        .harts = {0, 1},
                        .sstc = true,
                        .arguments = "calls=1000 seed=1",
                        .image = std::vector<std::byte>(5, std::byte{0x13})});
  bundle.vms.push_back({.name = "storm-1",
                        .memory_bytes = std::uint64_t{5} << 30,
                        .vcpus = 2,
                        .image = std::vector<std::byte>(100'000, std::byte{0x42})});
  return bundle;
}

std::string error_of(const BundleDescription& bundle) {
  const auto made = make_bundle(bundle);
  return made ? "no error" : made.error();
}

class BundleTest : public testing::Test {
 protected:
  std::string value(const char* path, const char* property) const {
    int bytes = 0;
    const void* found = fdt_getprop(bundle_.data(), fdt_path_offset(bundle_.data(), path), property, &bytes);
    if (found == nullptr) return "absent";
    return {static_cast<const char*>(found), static_cast<std::size_t>(bytes)};
  }
  std::uint64_t number(const char* path, const char* property) const {
    std::uint64_t result = 0;
    for (char each : value(path, property)) result = result << 8 | static_cast<unsigned char>(each);
    return result;
  }
  std::string text(const char* path, const char* property) const { return value(path, property).c_str(); }

  std::vector<std::byte> bundle_ = make_bundle(two_vms()).value();
};

TEST_F(BundleTest, SaysWhatItIs) {
  EXPECT_EQ(fdt_check_full(bundle_.data(), bundle_.size()), 0);
  EXPECT_EQ(text("/", "compatible"), "hvsim,bundle");
  EXPECT_EQ(number("/", "version"), 1u);
}

TEST_F(BundleTest, HoldsTheHypervisorsSettings) {
  EXPECT_EQ(text("/hypervisor", "delivery"), "dlh");
  EXPECT_EQ(number("/hypervisor", "calls-per-notification"), 8u);
  EXPECT_EQ(number("/hypervisor", "queue-capacity"), 64u);
  EXPECT_EQ(number("/hypervisor", "drain-budget-cycles"), 20000u);
  EXPECT_EQ(number("/hypervisor", "max-deferred-entries"), 4u);
  EXPECT_EQ(number("/hypervisor", "time-slice-us"), 1000u);
}

TEST_F(BundleTest, HoldsEveryVmWithItsImage) {
  EXPECT_EQ(text("/vms/vm@0", "name"), "storm-0");
  EXPECT_EQ(number("/vms/vm@0", "memory-bytes"), 16u << 20);
  EXPECT_EQ(number("/vms/vm@0", "vcpus"), 1u);
  EXPECT_EQ(number("/vms/vm@0", "harts"), 1u);  // cells 0 and 1
  EXPECT_EQ(value("/vms/vm@0", "harts").size(), 8u);
  EXPECT_EQ(number("/vms/vm@0", "sstc"), 1u);
  EXPECT_EQ(text("/vms/vm@0", "arguments"), "calls=1000 seed=1");
  EXPECT_EQ(value("/vms/vm@0", "image"), std::string(5, 0x13));
  EXPECT_EQ(number("/vms/vm@1", "memory-bytes"), std::uint64_t{5} << 30);
  EXPECT_EQ(value("/vms/vm@1", "harts"), "absent");
  EXPECT_EQ(value("/vms/vm@1", "image"), std::string(100'000, 0x42));
}

TEST_F(BundleTest, DtcReadsIt) {
  const std::string path = testing::TempDir() + "bundle.dtb";
  tests::write_file(path, bundle_);
  // Forced, because a property called "name" is not the usual thing.
  const tests::Ended dtc = tests::shell("dtc -q -f -I dtb -O dts " + path);
  std::filesystem::remove(path);
  EXPECT_EQ(dtc.code, 0);
  EXPECT_THAT(dtc.output, HasSubstr("delivery = \"dlh\""));
  EXPECT_THAT(dtc.output, HasSubstr("vm@1 {"));
}

TEST(Bundle, EqualDescriptionsMakeEqualBytes) {
  EXPECT_TRUE(make_bundle(two_vms()).value() == make_bundle(two_vms()).value());
}

TEST(Bundle, SettingsOutOfRangeAreNamed) {
  auto bundle = two_vms();
  bundle.calls_per_notification = 65;
  EXPECT_EQ(error_of(bundle), "bundle: calls per notification is 65, expected 1 to 64");
  bundle = two_vms();
  bundle.queue_capacity = 0;
  EXPECT_THAT(error_of(bundle), HasSubstr("queue capacity is 0"));
  bundle = two_vms();
  bundle.time_slice_us = 0;
  EXPECT_THAT(error_of(bundle), HasSubstr("time slice"));
  bundle.vms.clear();
  bundle.time_slice_us = 1;
  EXPECT_THAT(error_of(bundle), HasSubstr("number of VMs is 0"));
}

TEST(Bundle, VmsThatCannotBeAreNamed) {
  const auto with = [](auto change) {
    auto bundle = two_vms();
    change(bundle.vms[1]);
    return error_of(bundle);
  };
  EXPECT_THAT(with([](auto& vm) { vm.name = ""; }), HasSubstr("no name"));
  EXPECT_THAT(with([](auto& vm) { vm.vcpus = 0; }), HasSubstr("VM \"storm-1\": vcpus is 0"));
  EXPECT_THAT(with([](auto& vm) { vm.memory_bytes = 4097; }), HasSubstr("memory bytes is 4097"));
  EXPECT_THAT(with([](auto& vm) { vm.memory_bytes = ~0xFFFull; }), HasSubstr("inside 64 bits"));
  EXPECT_THAT(with([](auto& vm) { vm.memory_bytes = 4096; }), HasSubstr("image bytes is 100000"));
  EXPECT_THAT(with([](auto& vm) { vm.image.clear(); }), HasSubstr("the image is empty"));
  EXPECT_THAT(with([](auto& vm) { vm.arguments = std::string(512, 'a'); }),
              HasSubstr("length of arguments is 512"));
  EXPECT_THAT(with([](auto& vm) { vm.arguments = std::string(2, '\0'); }), HasSubstr("NUL"));
}

TEST(Bundle, DeliveriesHaveTheNamesOfTheConfiguration) {
  using hv::abi::Delivery;
  for (const Delivery delivery : {Delivery::immediate, Delivery::dlh, Delivery::multicall, Delivery::softirq,
                                  Delivery::dlh_ring, Delivery::polling, Delivery::free})
    EXPECT_EQ(hv::abi::parse_delivery(name(delivery)), delivery);
  EXPECT_EQ(hv::abi::parse_delivery("dhl"), std::nullopt);
}

}  // namespace
}  // namespace hvsim::sim
