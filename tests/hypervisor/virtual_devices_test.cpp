// The emulated PLIC and 16550 against their specifications, and the device tree that a VM gets.
#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstring>
#include <string>

#include "hypervisor/fdt_reader.h"
#include "hypervisor/guest_tree.h"
#include "hypervisor/virtual_plic.h"
#include "hypervisor/virtual_uart.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

constexpr std::uint64_t kPending = 0x1000, kEnable = 0x2000, kThreshold = 0x200000, kClaim = 0x200004;

constexpr std::uint64_t priority_of(unsigned source) { return std::uint64_t{4} * source; }

VirtualPlic plic_with_two_contexts() {
  VirtualPlic plic;
  plic.configure(2);
  return plic;
}

TEST(VirtualPlic, InterruptsAContextThatEnabledASourceAboveItsThreshold) {
  VirtualPlic plic = plic_with_two_contexts();
  plic.set_level(10, true);
  EXPECT_EQ(plic.read(kPending), 1u << 10);
  EXPECT_FALSE(plic.interrupts(0));
  plic.write(priority_of(10), 1);
  EXPECT_FALSE(plic.interrupts(0));
  plic.write(kEnable + 0x80, 1u << 10);
  EXPECT_FALSE(plic.interrupts(0));
  EXPECT_TRUE(plic.interrupts(1));
  plic.write(kThreshold + 0x1000, 1);
  EXPECT_FALSE(plic.interrupts(1));
}

TEST(VirtualPlic, GivesEachRequestToOneClaimAndTheNextAfterCompletion) {
  VirtualPlic plic = plic_with_two_contexts();
  plic.write(priority_of(3), 1);
  plic.write(kEnable, 1u << 3);
  plic.write(kEnable + 0x80, 1u << 3);
  plic.set_level(3, true);
  EXPECT_EQ(plic.read(kClaim), 3u);
  EXPECT_EQ(plic.read(kClaim + 0x1000), 0u);
  plic.set_level(3, true);  // still high: the gateway waits for the completion
  EXPECT_FALSE(plic.interrupts(0));
  plic.write(kClaim, 3);
  EXPECT_TRUE(plic.interrupts(0));
  EXPECT_EQ(plic.read(kClaim), 3u);
  plic.set_level(3, false);
  plic.write(kClaim, 3);
  EXPECT_FALSE(plic.interrupts(0));
}

TEST(VirtualPlic, PrefersHighPrioritiesThenLowNumbers) {
  VirtualPlic plic = plic_with_two_contexts();
  for (const unsigned source : {4u, 5u, 6u}) {
    plic.write(priority_of(source), source == 6 ? 2 : 1);
    plic.set_level(source, true);
  }
  plic.write(kEnable, 0x70);
  EXPECT_EQ(plic.read(kClaim), 6u);
  EXPECT_EQ(plic.read(kClaim), 4u);
  EXPECT_EQ(plic.read(kClaim), 5u);
  EXPECT_EQ(plic.read(kClaim), 0u);
}

TEST(VirtualPlic, IgnoresACompletionOfASourceThatTheContextHasNotEnabled) {
  VirtualPlic plic = plic_with_two_contexts();
  plic.write(priority_of(3), 1);
  plic.write(kEnable, 1u << 3);
  plic.set_level(3, true);
  EXPECT_EQ(plic.read(kClaim), 3u);
  plic.write(kClaim + 0x1000, 3);
  plic.write(kClaim, 0);
  plic.write(kClaim, 1000);
  EXPECT_FALSE(plic.interrupts(0));
  plic.write(kClaim, 3);
  EXPECT_TRUE(plic.interrupts(0));
}

TEST(VirtualPlic, HasNoSourceZeroAndNoMoreContextsThanVcpus) {
  VirtualPlic plic = plic_with_two_contexts();
  plic.write(0, 7);
  EXPECT_EQ(plic.read(0), 0u);
  plic.write(priority_of(31), 0xffffffff);
  EXPECT_EQ(plic.read(priority_of(31)), 7u);
  plic.write(priority_of(32), 7);
  EXPECT_EQ(plic.read(priority_of(32)), 0u);
  plic.write(kEnable, 0xffffffff);
  EXPECT_EQ(plic.read(kEnable), 0xfffffffeu);
  plic.write(kEnable + 0x100, 0xffffffff);
  EXPECT_EQ(plic.read(kEnable + 0x100), 0u);
  plic.write(kThreshold + 0x2000, 3);
  EXPECT_EQ(plic.read(kThreshold + 0x2000), 0u);
}

TEST(VirtualPlic, SurvivesAnyAccess) {
  VirtualPlic plic = plic_with_two_contexts();
  Random random(7);
  for (unsigned i = 0; i < 200'000; ++i) {
    const std::uint64_t offset = random() % VirtualPlic::kBytes;
    if (random() % 2 != 0)
      plic.write(offset, random());
    else
      plic.read(offset);
  }
  EXPECT_LE(plic.read(kClaim), 31u);
}

enum Register : std::uint64_t { kData, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScr };

TEST(VirtualUart, SendsAtOnceAndIsAlwaysReady) {
  VirtualUart uart;
  EXPECT_EQ(uart.read(kLsr), 0x60u);
  EXPECT_EQ(uart.write(kData, 'x'), std::optional{'x'});
  EXPECT_EQ(uart.read(kLsr), 0x60u);
}

TEST(VirtualUart, InterruptsWhenTheTransmitterIsEmptyUntilThatWasRead) {
  VirtualUart uart;
  EXPECT_FALSE(uart.interrupting());
  uart.write(kIer, 2);
  EXPECT_TRUE(uart.interrupting());
  EXPECT_EQ(uart.read(kIir) & 0xf, 2u);
  EXPECT_FALSE(uart.interrupting());
  EXPECT_EQ(uart.read(kIir) & 0xf, 1u);
  uart.write(kData, 'x');
  EXPECT_TRUE(uart.interrupting());
  uart.write(kIer, 0);
  EXPECT_FALSE(uart.interrupting());
  uart.read(kIir);
  uart.write(kIer, 2);  // drivers probe for this: enabling it interrupts again
  EXPECT_TRUE(uart.interrupting());
}

TEST(VirtualUart, SaysThatItHasFifosOnceTheyAreOn) {
  VirtualUart uart;
  EXPECT_EQ(uart.read(kIir) & 0xc0, 0u);
  uart.write(kIir, 1);
  EXPECT_EQ(uart.read(kIir) & 0xc0, 0xc0u);
}

TEST(VirtualUart, KeepsItsDivisorBehindTheLatchBit) {
  VirtualUart uart;
  uart.write(kIer, 5);
  uart.write(kLcr, 0x83);
  EXPECT_EQ(uart.write(kData, 3), std::nullopt);
  uart.write(kIer, 1);
  EXPECT_EQ(uart.read(kData), 3u);
  EXPECT_EQ(uart.read(kIer), 1u);
  uart.write(kLcr, 3);
  EXPECT_EQ(uart.read(kIer), 5u);
}

TEST(VirtualUart, LoopsCharactersAndModemLinesBack) {
  VirtualUart uart;
  EXPECT_EQ(uart.read(kMsr) & 0xb0, 0xb0u);
  uart.write(kMcr, 0x1a);
  EXPECT_EQ(uart.read(kMsr) & 0xf0, 0x90u);  // what the stock driver's probe expects
  EXPECT_EQ(uart.write(kData, 'y'), std::nullopt);
  EXPECT_EQ(uart.read(kLsr), 0x61u);
  EXPECT_EQ(uart.read(kData), static_cast<unsigned>('y'));
  EXPECT_EQ(uart.read(kLsr), 0x60u);
  EXPECT_EQ(uart.read(99), 0u);
}

GuestMachine small_machine() {
  return {.vcpus = 2,
          .timebase_hz = 10'000'000,
          .machine_isa = "rv64imafdcbhv_zicsr_zifencei_zicboz_zihpm_zba_zbb_sstc_svpbmt",
          .mmu_type = "riscv,sv48",
          .sstc = false,
          .disk = true,
          .memory_base = 0x80000000,
          .memory_bytes = 0x7ffe000,
          .initrd = 0x87000000,
          .initrd_bytes = 5,
          .bootargs = "console=ttyS0 quiet",
          .rng_seed = {}};
}

const char* text(const void* tree, const char* path, const char* name) {
  return static_cast<const char*>(fdt_getprop(tree, fdt_path_offset(tree, path), name, nullptr));
}

TEST(GuestTree, IsWellFormedForLibfdtAndForOurReader) {
  FdtBuilder builder;
  const auto tree = make_guest_tree(builder, small_machine());
  ASSERT_FALSE(tree.empty());
  EXPECT_EQ(fdt_check_full(tree.data(), tree.size()), 0);
  EXPECT_TRUE(FdtReader::open(tree));
  EXPECT_STREQ(text(tree.data(), "/chosen", "bootargs"), "console=ttyS0 quiet");
  EXPECT_STREQ(text(tree.data(), "/cpus/cpu@1", "mmu-type"), "riscv,sv48");
  EXPECT_STREQ(text(tree.data(), "/soc/serial@10000000", "compatible"), "ns16550a");
  EXPECT_GE(fdt_path_offset(tree.data(), "/soc/virtio_mmio@10001000"), 0);
  EXPECT_EQ(fdt_path_offset(tree.data(), "/cpus/cpu@2"), -FDT_ERR_NOTFOUND);
  int bytes = 0;
  const auto* contexts = static_cast<const fdt32_t*>(
      fdt_getprop(tree.data(), fdt_path_offset(tree.data(), "/soc/interrupt-controller@c000000"),
                  "interrupts-extended", &bytes));
  ASSERT_EQ(bytes, 16);
  EXPECT_EQ(fdt32_to_cpu(contexts[1]), 9u);
  EXPECT_EQ(fdt32_to_cpu(contexts[2]),
            fdt_get_phandle(tree.data(), fdt_path_offset(tree.data(), "/cpus/cpu@1/interrupt-controller")));
}

TEST(GuestTree, PromisesOnlyExtensionsThatAGuestCanHave) {
  GuestMachine machine = small_machine();
  FdtBuilder without;
  EXPECT_STREQ(text(make_guest_tree(without, machine).data(), "/cpus/cpu@0", "riscv,isa"),
               "rv64imafdc_zicsr_zifencei_zba_zbb");
  machine.sstc = true;
  FdtBuilder with;
  EXPECT_STREQ(text(make_guest_tree(with, machine).data(), "/cpus/cpu@0", "riscv,isa"),
               "rv64imafdc_zicsr_zifencei_zba_zbb_sstc");
}

TEST(GuestTree, IsRefusedWhenItDoesNotFit) {
  GuestMachine machine = small_machine();
  const std::string longest(FdtBuilder::kBytes, 'x');
  machine.bootargs = longest;
  FdtBuilder builder;
  EXPECT_TRUE(make_guest_tree(builder, machine).empty());
}

}  // namespace
}  // namespace hv
