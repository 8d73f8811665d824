// A kernel that starts in machine mode without firmware, as those of courses do, runs its programs from a
// virtio disk and says what it says on QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/commands.h"
#include "tests/support/files.h"
#include "tests/support/saved_runs.h"
#include "tests/support/sums.h"

namespace hvsim::teaching {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using tests::quoted;

const std::string kConfig = HVSIM_SOURCE "/configs/teaching-kernel.json";
const std::string kKernel = HVSIM_WORKLOADS "/teaching_kernel.elf";
const std::string kDisk = HVSIM_WORKLOADS "/teaching_kernel/disk.img";

// What is typed, a line at each prompt. Three harts work on `harts 3` until each has run processes.
std::vector<std::string> session(unsigned harts) {
  return {"ls", "check", "primes 5", "disk 5", "harts " + std::to_string(harts), "nonsense", "off"};
}

struct Session {
  int status = -1;
  std::string console, errors;
  Json stats{};
};

Session simulate(unsigned harts, const std::vector<std::string>& settings = {}) {
  Json script = Json::array();
  for (const std::string& line : session(harts)) script.push_back({{"expect", "$ "}, {"send", line + "\n"}});
  const tests::Scratch scratch;
  std::string command = quoted(HVSIM_EXECUTABLE) + " run " + quoted(kConfig) + " --quiet --out " +
                        quoted(scratch.path()) + " --set machine.harts=" + std::to_string(harts) + " --set " +
                        quoted("machine.console.script=" + script.dump()) + " --set " +
                        quoted("machine.devices.block[0].file=" + kDisk);
  for (const std::string& setting : settings) command += " --set " + quoted(setting);
  const tests::Ended ended = tests::shell("timeout 300 " + command);
  Session run{.status = ended.code, .console = {}, .errors = ended.output};
  for (const auto& directory : fs::directory_iterator(scratch.path())) {
    run.console = tests::slurp(directory.path() / "console" / "machine.log");
    run.stats = Json::parse(tests::slurp(directory.path() / "stats.json"));
    EXPECT_EQ(tests::Sums(run.stats).broken(), "");
  }
  return run;
}

// Typed once the kernel asks: what comes before it has started the UART may be lost.
Session qemu(unsigned harts, const std::string& processor) {
  const tests::Scratch scratch;
  const std::string log = scratch.file("log"), typed = scratch.file("typed");
  std::ofstream lines(typed);
  for (const std::string& line : session(harts)) lines << line << "\n";
  lines.close();
  const std::string type =
      "(timeout 100 sh -c \"until grep -qF '$ ' " + log + "; do sleep 0.1; done\"; cat " + typed + ")";
  const tests::Ended ended = tests::shell(
      type + " | timeout 100 qemu-system-riscv64 -machine virt -cpu " + processor + " -bios none -smp " +
      std::to_string(harts) + " -m 128M -display none -monitor none -serial stdio -kernel " + kKernel +
      " -global virtio-mmio.force-legacy=false -drive file=" + kDisk +
      ",if=none,format=raw,id=x0,snapshot=on -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0 >" +
      log);
  return {.status = ended.code, .console = tests::slurp(log), .errors = ended.output};
}

// Processes on several harts print in any order, but whole lines.
std::vector<std::string> sorted_lines(const std::string& console) {
  std::vector<std::string> lines;
  std::istringstream in(console);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line.substr(0, line.find_last_not_of('\r') + 1));
  std::ranges::sort(lines);
  return lines;
}

void expect_session(const Session& run, unsigned harts, const std::string& ticks) {
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.console, HasSubstr("kernel: ticks from " + ticks));
  EXPECT_THAT(run.console, HasSubstr("primes: 3245 in all"));
  EXPECT_THAT(run.console, HasSubstr("disk: a block past the end is refused"));
  EXPECT_THAT(run.console, HasSubstr("harts: " + std::to_string(harts) + " have run processes"));
  EXPECT_THAT(run.console, HasSubstr("shell: there is no program nonsense"));
  EXPECT_THAT(run.console, HasSubstr("init: the shell ended with 0"));
  EXPECT_THAT(run.console, Not(HasSubstr("NOT")));
}

TEST(TeachingKernel, OnThreeHartsWithSstcItSaysWhatItSaysOnQemu) {
  const Session expected = qemu(3, "rv64");
  expect_session(expected, 3, "stimecmp");
  for (const char* mode : {"functional", "fast", "detailed"}) {
    SCOPED_TRACE(mode);
    const Session actual = simulate(3, {std::string("machine.mode=") + mode});
    expect_session(actual, 3, "stimecmp");
    EXPECT_EQ(sorted_lines(actual.console), sorted_lines(expected.console));
  }
}

TEST(TeachingKernel, OnThreeHartsWithTheClintsTimerItSaysWhatItSaysOnQemu) {
  const Session expected = qemu(3, "rv64,sstc=off");
  expect_session(expected, 3, "machine mode");
  for (const char* mode : {"functional", "fast"}) {
    SCOPED_TRACE(mode);
    const Session actual = simulate(3, {std::string("machine.mode=") + mode, "machine.isa.sstc=false"});
    expect_session(actual, 3, "machine mode");
    EXPECT_EQ(sorted_lines(actual.console), sorted_lines(expected.console));
  }
}

TEST(TeachingKernel, OnOneHartItSaysWhatItSaysOnQemu) {
  const Session expected = qemu(1, "rv64");
  expect_session(expected, 1, "stimecmp");
  const Session actual = simulate(1);
  expect_session(actual, 1, "stimecmp");
  EXPECT_EQ(sorted_lines(actual.console), sorted_lines(expected.console));
  expect_session(simulate(1, {"machine.isa.sstc=false", "machine.mode=fast"}), 1, "machine mode");
}

TEST(TeachingKernel, WritesGoToTheOverlayAndEachHartTakesItsInterrupts) {
  const std::string before = tests::slurp(kDisk);
  const Session run = simulate(3);
  EXPECT_EQ(tests::slurp(kDisk) == before, true) << "the disk's file has changed";
  const Json& disk = run.stats.at("disks").at(0);
  EXPECT_EQ(disk.at("writes"), 5 * 3);
  EXPECT_EQ(disk.at("bytes_written"), 5 * 3 * 4096);
  EXPECT_EQ(disk.at("errors"), 1);  // the block past the end
  for (unsigned hart = 0; hart < 3; ++hart)
    EXPECT_TRUE(std::ranges::any_of(run.stats.at("traps"),
                                    [hart](const Json& trap) {
                                      return trap.at("hart") == hart && trap.at("cause") == "IRQ_S_TIMER" &&
                                             trap.at("from") == "U";
                                    }))
        << "no process was preempted on hart " << hart;
}

// What the other tests look for is found where it is wrong.
TEST(TeachingKernel, ADiskThatRefusesWritesIsNoticed) {
  const Session run = simulate(3, {"machine.devices.block[0].access=read_only"});
  EXPECT_THAT(run.console, HasSubstr("disk: process 0 does NOT read what it wrote"));
  EXPECT_THAT(run.console, HasSubstr("shell: disk ended with 00000001"));
}

TEST(TeachingKernel, SavedInTheMiddleItGoesOnAsIfNothingHadHappened) {
  tests::SavedRuns runs(HVSIM_EXECUTABLE);
  const std::string disk = " --set " + quoted("machine.devices.block[0].file=" + kDisk);
  runs.expect_no_difference(kConfig, "--set machine.mode=fast" + disk, {150, 500, 850});
}

}  // namespace
}  // namespace hvsim::teaching
