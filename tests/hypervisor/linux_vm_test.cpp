// A VM that boots Linux: where things lie, and its devices as its VCPUs reach them by faults.
#include <cstring>
#include <string>

#include "hypervisor/fdt_reader.h"
#include "hypervisor/guest_tree.h"
#include "hypervisor/linux_image.h"
#include "tests/hypervisor/bench.h"

namespace hv {
namespace {

constexpr std::uint64_t kVssip = 4, kVseip = 1024;
constexpr std::uint64_t kPlicEnable = kGuestPlic + 0x2000, kPlicClaim = kGuestPlic + 0x200004;
constexpr std::uint64_t kKernel = 0x80200000;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

// Linux, Documentation/arch/riscv/boot-image-header: offset at 8, size at 16, flags at 24, "RSC\5" at 56.
std::vector<std::byte> kernel(std::uint64_t offset = 0x200000, std::uint64_t bytes = 0x10000,
                              std::uint64_t flags = 0) {
  std::vector<std::byte> image(4096, std::byte{0x13});
  std::memcpy(&image[8], &offset, 8);
  std::memcpy(&image[16], &bytes, 8);
  std::memcpy(&image[24], &flags, 8);
  std::memcpy(&image[56], "RSC\5", 4);
  return image;
}

BundleVm linux_vm(const std::string& name, unsigned vcpus = 1) {
  return {.name = name,
          .memory_bytes = 4 << 20,
          .vcpus = vcpus,
          .image = kernel(),
          .linux_boot = true,
          .bootargs = "quiet",
          .initrd = bytes_of("initial files")};
}

BundleDescription of(std::vector<BundleVm> vms) {
  BundleDescription description;
  description.vms = std::move(vms);
  return description;
}

struct Devices : testing::Test {
  Bench bench{2};
  Devices() { bench.start(of({linux_vm("lin", 2), small_vm("other", 1, {1})})); }

  // lw a1 / sw a1, as htinst shows them; lb and sb for the 16550.
  std::uint64_t load(unsigned hart, std::uint64_t at, unsigned bytes = 4) {
    Vcpu& vcpu = *bench.on[hart];
    bench.exit(hart, make_exit(21, at & 3, at >> 2, bytes == 1 ? 0x00004583 : 0x00006583));
    return vcpu.general.x[11];
  }
  void store(unsigned hart, std::uint64_t at, std::uint64_t value, unsigned bytes = 4) {
    bench.on[hart]->general.x[11] = value;
    bench.exit(hart, make_exit(23, at & 3, at >> 2, bytes == 1 ? 0x00b00023 : 0x00b02023));
  }
  void route_uart(unsigned hart, unsigned context) {
    store(hart, kGuestPlic + std::uint64_t{4} * kUartInterrupt, 1);
    store(hart, kPlicEnable + std::uint64_t{0x80} * context, 1u << kUartInterrupt);
  }
};

// The one reader of the header, for the simulator's loader too: whatever the bytes say.
TEST(LinuxHeader, IsReadAsItStands) {
  const auto header = LinuxHeader::read(kernel(0x1122334455667788, 0x99AABBCCDDEEFF00, 0x0123456789ABCDEF));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->offset, 0x1122334455667788u);
  EXPECT_EQ(header->image_bytes, 0x99AABBCCDDEEFF00u);
  EXPECT_EQ(header->flags, 0x0123456789ABCDEFu);
  EXPECT_EQ(header->magic, LinuxHeader::kRiscv);
  const auto image = kernel();
  EXPECT_TRUE(LinuxHeader::read(std::span(image).first(64)));
  EXPECT_FALSE(LinuxHeader::read(std::span(image).first(63)));
  EXPECT_FALSE(LinuxHeader::read({}));
}

TEST(LinuxImage, IsKnownByItsHeader) {
  EXPECT_EQ(read_linux_image(kernel())->offset, 0x200000u);
  EXPECT_EQ(read_linux_image(kernel())->bytes, 0x10000u);
  auto other = kernel();
  other[56] = std::byte{'A'};
  EXPECT_FALSE(read_linux_image(other));
  EXPECT_FALSE(read_linux_image(std::span(other).first(63)));
  EXPECT_FALSE(read_linux_image(kernel(0x1000)));                // misaligned
  EXPECT_FALSE(read_linux_image(kernel(0x200000, 100)));         // less than the file
  EXPECT_FALSE(read_linux_image(kernel(0x200000, 0x10000, 1)));  // big endian
  EXPECT_FALSE(read_linux_image(kernel(~std::uint64_t{0x1fffff})));
}

TEST_F(Devices, LinuxStartsWithItsNumberAndItsTree) {
  const Vcpu& vcpu = *bench.on[0];
  EXPECT_EQ(vcpu.general.sepc, kKernel);
  EXPECT_EQ(vcpu.general.x[10], 0u);
  std::vector<std::byte> blob(FdtBuilder::kBytes);
  bench.harts[0].copy_in(blob.data(), bench.host_address(0, vcpu.general.x[11]), blob.size());
  const auto tree = FdtReader::open(blob);
  ASSERT_TRUE(tree);
  const auto chosen = *tree->child(tree->root(), "chosen");
  EXPECT_EQ(tree->text(chosen, "bootargs"), "quiet");
  const std::uint64_t start = *tree->number(chosen, "linux,initrd-start");
  EXPECT_EQ(*tree->number(chosen, "linux,initrd-end") - start, 13u);
  char initrd[14] = {};
  bench.harts[0].copy_in(initrd, bench.host_address(0, start), 13);
  EXPECT_STREQ(initrd, "initial files");
  std::byte first{};
  bench.harts[0].copy_in(&first, bench.host_address(0, kKernel), 1);
  EXPECT_EQ(first, std::byte{0x13});
}

TEST(LinuxVm, SaysWhatDoesNotFit) {
  Bench bench;
  BundleVm small = linux_vm("small");
  small.image = kernel(0x200000, 2 << 20);
  EXPECT_EQ(bench.boot(of({small})), "small: memory-bytes is too small for the kernel and its initrd");
  BundleVm none = linux_vm("none");
  none.image[56] = std::byte{0};
  EXPECT_EQ(Bench().boot(of({none})), "none: the image is no RISC-V Linux Image");
  BundleVm large = linux_vm("large");
  large.disk.resize(20 << 20);
  EXPECT_EQ(Bench().boot(of({large})), "large: not enough memory for its disk");
}

TEST_F(Devices, AnAccessIsPerformedAndStepsOverItsInstruction) {
  Vcpu& vcpu = *bench.on[0];
  EXPECT_EQ(load(0, kGuestUart + 5, 1), 0x60u);
  EXPECT_EQ(vcpu.general.sepc, kKernel + 4);
  for (const char c : std::string("hello\n")) store(0, kGuestUart, static_cast<std::uint64_t>(c), 1);
  EXPECT_EQ(bench.machine.console, "[lin] hello\n");
  bench.exit(0, make_exit(21, 1, (kGuestUart + 4) >> 2, 0x00004581));  // c.lbu a1: two bytes
  EXPECT_EQ(vcpu.general.sepc, kKernel + 30);
}

TEST_F(Devices, TheInstructionIsReadWhenTheHartDoesNotTell) {
  bench.harts[0].instruction = 0x00f70023;  // sb a5,0(a4)
  bench.on[0]->general.x[15] = '!';
  bench.exit(0, make_exit(23, 0, kGuestUart >> 2, 0));
  store(0, kGuestUart, '\n', 1);
  EXPECT_EQ(bench.machine.console, "[lin] !\n");
  bench.harts[0].instruction = std::nullopt;  // its page is gone meanwhile
  bench.exit(0, make_exit(23, 0, kGuestUart >> 2, 0));
  EXPECT_NE(bench.machine.console.find("[hv] lin: killed: STORE_GUEST_PAGE_FAULT"), std::string::npos);
}

TEST_F(Devices, ALoadIntoX0LeavesItZero) {
  bench.exit(0, make_exit(21, 1, (kGuestUart + 4) >> 2, 0x00004003));
  EXPECT_EQ(bench.on[0]->general.x[0], 0u);
}

TEST_F(Devices, TheTransmittersInterruptReachesTheVcpuThatEnabledIt) {
  route_uart(0, 0);
  EXPECT_EQ(bench.on[0]->general.hvip & kVseip, 0u);
  store(0, kGuestUart + 1, 2, 1);
  EXPECT_EQ(bench.on[0]->general.hvip & kVseip, kVseip);
  EXPECT_EQ(load(0, kPlicClaim), kUartInterrupt);
  EXPECT_EQ(bench.on[0]->general.hvip & kVseip, 0u);
  EXPECT_EQ(load(0, kGuestUart + 2, 1) & 0xf, 2u);
  store(0, kPlicClaim, kUartInterrupt);
  EXPECT_EQ(bench.on[0]->general.hvip & kVseip, 0u);
}

TEST_F(Devices, AnInterruptForAnotherVcpuInterruptsItsHartAndWakesItFromWfi) {
  bench.ecall(0, 0x48534D, 0, {1, kKernel, 0});  // VCPU 1, alone in line for both harts
  bench.timer(1);
  bench.machine.ticks += 100'000;
  bench.timer(1);
  ASSERT_EQ(bench.on[1]->vm, 0u);
  ASSERT_EQ(bench.on[1]->number, 1u);
  route_uart(0, 1);
  bench.machine.ipis.clear();
  store(0, kGuestUart + 1, 2, 1);
  EXPECT_EQ(bench.machine.ipis, std::vector<unsigned>{1});
  bench.software(1);
  EXPECT_EQ(bench.on[1]->general.hvip & kVseip, kVseip);
  EXPECT_EQ(load(1, kPlicClaim + 0x1000), kUartInterrupt);
  load(0, kGuestUart + 2, 1);
  store(1, kPlicClaim + 0x1000, kUartInterrupt);

  const Vcpu* waiting = bench.on[1];
  bench.harts[1].registers.vs.vsie = 1u << 9;
  bench.wfi(1);
  ASSERT_NE(bench.on[1], waiting);
  store(0, kGuestUart, 'x', 1);
  bench.software(1);  // so that the other one's slice ends
  bench.machine.ticks = bench.next_interrupt(1);
  bench.timer(1);
  ASSERT_EQ(bench.on[1], waiting);
  EXPECT_EQ(waiting->general.hvip & kVseip, kVseip);
  EXPECT_EQ(waiting->general.hvip & kVssip, 0u);
}

TEST_F(Devices, WidthsThatADeviceDoesNotHaveReadZeroAndWriteNothing) {
  bench.on[0]->general.x[11] = 77;
  EXPECT_EQ(load(0, kGuestUart + 4, 4), 0u);
  store(0, kGuestUart, 'x', 4);
  store(0, kGuestPlic + 4, 7, 1);
  EXPECT_EQ(load(0, kGuestPlic + 4), 0u);
  EXPECT_EQ(bench.machine.console, "");
}

TEST_F(Devices, WhoReachesForNothingEndsOnlyItself) {
  for (const auto& [cause, at, instruction] :
       {std::tuple{21u, std::uint64_t{0x10002000}, 0x00006583u}, std::tuple{23u, kGuestPlic + 2, 0x00b02023u},
        std::tuple{23u, kGuestUart, 0x00c0252fu}, std::tuple{20u, kGuestUart, 0u},
        std::tuple{23u, kGuestUart, 0x3020u}, std::tuple{23u, kGuestUart, 0x00004583u}}) {
    Bench fresh{2};
    fresh.start(of({linux_vm("lin"), small_vm("other", 1, {1})}));
    fresh.exit(0, make_exit(cause, at & 3, at >> 2, instruction));
    EXPECT_EQ(fresh.core->vm(0).state, Vm::State::off) << cause << " " << std::hex << at;
    EXPECT_EQ(fresh.core->vm(1).state, Vm::State::alive);
    EXPECT_EQ(fresh.call(1, abi::Hypercall::query, {5}).value, abi::routine_value(5));
  }
}

TEST_F(Devices, AGuestWithoutLinuxHasNone) {
  bench.exit(1, make_exit(21, 0, kGuestUart >> 2, 0x00006583));
  EXPECT_EQ(bench.core->vm(1).state, Vm::State::off);
}

TEST(LinuxVm, GivesAllItsMemoryBack) {
  Bench bench;
  BundleVm vm = linux_vm("lin");
  vm.disk.resize(10'000);
  bench.start(of({small_vm("other"), vm}));
  bench.call(0, abi::Hypercall::yield);
  const std::uint64_t before = bench.core->page_pool().free_pages();
  bench.ecall(0, 0x53525354, 0, {0, 0});
  EXPECT_EQ(bench.core->vm(1).state, Vm::State::off);
  // Memory, its root and one table below; the disk's three pages, its root and two tables.
  EXPECT_EQ(bench.core->page_pool().free_pages(), before + 1024 + 4 + 1 + 3 + 4 + 2);
}

}  // namespace
}  // namespace hv
