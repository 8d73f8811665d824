// What test suites of the community check holds with default options, as one of their runners starts it: an
// image with HTIF and no config. QEMU runs the same image; where it fails is listed with the reason.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::oracle {
namespace {

// The names of the checks that failed.
std::set<std::string> failed(const std::string& console) {
  std::set<std::string> names;
  std::istringstream lines(console);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("failed: ")) names.insert(line.substr(8, line.rfind(": ") - 8));
  return names;
}

tests::Ended on_hvsim(const std::string& options, const std::string& image = HVSIM_SUITE) {
  const tests::Scratch scratch;
  return tests::shell(std::string("timeout 100 ") + HVSIM_EXECUTABLE + " run --elf " + image +
                      " --quiet --max-cycles 200000000 --out " + scratch.file("runs") + options +
                      "; code=$?; cat " + scratch.file("runs") + "/*/console/*; exit $code");
}

TEST(Suite, PassesWithDefaultOptions) {
  for (const char* mode : {"", " --set machine.mode=detailed"}) {
    const tests::Ended ended = on_hvsim(mode);
    EXPECT_EQ(ended.code, 0) << mode << ended.output;
    EXPECT_NE(ended.output.find("suite passed"), std::string::npos) << mode << ended.output;
  }
}

// Nothing remembers translations there, which riscv-hyp-tests' hfence_test wants.
TEST(Suite, PassesInFunctionalModeButForStaleTranslations) {
  const tests::Ended ended = on_hvsim(" --set machine.mode=functional");
  EXPECT_EQ(ended.code, 1) << ended.output;
  EXPECT_EQ(failed(ended.output).size(), 4u) << ended.output;
  for (const std::string& name : failed(ended.output)) EXPECT_TRUE(name.starts_with("stale: ")) << name;
}

// Unprivileged manual, "Load-Reserved/Store-Conditional Instructions".
TEST(Suite, StoreConditionalSucceedsOnlyWhereNobodyStored) {
  for (const char* quantum : {"100", "137", "10000"})
    for (const char* mode : {"functional", "fast", "detailed"}) {
      const tests::Ended ended = on_hvsim(std::string(" --set machine.harts=2 --set machine.mode=") + mode +
                                              " --set machine.quantum_cycles=" + quantum,
                                          HVSIM_LR_SC);
      EXPECT_EQ(ended.code, 0) << mode << " " << quantum << "\n" << ended.output;
    }
}

// Sections of the privileged manual.
const std::map<std::string, const char*> kQemuFails{
    {"PMP's granularity is four bytes", "keeps all 64 bits of pmpaddr (\"PMP CSRs\": 54)"},
    {"pmpcfg0: W without R is not kept", "keeps it (\"PMP CSRs\": reserved)"},
    {"minstret: the write takes the place of its own increment", "counts host time without -icount"},
    {"hvip: all ones", "keeps bits of Smaia without Smaia"},
    {"vsie: all ones", "keeps bits of Smaia without Smaia"},
    {"all ones in mip", "keeps LCOFIP without Sscofpmf, and VS-level bits other than VSSIP"},
    {"all ones in hvip", "keeps bits of Smaia without Smaia"},
    {"sscratch in VU-mode", "an illegal instruction (\"Trap Cause Codes\" of H: a virtual one)"},
    {"hlvx by permissions", "takes HLVX for a fetch (H, \"Hypervisor Virtual-Machine Load and Store\")"},
    {"lr.w, then sc.d", "looks at the size, which the manual leaves open"},
    {"lr.d, then sc.w to its upper half", "looks at the address, which the manual leaves open"},
    {"sc.d after a store of its own hart", "looks at the value, which the manual leaves open"},
    {"sc.d without a reservation, to nowhere", "does not look (\"Zalrsc\": none retires without permission)"},
    {"sc.d without a reservation, to nowhere: the value", "the same"},
    {"cbo.clean of nothing", "does not look (\"Zicbom\", \"Traps\": store access fault)"},
    {"cbo.flush of nothing", "the same"},
    {"cbo.inval of nothing", "the same"},
    {"hedeleg: all ones", "has no bits for exceptions that it never raises (H, table of hedeleg: writable)"},
    {"mstatus.GVA without MPV", "not set for HLV (H, \"Machine Status Registers\": set)"},
    {"a D bit that cannot be set",
     "writes D where the G-stage forbids it (H, \"Two-Stage Address Translation\")"},
    {"a D bit that cannot be set: the entry", "the same"},
    {"a D bit that cannot be set: the pseudoinstruction", "the same"},
    {"stale: HS-mode's sfence.vma leaves a guest's translations", "drops all, as it may"},
    {"stale: VS-mode's sfence.vma leaves HS-mode's translations", "drops all, as it may"}};

TEST(Suite, QemuFailsWhereItIsKnownTo) {
  if (!std::filesystem::exists(HVSIM_ORACLE_SECOND_QEMU)) {
    std::puts("QEMU 10, the witness here, was not fetched (./hvsim guest fetch qemu)");
    return;
  }
  const tests::Ended ended =
      tests::shell("timeout 100 " HVSIM_ORACLE_SECOND_QEMU
                   " -M virt -cpu rv64,h=true -m 256M -display none -serial stdio -monitor none -bios none"
                   " -kernel " HVSIM_SUITE " </dev/null");
  EXPECT_NE(ended.output.find("suite failed"), std::string::npos) << ended.output;
  for (const std::string& name : failed(ended.output)) EXPECT_TRUE(kQemuFails.contains(name)) << name;
}

}  // namespace
}  // namespace hvsim::oracle
