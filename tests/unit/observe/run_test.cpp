// --explain and --trace on whole runs, against QEMU's log of the same image.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sim/json_document.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;
using tests::each_line;

constexpr char kHello[] = HVSIM_WORKLOADS "/hello-bare.elf";

struct Ran {
  std::string standard_output, standard_error;
};

Ran hvsim(const tests::Scratch& scratch, const std::string& options) {
  Ran ran;
  each_line("HVSIM_IMAGES=" HVSIM_IMAGE_DIRECTORIES " timeout 120 " HVSIM_EXECUTABLE " run " + options +
                " --out " + scratch.file("runs") + " 2>" + scratch.file("err"),
            [&ran](const std::string& line) { ran.standard_output += line + "\n"; });
  ran.standard_error = tests::slurp(scratch.file("err"));
  return ran;
}

std::vector<Json> json_lines(const std::string& file) {
  std::vector<Json> all;
  std::istringstream text(tests::slurp(file));
  for (std::string line; std::getline(text, line);) all.push_back(Json::parse(line));
  return all;
}

struct Exception {
  unsigned code;
  std::uint64_t pc, value;
  friend bool operator==(const Exception&, const Exception&) = default;
  friend void PrintTo(const Exception& e, std::ostream* out) {
    *out << "cause " << e.code << std::hex << " pc " << e.pc << " tval " << e.value << std::dec;
  }
};

std::vector<Exception> qemu_exceptions(const tests::Scratch& scratch) {
  const std::string log = scratch.file("qemu.log");
  const std::string command =
      "timeout 60 qemu-system-riscv64 -M virt -cpu rv64,h=true -m 256M -bios none -nographic -kernel " +
      std::string(kHello) + " -d int -D " + log + " </dev/null >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) return {};
  std::vector<Exception> all;
  std::istringstream text(tests::slurp(log));
  for (std::string line; std::getline(text, line);) {
    unsigned hart = 0, interrupt = 0;
    unsigned long long cause = 0, pc = 0, value = 0;
    const auto at = line.find("hart:");
    if (at == std::string::npos ||
        std::sscanf(line.c_str() + at, "hart:%u, async:%u, cause:%llx, epc:0x%llx, tval:0x%llx", &hart,
                    &interrupt, &cause, &pc, &value) != 5 ||
        interrupt != 0)
      continue;
    all.push_back({static_cast<unsigned>(cause), pc, value});
  }
  return all;
}

TEST(ObservedRun, ExplainsTheExceptionsThatQemuLogs) {
  if (!tests::exists("qemu-system-riscv64")) GTEST_SKIP() << "qemu-system-riscv64 is not installed";
  const tests::Scratch scratch;
  hvsim(scratch, std::string("--elf ") + kHello +
                     " --explain=cause=exception --observe-format json --explain-output " +
                     scratch.file("traps"));
  std::vector<Exception> ours;
  for (const Json& trap : json_lines(scratch.file("traps"))) {
    const std::string prefix = trap["to"] == "M" ? "m" : "s";
    ours.push_back({trap["code"].get<unsigned>(),
                    std::stoull(trap["pc"]["address"].get<std::string>(), nullptr, 16),
                    std::stoull(trap["written"][prefix + "tval"].get<std::string>(), nullptr, 16)});
  }
  const std::vector<Exception> theirs = qemu_exceptions(scratch);
  EXPECT_GT(theirs.size(), 10u);
  EXPECT_EQ(ours, theirs);
}

TEST(ObservedRun, NamesFunctionsAndSourceLines) {
  const tests::Scratch scratch;
  const Ran ran =
      hvsim(scratch, std::string("--elf ") + kHello + " --explain=cause=page_fault,count=1 --quiet");
  EXPECT_THAT(ran.standard_error, HasSubstr("page fault"));
  EXPECT_THAT(ran.standard_error, HasSubstr("workloads/hello/main.cpp:"));
  EXPECT_THAT(ran.standard_error,
              ::testing::ContainsRegex("at +0x[0-9a-f]+ <[a-zA-Z_0-9]+(\\+0x[0-9a-f]+)?>  "));
}

std::string hash_of(const Ran& ran) { return Json::parse(ran.standard_output)["runs"][0]["result_hash"]; }

TEST(ObservedRun, HasTheResultOfARunThatNobodyWatches) {
  const tests::Scratch scratch;
  const std::string run = std::string("--elf ") + kHello + " --json";
  const std::string plain = hash_of(hvsim(scratch, run));
  const std::string files = " --explain-output " + scratch.file("e") + " --trace-output " + scratch.file("t");
  EXPECT_EQ(hash_of(hvsim(scratch, run + " --explain" + files)), plain);
  EXPECT_EQ(hash_of(hvsim(scratch, run + " --explain --trace=count=1000" + files)), plain);
  EXPECT_GT(tests::slurp(scratch.file("e")).size(), 1000u);
}

TEST(ObservedRun, TracesFromASymbolOn) {
  const tests::Scratch scratch;
  hvsim(scratch, std::string("--elf ") + kHello +
                     " --trace=start=monitor_entry,count=50 --observe-format json --trace-output " +
                     scratch.file("t"));
  const std::vector<Json> steps = json_lines(scratch.file("t"));
  ASSERT_EQ(steps.size(), 50u);
  EXPECT_EQ(steps[0]["symbol"], "monitor_entry");
  EXPECT_EQ(steps[0]["pc"], "0x80000000");
  for (std::size_t i = 1; i < steps.size(); ++i)
    EXPECT_EQ(steps[i]["instruction_count"].get<std::uint64_t>(),
              steps[i - 1]["instruction_count"].get<std::uint64_t>() + 1);
}

std::string guests_config(const std::string& run) {
  return R"({"version": 1, "name": "t", "machine": {"mode": "functional", "memory_bytes": "64MiB"},
    "hypervisor": {"run": ")" +
         run + R"("}, "vms": [{"name": "guest", "workload": "hello", "memory_bytes": "8MiB"}]})";
}

TEST(ObservedRun, SaysWhenTheHypervisorIsNative) {
  const tests::Scratch scratch;
  std::ofstream(scratch.file("c.json")) << guests_config("host");
  const Ran ran = hvsim(scratch, scratch.file("c.json") + " --explain=cause=ecall_from_vs,count=1 --quiet");
  EXPECT_THAT(ran.standard_error, HasSubstr("environment call from VS-mode (10), VS -> HS"));
  EXPECT_THAT(ran.standard_error, HasSubstr("guest VCPU 0"));
  EXPECT_THAT(ran.standard_error, HasSubstr("the hypervisor, which runs natively"));
}

TEST(ObservedRun, NamesTheHypervisorsHandlerOnTheTarget) {
  const tests::Scratch scratch;
  std::ofstream(scratch.file("c.json")) << guests_config("target");
  const Ran ran = hvsim(
      scratch, scratch.file("c.json") + " --explain=mode=VS,vm=guest,cause=ecall_from_vs,count=1 --quiet");
  EXPECT_THAT(ran.standard_error, HasSubstr("next         HS at 0x8020"));
  EXPECT_THAT(ran.standard_error, HasSubstr("hypervisor/arch/riscv/"));
}

TEST(ObservedRun, MistakesInFiltersAreToldBeforeAnythingRuns) {
  const tests::Scratch scratch;
  const std::string run = std::string("--elf ") + kHello;
  EXPECT_EQ(hvsim(scratch, run + " --explain=mode=X").standard_error,
            "--explain: observe.explain: \"X\": expected a mode: M, HS, U, VS or VU\n");
  EXPECT_THAT(hvsim(scratch, run + " --trace=start=guest_mian").standard_error,
              HasSubstr("observe.trace: \"guest_mian\": no image has a symbol of that name, did you mean"));
  EXPECT_THAT(hvsim(scratch, run + " --explain --explain-output /nowhere/f").standard_error,
              HasSubstr("observe.explain_output: \"/nowhere/f\": No such file or directory"));
}

}  // namespace
}  // namespace hvsim::sim
