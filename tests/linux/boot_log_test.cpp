// The comparison itself: that it ignores what it must, and finds what it must.
#include "tests/linux/boot_log.h"

#include <gtest/gtest.h>

namespace hvsim::linux_boot {
namespace {

constexpr char kLog[] =
    "[    0.000000] Booting Linux on hartid 0\r\n"
    "[    0.188630] 10000000.serial: ttyS0 at MMIO 0x10000000 (irq = 12) is a 16550A\r\n"
    "\r\n"
    "guest: session done\r\n";

TEST(BootLog, TimeStampsAddressesAndCarriageReturnsDoNotCount) {
  EXPECT_EQ(compare(kLog,
                    "[    9.123456] Booting Linux on hartid 0\n"
                    "[   10.000001] 10000000.serial: ttyS0 at MMIO 0x20000 (irq = 12) is a 16550A\n"
                    "guest: session done\n",
                    {}, Order::nearby),
            "");
}

TEST(BootLog, MissingAddedAndChangedLinesAreFound) {
  EXPECT_EQ(compare(kLog,
                    "Booting Linux on hartid 1\n"
                    "10000000.serial: ttyS0 at MMIO 0x10000000 (irq = 12) is a 16550A\n"
                    "Oops\n"
                    "guest: session done\n",
                    {}, Order::nearby),
            "- Booting Linux on hartid 0\n+ Booting Linux on hartid 1\n+ Oops\n");
  EXPECT_EQ(compare(kLog, "", {}, Order::nearby).substr(0, 28), "- Booting Linux on hartid 0\n");
}

TEST(BootLog, LinesMayMoveByAFewAndFartherOnlyWhenHartsComeUpTogether) {
  std::string early = "late\n", late;
  for (int i = 0; i < 20; ++i) (early += std::to_string(i) + "\n", late += std::to_string(i) + "\n");
  EXPECT_EQ(compare("a\nb\nc\n", "b\na\nc\n", {}, Order::nearby), "");
  EXPECT_EQ(compare("a\nb\n", "b\na\na\n", {}, Order::nearby), "+ a\n");
  EXPECT_EQ(compare(early, late + "late\n", {}, Order::nearby), "- late\n+ late\n");
  EXPECT_EQ(compare(early, late + "late\n", {}, Order::any), "");
  EXPECT_EQ(compare(early, late + "late\nlate\n", {}, Order::any), "+ late\n");
}

TEST(BootLog, KnownDifferencesAreLeftOutAndThoseWithoutAUseAreNamed) {
  const std::vector<Difference> known{{"^pci ", "no PCI"}, {"^usb ", "no USB"}};
  EXPECT_EQ(compare("a\npci 0\n", "a\n", known, Order::nearby), "");
  EXPECT_EQ(compare("a\npci 0\n", "a\n [usb 1\n", known, Order::nearby), "+  [usb 1\n");
  EXPECT_EQ(unused("a\npci 0\n", "a\n", known), std::vector<std::string>{"^usb "});
}

TEST(BootLog, WhatABusyHostMakesTheReferenceSayTheOtherMachineMayNot) {
  const std::vector<Difference> known{{"^rcu: INFO", "host time", false}};
  EXPECT_EQ(compare("a\nrcu: INFO: stall\n", "a\n", known, Order::nearby), "");
  EXPECT_EQ(compare("a\n", "a\nrcu: INFO: stall\n", known, Order::nearby), "+ rcu: INFO: stall\n");
  EXPECT_EQ(compare("rcu: INFO: stall\na\n", "a\nrcu: INFO: stall\n", known, Order::nearby),
            "+ rcu: INFO: stall\n");
}

}  // namespace
}  // namespace hvsim::linux_boot
