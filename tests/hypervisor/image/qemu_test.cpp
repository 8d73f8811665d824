// The image on QEMU's virt board under OpenSBI, with guests that behave badly beside guests that behave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "sim/image/bundle.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace {

using hvsim::sim::BundleDescription;
using hvsim::sim::BundleVm;
using testing::HasSubstr;

constexpr char kFirmware[] = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";

bool qemu_is_here() {
  return std::filesystem::exists(kFirmware) && hvsim::tests::exists("qemu-system-riscv64");
}

std::vector<std::byte> probe_image() {
  std::ifstream file(PROBE_IMAGE, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

BundleVm probe(const std::string& act, std::vector<unsigned> harts = {}, unsigned vcpus = 1) {
  return {.name = act,
          .memory_bytes = 4 << 20,
          .vcpus = vcpus,
          .harts = std::move(harts),
          .sstc = false,
          .arguments = "act=" + act,
          .image = probe_image()};
}

struct Outcome {
  std::string console;
  int code;
};

Outcome boot(std::span<const std::byte> bundle, const std::string& cpu = "rv64,h=true", unsigned harts = 2) {
  const auto path = std::filesystem::temp_directory_path() / ("hvsim-bundle-" + std::to_string(getpid()));
  hvsim::tests::write_file(path, bundle);
  const std::string command = "timeout 60 qemu-system-riscv64 -M virt -m 128M -nographic -cpu " + cpu +
                              " -smp " + std::to_string(harts) + " -bios " + kFirmware +
                              " -kernel " HYPERVISOR_ELF +
                              (bundle.empty() ? "" : " -initrd " + path.string()) + " </dev/null";
  const hvsim::tests::Ended ended = hvsim::tests::shell(command);
  std::filesystem::remove(path);
  return {ended.output, ended.code};
}

Outcome boot(BundleDescription description, const std::string& cpu = "rv64,h=true", unsigned harts = 2) {
  return boot(*hvsim::sim::make_bundle(description), cpu, harts);
}

class OnQemu : public testing::Test {
 protected:
  void SetUp() override {
    if (!qemu_is_here()) GTEST_SKIP() << "needs qemu-system-riscv64 and opensbi";
  }
};

TEST_F(OnQemu, ABadGuestEndsOnlyItself) {
  BundleDescription description;
  description.delivery = hv::abi::Delivery::dlh;
  for (const char* act : {"load", "store", "fetch", "illegal", "csr", "sleep", "wild", "own_trap"})
    description.vms.push_back(probe(act));
  const Outcome outcome = boot(description);
  EXPECT_THAT(outcome.console, HasSubstr("[hv] load: killed: LOAD_GUEST_PAGE_FAULT"));
  EXPECT_THAT(outcome.console, HasSubstr("guest-physical 0x10000000,"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] store: killed: STORE_GUEST_PAGE_FAULT"));
  EXPECT_THAT(outcome.console, HasSubstr("guest-physical 0x100000,"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] fetch: killed: INST_GUEST_PAGE_FAULT at pc 0x1000,"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] illegal: killed: INST_ILLEGAL"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] csr: killed: VIRTUAL_INST_FAULT"));
  EXPECT_THAT(outcome.console, HasSubstr("[sleep] sleep ok\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] sleep: powered off, code 0\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[wild] wild calls ok\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] wild: powered off, code 0\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[own_trap] own trap ok\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[hv] own_trap: powered off, code 0\n"));
  EXPECT_EQ(outcome.code, 255);
}

TEST_F(OnQemu, TwoVcpusOfOneVmCallAtOnceInAllModes) {
  using hv::abi::Delivery;
  for (const auto delivery : {Delivery::immediate, Delivery::dlh, Delivery::multicall, Delivery::softirq,
                              Delivery::dlh_ring, Delivery::polling, Delivery::free}) {
    SCOPED_TRACE(hv::abi::kDeliveryNames[static_cast<std::size_t>(delivery)]);
    BundleDescription description;
    description.delivery = delivery;
    description.queue_capacity = 8;
    description.drain_budget_cycles = 2000;
    description.time_slice_us = 200;
    description.vms = {probe("two_vcpus", {}, 2), probe("flood")};
    const Outcome outcome = boot(description, "rv64,h=true", delivery == Delivery::polling ? 3 : 2);
    EXPECT_THAT(outcome.console, HasSubstr("[two_vcpus] two VCPUs ok\n"));
    EXPECT_THAT(outcome.console, HasSubstr("[flood] flood ok\n"));
    EXPECT_EQ(outcome.code, 0);
  }
}

TEST_F(OnQemu, SixtyFourVmsOfFourVcpusRunOnSixteenHarts) {
  BundleDescription description;
  description.delivery = hv::abi::Delivery::dlh;
  for (unsigned vm = 0; vm < 64; ++vm) {
    description.vms.push_back(probe(vm % 8 == 0 ? "two_vcpus" : "sleep", {}, 4));
    description.vms.back().name = "vm" + std::to_string(vm);
    description.vms.back().memory_bytes = 1 << 20;
  }
  const Outcome outcome = boot(description, "rv64,h=true", 16);
  for (unsigned vm = 0; vm < 64; ++vm)
    EXPECT_THAT(outcome.console, HasSubstr("[vm" + std::to_string(vm) + "] " +
                                           (vm % 8 == 0 ? "two VCPUs" : "sleep") + " ok\n"));
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(OnQemu, RubbishInItsRingsHurtsNobodyElse) {
  using hv::abi::Delivery;
  for (const auto delivery : {Delivery::dlh_ring, Delivery::polling}) {
    BundleDescription description;
    description.delivery = delivery;
    description.queue_capacity = 64;
    description.time_slice_us = 200;
    description.print_statistics = true;
    description.vms = {probe("scribble"), probe("two_vcpus", {}, 2)};
    const Outcome outcome = boot(description, "rv64,h=true", 3);
    EXPECT_THAT(outcome.console, HasSubstr("scribbled ok\n"));  // behind what its rings made it print
    EXPECT_THAT(outcome.console, HasSubstr("[hv] scribble: powered off, code 0\n"));
    EXPECT_THAT(outcome.console, HasSubstr("[two_vcpus] two VCPUs ok\n"));
    EXPECT_THAT(outcome.console, Not(testing::ContainsRegex("statistics scribble [^\n]*ring_errors=0 ")));
    EXPECT_THAT(outcome.console, testing::ContainsRegex("statistics two_vcpus [^\n]*ring_errors=0 "));
    EXPECT_EQ(outcome.code, 0);
  }
}

TEST_F(OnQemu, RunsWithoutSstcAndOnOneHart) {
  BundleDescription description;
  description.vms = {probe("sleep"), probe("wild"), probe("two_vcpus", {}, 2)};
  const Outcome outcome = boot(description, "rv64,h=true,sstc=false", 1);
  EXPECT_THAT(outcome.console, HasSubstr("[sleep] sleep ok\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[wild] wild calls ok\n"));
  EXPECT_THAT(outcome.console, HasSubstr("[two_vcpus] two VCPUs ok\n"));
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(OnQemu, SaysWhyItCannotStart) {
  const Outcome none = boot(std::span<const std::byte>{});
  EXPECT_THAT(none.console, HasSubstr("[hv] cannot start: no bundle of VMs: pass one as the initrd\n"));
  EXPECT_EQ(none.code, 2);
  const Outcome garbage = boot(std::vector<std::byte>(4096, std::byte{0xd0}));
  EXPECT_THAT(garbage.console,
              HasSubstr("[hv] cannot start: bundle: not a flattened device tree, or cut short\n"));
  EXPECT_EQ(garbage.code, 2);
}

}  // namespace
