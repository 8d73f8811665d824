// Stock Debian kernels as guests: what their BusyBox session says must not depend on what runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/linux/machines.h"
#include "tests/support/commands.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kGuest = HVSIM_SOURCE "/build/guests/debian";
constexpr std::size_t kDiskBytes = 100'000;

Json linux_guests() {
  std::ifstream file(HVSIM_SOURCE "/configs/linux-guests.json");
  Json config = Json::parse(file);
  config["extends"] = HVSIM_SOURCE "/configs/machines/cva6-like.json";
  for (Json& vm : config["vms"]) {
    vm["workload"] = (kGuest / "Image").string();
    vm["initrd"] = (kGuest / "initramfs.cpio").string();
  }
  return config;
}

// What the first process printed: no time stamps, so the same wherever the VM runs.
std::string session_of(const std::string& console) {
  std::string session;
  std::istringstream lines(console);
  bool begun = false;
  for (std::string line; std::getline(lines, line);) {
    begun |= line.starts_with("guest: first process");
    if (!begun || line.starts_with("[") || line.starts_with("processor") || line.starts_with("MemTotal") ||
        line.find("isa") != std::string::npos || line.starts_with("mmu") || line.starts_with("hart") ||
        line.starts_with("m"))
      continue;
    session += line + "\n";
  }
  return session;
}

struct LinuxGuests : testing::Test {
  fs::path disk = fs::temp_directory_path() / ("hvsim-linux-guest-disk-" + std::to_string(getpid()));

  void SetUp() override {
    const std::string problem = linux_boot::fetch_guest();
    ASSERT_EQ(problem, "");
    std::ofstream file(disk, std::ios::binary);
    for (std::size_t i = 0; i < kDiskBytes; ++i) file.put(static_cast<char>(i * i / 7));
  }
  void TearDown() override { fs::remove(disk); }

  // One VM with Sstc, a disk and one VCPU; one without Sstc and with two VCPUs.
  Json config() const {
    Json config = linux_guests();
    config["vms"][0]["disk"] = disk.string();
    config["vms"][0]["bootargs"] = config["vms"][0]["bootargs"].get<std::string>() + " what=session,disk";
    return config;
  }
  // As the guest sees it: whole sectors.
  std::string disk_hash() const {
    const std::string padded = disk.string() + ".padded";
    fs::copy_file(disk, padded, fs::copy_options::overwrite_existing);
    fs::resize_file(padded, (kDiskBytes + 511) / 512 * 512);
    std::string hash = tests::shell("sha256sum < " + padded).output.substr(0, 64);
    fs::remove(padded);
    return hash;
  }
  void check(const Outcome& outcome) const {
    ASSERT_EQ(outcome.exit_code, 0) << outcome.log;
    const std::string alpha = outcome.console.at("alpha"), beta = outcome.console.at("beta");
    EXPECT_THAT(alpha, HasSubstr("smp: Brought up 1 node, 1 CPU\n"));
    EXPECT_THAT(alpha, HasSubstr("riscv-timer: Timer interrupt in S-mode is available via sstc extension"));
    EXPECT_THAT(alpha, HasSubstr("guest: session done\n"));
    EXPECT_THAT(alpha, HasSubstr("guest: /dev/vda 100352 " + disk_hash()));
    EXPECT_THAT(beta, HasSubstr("smp: Brought up 1 node, 2 CPUs\n"));
    EXPECT_THAT(beta, HasSubstr("guest: first process on riscv64, 2 processors\n"));
    EXPECT_THAT(beta, Not(HasSubstr("via sstc extension")));
    EXPECT_THAT(beta, HasSubstr("guest: session done\n"));
    for (const std::string& console : {alpha, beta}) {
      EXPECT_THAT(console, HasSubstr("SBI specification v2.0 detected"));
      EXPECT_THAT(console, HasSubstr("is a 16550A"));
      EXPECT_THAT(console, HasSubstr("reboot: Power down"));
      EXPECT_THAT(console, Not(HasSubstr("WARNING:")));
      EXPECT_THAT(console, Not(HasSubstr("Oops")));
    }
  }
  Outcome run_and_check(const std::string& where) const {
    Outcome outcome = where == "qemu" ? qemu(config()) : simulate(config(), where);
    check(outcome);
    return outcome;
  }
};

TEST_F(LinuxGuests, RunTheSameSessionOnQemuOnTheModelledMachineAndOnTheHost) {
  const Outcome witness = run_and_check("qemu");
  if (HasFatalFailure()) return;
  for (const char* where : {"target", "host"}) {
    const Outcome outcome = run_and_check(where);
    if (HasFatalFailure()) return;
    for (const char* vm : {"alpha", "beta"}) {
      const std::string session = session_of(outcome.console.at(vm));
      EXPECT_EQ(session, session_of(witness.console.at(vm))) << where;
      EXPECT_THAT(session, HasSubstr("2000 hvsim\n"));
    }
    EXPECT_GT(outcome.exits.at("STORE_GUEST_PAGE_FAULT"), 1000u) << "their consoles are emulated";
  }
}

// Without an initramfs there is no root file system: the kernel panics and reboots.
TEST_F(LinuxGuests, OneThatPanicsEndsAloneAndAsAFailure) {
  Json config = linux_guests();
  config["vms"][0].erase("initrd");
  const Outcome outcome = simulate(config, "host");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.log;
  EXPECT_THAT(outcome.console.at("alpha"), HasSubstr("Kernel panic - not syncing: VFS"));
  EXPECT_THAT(outcome.console.at("beta"), HasSubstr("guest: session done\n"));
  EXPECT_THAT(outcome.console.at("beta"), HasSubstr("reboot: Power down"));
}

// An unmodified kernel: its page descriptors are found and its free pages shared while it works and its disk
// writes to its memory. It must not notice.
TEST_F(LinuxGuests, WhoseFreePagesAreSharedByIntrospectionSayTheSame) {
  const Outcome plain = run_and_check("qemu");
  if (HasFatalFailure()) return;
  Json sharing = config();
  sharing["hypervisor"]["sharing"] = {
      {"policy", "memory_map"}, {"source", "introspection"}, {"period_us", 100000}, {"step_gap_us", 20}};
  for (const char* where : {"target", "host"}) {
    const Outcome outcome = simulate(sharing, where);
    check(outcome);
    if (HasFatalFailure()) return;
    for (const char* vm : {"alpha", "beta"}) {
      EXPECT_EQ(session_of(outcome.console.at(vm)), session_of(plain.console.at(vm))) << where;
      EXPECT_GT(outcome.peak_saved_pages.at(vm), 32768u / 5)
          << "free memory of " << vm << " was hardly found on " << where;
    }
  }
}

// What the kernel says of its symbols itself, on QEMU: typed until its shell answers.
std::string kallsyms() {
  const std::string names = "_start|linux_banner|mem_section|node_data|swapper_pg_dir";
  const std::string typed = "echo 'grep -E \" (" + names + ")\\$\" /proc/kallsyms; exit'";
  const std::string guest = kGuest.string();
  return tests::shell("(for i in $(seq 200); do sleep 0.3; " + typed +
                      "; done) 2>/dev/null | timeout 120 qemu-system-riscv64 -M virt -cpu rv64 " +
                      "-nographic -monitor none -serial stdio -m 256M -bios " + guest +
                      "/fw_dynamic.bin -kernel " + guest + "/Image -initrd " + guest +
                      "/initramfs.cpio -append 'console=ttyS0 quiet what=shell cryptomgr.notests " +
                      "initcall_blacklist=jent_mod_init,trace_eval_init,init_trusted_keys,load_system_"
                      "certificate_list' " +
                      "2>/dev/null | grep -aoE 'f{8}[0-9a-f]{8} [A-Za-z] (" + names +
                      ")' | sort -u")  // a slow shell is typed to more than once
      .output;
}

TEST_F(LinuxGuests, AreLookedIntoByASymbolFileUnlessItIsAnotherKernels) {
  const std::string symbols = kallsyms();
  ASSERT_EQ(std::count(symbols.begin(), symbols.end(), '\n'), 5) << symbols;
  const fs::path map = disk.string() + ".System.map";
  Json config = linux_guests();
  config["vms"].erase(1);
  config["machine"]["harts"] = 1;
  config["vms"][0]["bootargs"] = config["vms"][0]["bootargs"].get<std::string>() + " quiet what=show";
  config["vms"][0]["symbols"] = map.string();
  config["hypervisor"]["sharing"] = {
      {"policy", "memory_map"}, {"source", "introspection"}, {"period_us", 20000}};

  std::ofstream(map) << symbols;
  const Outcome found = simulate(config, "host");
  ASSERT_EQ(found.exit_code, 0) << found.log;
  EXPECT_THAT(found.console.at("machine"),
              HasSubstr("alpha: memory map: its page descriptors are found and verified"));
  EXPECT_GT(found.peak_saved_pages.at("alpha"), 32768u / 5);

  std::string other = symbols;  // a build with another banner
  const auto banner = other.find(" D linux_banner");
  ASSERT_NE(banner, std::string::npos) << symbols;
  other[banner - 2] = other[banner - 2] == '8' ? '9' : '8';
  std::ofstream(map) << other;
  const Outcome declined = simulate(config, "host");
  fs::remove(map);
  ASSERT_EQ(declined.exit_code, 0) << declined.log;
  EXPECT_THAT(declined.console.at("machine"),
              HasSubstr("declined: the symbols in the configuration are those of another kernel"));
  EXPECT_EQ(declined.peak_saved_pages.at("alpha"), 0u);
}

// KVM finds out what a guest wanted of a device in this way on harts that leave htinst zero.
TEST_F(LinuxGuests, ReachTheirDevicesWhenInstructionsAreReadFromTheirMemory) {
  Json config = linux_guests();
  config["vms"].erase(0);
  config["machine"]["harts"] = 1;
  config["hypervisor"]["read_instructions"] = true;
  config["vms"][0]["bootargs"] = config["vms"][0]["bootargs"].get<std::string>() + " quiet what=show";
  for (const char* where : {"target", "host"}) {
    const Outcome outcome = simulate(config, where);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.log;
    EXPECT_THAT(outcome.console.at("beta"), HasSubstr("guest: first process on riscv64, 2 processors\n"));
  }
}

}  // namespace
}  // namespace hvsim::twin
