// Stock Debian Linux on the machine: it boots, says what it says on QEMU, works, and switches the machine
// off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/linux/boot_log.h"
#include "tests/linux/machines.h"

namespace hvsim::linux_boot {
namespace {

using testing::HasSubstr;

// What the two machines rightly say differently. QEMU is version 7.2 with its default devices.
const std::vector<Difference>& known_differences() {
  static const std::vector<Difference> all{
      {"^Platform Name +:|^Machine model:", "the machines have different names"},
      {"^Firmware (Heap|Scratch) Size",
       "what OpenSBI allocates follows the numbers of counters and triggers"},
      {"^Boot HART MHPM|^Boot HART Debug Triggers|^Experimental SBI Extensions",
       "numbers of counters and triggers are the implementation's choice; DBTR needs triggers"},
      {"^Boot HART ISA Extensions|^(hart )?isa[ \\t]*:|^riscv: base ISA|^riscv: ELF cap", "other extensions"},
      {"^m(arch|imp)id", "QEMU puts its version there"},
      {"^riscv-pmu-sbi|^Legacy PMU", "other performance counters; KVM offers them where Sscofpmf is"},
      {"^Falling back to deprecated", "QEMU 7.2's device tree lacks riscv,isa-extensions"},
      {"^software IO TLB", "where Zicbom is, Linux keeps bounce buffers for what shares a cache block"},
      {"^pci", "there is no PCI host bridge"},
      {"^hrtimer: interrupt took|^clocksource: (Long|timekeeping)|hogged CPU|^rcu: (INFO|.*kthread|\t[0-9(])",
       "QEMU's time is the host's, which may be busy", false},
      {"goldfish_rtc", "the time of day"},
  };
  return all;
}

// Which of several harts wins the firmware's race to boot is chance where they run at once, as QEMU's do.
std::vector<Difference> known_differences(unsigned harts) {
  std::vector<Difference> all = known_differences();
  if (harts > 1)
    all.push_back({"^Boot HART ID|^Domain0 Boot HART|^Booting Linux on hartid", "another hart won the race"});
  return all;
}

// What the session in the initramfs computes. The same on every machine.
void expect_session(const Boot& boot, unsigned harts) {
  EXPECT_THAT(boot.console,
              HasSubstr("guest: first process on riscv64, " + std::to_string(harts) + " processors"));
  EXPECT_THAT(boot.console, HasSubstr("guest: loop 492458"));
  EXPECT_THAT(boot.console, HasSubstr("2000 hvsim"));
  EXPECT_THAT(boot.console, HasSubstr("guest: session done"));
  EXPECT_THAT(boot.console, HasSubstr("reboot: Power down"));
  EXPECT_EQ(boot.status, 0) << boot.errors;
  EXPECT_EQ(boot.broken_sums, "");
}

class LinuxBoot : public testing::Test {
 protected:
  void SetUp() override {
    const std::string problem = fetch_guest();
    ASSERT_EQ(problem, "");
  }
};

Boot expect_what_qemu_says(const Machine& machine) {
  const Boot expected = qemu(machine);
  Boot actual = simulate(machine);
  expect_session(expected, machine.harts);
  expect_session(actual, machine.harts);
  const std::vector<Difference> known = known_differences(machine.harts);
  EXPECT_EQ(compare(expected.console, actual.console, known, machine.harts == 1 ? Order::nearby : Order::any),
            "");
  EXPECT_THAT(unused(expected.console, actual.console, known), testing::IsEmpty());
  return actual;
}

TEST_F(LinuxBoot, OnOneHartItSaysWhatItSaysOnQemu) { expect_what_qemu_says({}); }

TEST_F(LinuxBoot, OnTwoHartsItSaysWhatItSaysOnQemu) { expect_what_qemu_says({.harts = 2}); }

TEST_F(LinuxBoot, WithTimingItBootsJustTheSame) { expect_session(simulate({.harts = 2, .mode = "fast"}), 2); }

TEST_F(LinuxBoot, DebiansOlderFirmwareBootsItToo) {
  expect_session(simulate({.settings = {"boot.firmware=opensbi", "machine.isa.sstc=false"}}), 1);
}

// Processor time of the whole process, so that other work on the machine counts less.
TEST_F(LinuxBoot, TakesAtMostFourTimesQemusTimeAndEightTimesWithTiming) {
  const Boot reference = qemu({}), functional = simulate({}), timed = simulate({.mode = "fast"});
  std::printf(
      "processor time: QEMU %.1f s, functional %.1f s (%.1f times), with timing %.1f s (%.1f times)\n",
      reference.seconds, functional.seconds, functional.seconds / reference.seconds, timed.seconds,
      timed.seconds / reference.seconds);
  expect_session(functional, 1);
  expect_session(timed, 1);
  EXPECT_LE(functional.seconds, 4 * reference.seconds);
  EXPECT_LE(timed.seconds, 8 * reference.seconds);
}

TEST_F(LinuxBoot, TwoRunsAreTheSame) {
  const Boot one = simulate({.harts = 2}), other = simulate({.harts = 2});
  EXPECT_EQ(one.console, other.console);
}

// Debian's own KVM and monitor run the same kernel once more: the hypervisor extension as others use it.
TEST_F(LinuxBoot, AsKvmHostItRunsItselfAndBothSayWhatTheySayOnQemu) {
  const Machine machine{.config = "linux-kvm.json"};
  const Boot expected = qemu(machine), actual = simulate(machine);
  std::printf("processor time: QEMU %.1f s, functional %.1f s (%.1f times)\n", expected.seconds,
              actual.seconds, actual.seconds / expected.seconds);
  for (const Boot& boot : {expected, actual}) {
    EXPECT_EQ(boot.status, 0) << boot.errors;
    EXPECT_THAT(boot.console, HasSubstr("hypervisor extension available"));
    EXPECT_THAT(boot.console, HasSubstr("guest: first process on riscv64, 1 processors"));
    EXPECT_THAT(boot.console, HasSubstr("guest: the guest's monitor left with 0"));
  }
  EXPECT_EQ(compare(expected.console, actual.console, known_differences(), Order::nearby), "");
  EXPECT_LE(actual.seconds, 5 * expected.seconds);
}

// HVSIM_LINUX_ALL=1 asks for all numbers of harts with all paging schemes: some minutes.
struct Variant {
  unsigned harts;
  const char* mmu;
  const char* arguments;
};

class LinuxVariant : public LinuxBoot, public testing::WithParamInterface<Variant> {};

TEST_P(LinuxVariant, BootsWithTheSchemeThatItWasTold) {
  const Variant& variant = GetParam();
  const Machine machine{.harts = variant.harts, .arguments = variant.arguments};
  EXPECT_THAT(expect_what_qemu_says(machine).console, HasSubstr(std::string("mmu\t\t: ") + variant.mmu));
}

std::vector<Variant> variants() {
  constexpr Variant kSv39{1, "sv39", "no5lvl no4lvl"};
  if (std::getenv("HVSIM_LINUX_ALL") == nullptr) return {kSv39};
  std::vector<Variant> all;
  for (const unsigned harts : {1u, 2u, 4u, 8u})
    for (const Variant& scheme : {kSv39, Variant{1, "sv48", "no5lvl"}, Variant{1, "sv57", ""}})
      all.push_back({harts, scheme.mmu, scheme.arguments});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Schemes, LinuxVariant, testing::ValuesIn(variants()), [](const auto& each) {
  return std::string(each.param.mmu) + "_" + std::to_string(each.param.harts) + "harts";
});

}  // namespace
}  // namespace hvsim::linux_boot
