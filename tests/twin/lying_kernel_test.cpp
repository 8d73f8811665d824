// A guest whose image looks like a booted Linux and whose page descriptors lie: introspection believes them,
// and who pays is the liar.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/hypervisor/synthetic_kernel.h"
#include "tests/support/files.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMemory = 0x80000000, kPage = 4096;
constexpr std::uint64_t kCode = 0x1800;  // in the image
constexpr std::uint64_t kUsedPage = 800;
constexpr std::uint64_t kCodePage = (hv::SyntheticKernel::kAt + kCode - kMemory) / kPage;

constexpr std::uint32_t t0 = 5, t1 = 6, t2 = 7, a0 = 10, a1 = 11, a6 = 16, a7 = 17;
constexpr std::uint32_t lui(std::uint32_t rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x37; }
constexpr std::uint32_t immediate(std::uint32_t operation, std::uint32_t rd, std::uint32_t rs,
                                  std::uint32_t value) {
  return value << 20 | rs << 15 | operation << 12 | rd << 7 | 0x13;
}
constexpr std::uint32_t addi(std::uint32_t rd, std::uint32_t rs, std::uint32_t value) {
  return immediate(0, rd, rs, value);
}
constexpr std::uint32_t kEcall = 0x73, kStay = 0x6F, kJumpToCode = 0x0010106F;
constexpr std::uint32_t sd(std::uint32_t value, std::uint32_t at) {
  return value << 20 | at << 15 | 3 << 12 | 0x23;
}
constexpr std::uint32_t ld(std::uint32_t rd, std::uint32_t at) { return at << 15 | 3 << 12 | rd << 7 | 0x03; }
constexpr std::uint32_t branch_back_if_equal(std::uint32_t a, std::uint32_t b) {  // by one instruction
  return 0xFE000EE3 | b << 20 | a << 15;
}

// It writes a word to a page that it says is free, looks at the word until that has changed, prints "lost"
// and shuts down.
hv::SyntheticKernel liar() {
  hv::SyntheticKernel kernel;
  kernel.put(0, kJumpToCode);
  std::uint64_t at = kCode;
  const auto code = [&](std::initializer_list<std::uint32_t> words) {
    for (const std::uint32_t word : words) kernel.put(at, word), at += sizeof word;
  };
  code({lui(t0, (kMemory + kUsedPage * kPage) >> 12), immediate(1, t0, t0, 32), immediate(5, t0, t0, 32),
        addi(t1, 0, 0x5A), sd(t1, t0), ld(t2, t0), branch_back_if_equal(t2, t1)});
  for (const char character : std::string("lost\n"))
    code({addi(a0, 0, static_cast<std::uint32_t>(character)), addi(a7, 0, 1), kEcall});
  code({lui(a7, 0x53525), addi(a7, a7, 0x354), addi(a6, 0, 0), addi(a0, 0, 0), addi(a1, 0, 0), kEcall,
        kStay});  // SRST
  return kernel;
}
// Beside the one page that is free; the zone's count lies, too, or nobody would believe it.
void call_free(hv::SyntheticKernel& kernel, std::uint64_t page) {
  constexpr std::uint64_t count = hv::SyntheticKernel::kNode + 32;
  kernel.put(hv::SyntheticKernel::kPages + page * 64 + 8, std::uint32_t{0xF0000000});
  kernel.put(count, std::uint64_t{2});
}

Json beside(const std::string& workload) {
  Json config = Json::parse(R"({
    "version": 1, "name": "lies",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "hypervisor": {"sharing": {"policy": "memory_map", "source": "introspection", "period_us": 500,
                               "splinter_free_pages": 1}},
    "vms": [{"name": "victim", "workload": "compute", "memory_bytes": "4MiB", "harts": [1],
             "arguments": {"crc": 20, "sort": 2, "matrix": 3, "linear": 3, "bodies": 500}},
            {"name": "liar", "memory_bytes": "4MiB", "harts": [0]}],
    "limits": {"max_cycles": 1000000000}
  })");
  config["vms"][1]["workload"] = workload;
  return config;
}
Outcome run(const hv::SyntheticKernel& kernel, const std::string& where) {
  const tests::Scratch scratch;
  const auto image = scratch.path() / "kernel.img";
  tests::write_file(image, kernel.image());
  return simulate(beside(image.string()), where);
}

// With the page called free; the victim is none the worse.
Outcome lied(std::uint64_t page, const std::string& where, int exit_code) {
  static const Outcome calm = simulate(beside("compute"), "host");
  EXPECT_EQ(calm.exit_code, 0) << calm.log;
  hv::SyntheticKernel kernel = liar();
  call_free(kernel, page);
  Outcome outcome = run(kernel, where);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.log;
  EXPECT_EQ(checksums(outcome, "victim"), checksums(calm, "victim"));
  EXPECT_FALSE(checksums(outcome, "victim").empty());
  return outcome;
}

TEST(Isolation, AKernelWhosePageDescriptorsLieLosesItsOwnDataAndNothingElse) {
  for (const std::string& where : kBuilds) {
    SCOPED_TRACE(where);
    const Outcome outcome = lied(kUsedPage, where, 0);
    EXPECT_THAT(outcome.console.at("machine"), HasSubstr("liar: memory map: its page descriptors are found"));
    EXPECT_THAT(outcome.console.at("liar"), HasSubstr("lost"));
  }
}

// The page that it executes becomes zeroes, which are no instructions.
TEST(Isolation, AKernelThatGivesItsCodeAwayEndsItself) {
  for (const std::string& where : kBuilds) {
    SCOPED_TRACE(where);
    EXPECT_THAT(lied(kCodePage, where, 1).log, HasSubstr("liar: killed"));
  }
}

}  // namespace
}  // namespace hvsim::twin
