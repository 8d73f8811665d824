// What the images print on QEMU against what the host's compiler computes from the same arguments.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/abi/hypercall.h"
#include "tests/support/commands.h"
#include "workloads/compute/kernel.h"
#include "workloads/hello/kernel.h"
#include "workloads/hypercall_storm/kernel.h"
#include "workloads/memory_walk/kernel.h"
#include "workloads/runtime/arguments.h"
#include "workloads/timer_ticks/kernel.h"

namespace {

using hvsim::tests::Ended;

std::string hex(std::uint64_t value) {
  std::array<char, 17> text;
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

class WorkloadOnQemu : public testing::Test {
 protected:
  void SetUp() override {
    if (!hvsim::tests::exists("qemu-system-riscv64")) GTEST_SKIP() << "qemu-system-riscv64 is not installed";
    if (!std::filesystem::exists(HVSIM_WORKLOADS "/hello-bare.elf"))
      GTEST_SKIP() << "the RISC-V images are not built";
  }

  static Ended run(const std::string& workload, const std::string& arguments) {
    return hvsim::tests::shell(
        "timeout 120 qemu-system-riscv64 -M virt -m 64M -bios none -nographic -kernel '" HVSIM_WORKLOADS "/" +
        workload + "-bare.elf' -append '" + arguments + "' </dev/null");
  }

  // The image must print `line` and power off with 0.
  static void expect_line(const std::string& workload, const std::string& arguments,
                          const std::string& line) {
    const Ended outcome = run(workload, arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(("\n" + outcome.output).find("\n" + line + "\n"), std::string::npos)
        << workload << " " << arguments << ": expected " << line << " in\n"
        << outcome.output;
  }
};

const auto kSilent = [](std::uint64_t) {};

TEST_F(WorkloadOnQemu, HelloPrintsTheHostsChecksum) {
  guest::Arguments arguments{"seed=77"};
  expect_line("hello", "seed=77",
              "checksum " + hex(workload::hello::checksum(workload::hello::seed(arguments))));
}

TEST_F(WorkloadOnQemu, ComputePrintsTheHostsChecksumOfEachPart) {
  for (const std::string text : {"", "seed=9 crc=3 sort=2 matrix=2 linear=3 bodies=500"}) {
    guest::Arguments arguments{text};
    const auto storage = std::make_unique<workload::compute::Storage>();
    const auto report = workload::compute::run(workload::compute::parameters(arguments), *storage, kSilent);
    expect_line("compute", text,
                "crc " + hex(report.crc) + "\nsort " + hex(report.sort) + "\nmatrix " + hex(report.matrix) +
                    "\nlinear " + hex(report.linear) + "\nbodies " + hex(report.bodies) + "\nchecksum " +
                    hex(report.checksum()));
  }
}

TEST_F(WorkloadOnQemu, MemoryWalkPrintsTheHostsChecksumForBothPageSizes) {
  for (const std::string text : {"", "bytes=2097152 page_bytes=2097152 stride=64 passes=2 seed=4",
                                 "bytes=12288 stride=8192 passes=3 chase=1000"}) {
    guest::Arguments arguments{text};
    const auto parameters = workload::memory_walk::parameters(arguments);
    std::vector<std::uint64_t> words(parameters.bytes / 8);
    const auto report = workload::memory_walk::run(parameters, words, kSilent);
    expect_line("memory_walk", text, "checksum " + hex(report.checksum));
  }
}

TEST_F(WorkloadOnQemu, TimerTicksPrintTheHostsChecksumWithBothTimers) {
  const std::string text = "hz=2000 ticks=30 work=5000 seed=2";
  guest::Arguments arguments{text};
  const auto parameters = workload::timer_ticks::parameters(arguments);
  const std::string lines = "ticks 30\nchecksum " + hex(workload::timer_ticks::run(parameters, kSilent));
  expect_line("timer_ticks", text, lines);
  expect_line("timer_ticks", text + " bare.sstc=1", lines);
}

// The calls of one VM alone, answered as the contract says.
struct HostCalls {
  static bool has_peers() { return false; }
  static void work_done(std::uint64_t) {}
  static std::uint64_t query(std::uint64_t length) { return hv::abi::routine_value(length); }
  static void statistics_update(std::uint64_t, std::uint64_t) {}
  static void routine(std::uint64_t) {}
  static void event_send(std::uint64_t) {}
  static void console_write(std::uint64_t) {}
  static void sleep(std::uint64_t) {}
};

TEST_F(WorkloadOnQemu, HypercallStormPrintsTheHostsChecksumHoweverCallsAreDelivered) {
  namespace storm = workload::hypercall_storm;
  const std::string text = "iterations=150 work=4 deferrable_percent=60 seed=11";
  guest::Arguments arguments{text};
  HostCalls calls;
  const storm::Report report = storm::run(storm::parameters(arguments), calls);
  for (const std::string delivery : {"", " bare.calls_per_notification=1", " bare.calls_per_notification=8",
                                     " bare.calls_per_notification=64"}) {
    expect_line("hypercall_storm", text + delivery, "checksum " + hex(report.checksum));
    expect_line("hypercall_storm", text + delivery,
                "calls query " + std::to_string(report.calls[0]) + " statistics_update " +
                    std::to_string(report.calls[1]) + " routine " + std::to_string(report.calls[2]) +
                    " event_send 0 console_write " + std::to_string(report.calls[4]));
  }
}

TEST_F(WorkloadOnQemu, WrongArgumentsEndWithALineAndCodeTwo) {
  for (const char* text : {"iterations=0", "iterations=many", "speed=1", "loud"}) {
    const Ended outcome = run("hypercall_storm", text);
    EXPECT_EQ(outcome.code, 2) << text;
    EXPECT_EQ(outcome.output.find(std::string("error: argument ") + text), 0u) << outcome.output;
  }
}

TEST_F(WorkloadOnQemu, MemoryThatDoesNotFitEndsWithALineAndCodeTwo) {
  const Ended outcome = run("memory_walk", "bytes=1073741824");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.output.find("error: bytes= needs more memory"), 0u) << outcome.output;
}

}  // namespace
