// Test programs in the manner of riscv-tests, started as a test runner does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;

class HtifRun : public ::testing::Test {
 protected:
  // The exit code.
  int hvsim(const std::string& options, const std::string& elf = HVSIM_WORKLOADS "/htif_report.elf") {
    said.clear();
    const int status =
        tests::each_line("timeout 60 " HVSIM_EXECUTABLE " run --elf " + elf + " --max-cycles 1000000 --out " +
                             scratch.file("runs") + " " + options + " 2>&1",
                         [this](const std::string& line) { said += line + "\n"; });
    return status >> 8;
  }
  tests::Scratch scratch;
  std::string said;
};

TEST_F(HtifRun, APassEndsTheRunWithItsConsoleShown) {
  EXPECT_EQ(hvsim(""), 0) << said;
  EXPECT_THAT(said, HasSubstr("letters\na sentence\n"));
  EXPECT_EQ(hvsim("--set machine.harts=4 --set machine.mode=functional"), 0) << said;
}

TEST_F(HtifRun, AFailureIsExitCodeOneAndItsOwnCodeIsPrinted) {
  EXPECT_EQ(hvsim("--set machine.isa.misaligned=trap"), 1) << said;
  EXPECT_THAT(said, HasSubstr("the guest failed with code 4; the last line was: a sentence\n"))
      << "load address misaligned";
}

TEST_F(HtifRun, TheSignatureIsWrittenInLinesOfTheAskedLength) {
  const std::string file = scratch.file("signature");
  EXPECT_EQ(hvsim("--signature " + file), 0) << said;
  EXPECT_EQ(tests::slurp(file), "55667788\n11223344\n44556677\n00000005\n0000cafe\n");
  EXPECT_EQ(hvsim("--signature-granularity 8 --signature " + file), 0) << said;
  EXPECT_EQ(tests::slurp(file), "1122334455667788\n0000000544556677\n000000000000cafe\n");
  EXPECT_EQ(hvsim("--signature-granularity 16 --signature " + file), 0) << said;
  EXPECT_EQ(tests::slurp(file), "00000005445566771122334455667788\n0000000000000000000000000000cafe\n");
}

TEST_F(HtifRun, ATraceShowsWhatAtomicsStored) {
  EXPECT_EQ(hvsim("--trace --trace-output " + scratch.file("trace")), 0) << said;
  std::istringstream lines(tests::slurp(scratch.file("trace")));
  std::string added, failed;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("amoadd.w") != std::string::npos) added = line;
    if (line.find("sc.w") != std::string::npos) failed = line;
  }
  EXPECT_THAT(added, HasSubstr("]=0x5")) << "2 + 3";
  EXPECT_THAT(failed, HasSubstr("t3=0x1"));
  EXPECT_EQ(failed.find("]="), std::string::npos) << failed;
}

TEST_F(HtifRun, MistakesAreOneLine) {
  EXPECT_EQ(hvsim("--signature-granularity 6"), 2);
  EXPECT_THAT(said, HasSubstr("observe.signature_granularity: 6: expected 4, 8 or 16"));
  EXPECT_EQ(hvsim("--signature /nowhere/at/all"), 2);
  EXPECT_THAT(said, HasSubstr("expected a file that can be written"));
  EXPECT_EQ(hvsim("--signature " + scratch.file("s"), HVSIM_WORKLOADS "/hello-bare.elf"), 2);
  EXPECT_THAT(said, HasSubstr("expected the symbols begin_signature and"));
}

}  // namespace
}  // namespace hvsim::sim
