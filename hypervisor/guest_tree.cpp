// The device tree of a VM that boots Linux, and the addresses and interrupts of its devices.
#include "hypervisor/guest_tree.h"

#include <array>

#include "hypervisor/limits.h"
#include "hypervisor/text.h"
#include "hypervisor/virtual_disk.h"
#include "hypervisor/virtual_plic.h"
#include "hypervisor/virtual_uart.h"

namespace hv {
namespace {

constexpr std::uint32_t kPlicHandle = 1, kFirstHartHandle = 2;
constexpr std::uint32_t kSupervisorExternal = 9;  // interrupt of the hart
constexpr std::uint32_t kUartClockHz = 3'686'400;

// Single letters without state that the world switch does not carry.
constexpr std::string_view kLetters = "imafdc";
// The others need no permission from a higher mode and add no state.
constexpr std::array<std::string_view, 14> kExtensions{
    "zicsr", "zifencei", "zicntr", "zicond", "zihintpause", "zba",     "zbb",
    "zbc",   "zbs",      "zca",    "zcd",    "svinval",     "svnapot", "zfa"};

using IsaText = BoundedText<256>;

bool one_of(std::string_view name) {
  for (const std::string_view known : kExtensions)
    if (known == name) return true;
  return false;
}

// "rv64imafdch_zicsr_..." as far as a guest may have it.
IsaText guest_isa(std::string_view machine, bool sstc) {
  IsaText isa;
  isa.add("rv64");
  if (machine.starts_with("rv64"))
    machine.remove_prefix(4);
  else
    machine = "imafdc";
  const auto rest_at = machine.find('_');
  for (const char letter : machine.substr(0, rest_at))
    if (kLetters.find(letter) != std::string_view::npos) isa.add({&letter, 1});
  while (machine.find('_') != std::string_view::npos) {
    machine.remove_prefix(machine.find('_') + 1);
    const std::string_view name = machine.substr(0, machine.find('_'));
    if (one_of(name)) isa.add("_").add(name);
  }
  if (sstc) isa.add("_sstc");
  return isa;
}

void write_chosen(FdtBuilder& tree, const GuestMachine& machine) {
  tree.begin("chosen");
  tree.text("bootargs", machine.bootargs);
  if (!machine.rng_seed.empty()) tree.bytes("rng-seed", machine.rng_seed);
  tree.text("stdout-path", "/soc/serial@10000000");
  if (machine.initrd_bytes != 0) {
    tree.cells64("linux,initrd-start", {machine.initrd});
    tree.cells64("linux,initrd-end", {machine.initrd + machine.initrd_bytes});
  }
  tree.end();
}

void write_memory(FdtBuilder& tree, const GuestMachine& machine) {
  tree.begin("memory", machine.memory_base);
  tree.text("device_type", "memory");
  tree.cells64("reg", {machine.memory_base, machine.memory_bytes});
  tree.end();
}

void write_harts(FdtBuilder& tree, const GuestMachine& machine) {
  const auto isa = guest_isa(machine.machine_isa, machine.sstc);
  tree.begin("cpus");
  tree.cell("#address-cells", 1);
  tree.cell("#size-cells", 0);
  tree.cell("timebase-frequency", static_cast<std::uint32_t>(machine.timebase_hz));
  for (std::uint32_t number = 0; number < machine.vcpus; ++number) {
    tree.begin("cpu", number);
    tree.text("device_type", "cpu");
    tree.text("compatible", "riscv");
    tree.text("status", "okay");
    tree.cell("reg", number);
    tree.text("riscv,isa", isa.view());
    tree.text("mmu-type", machine.mmu_type);
    tree.begin("interrupt-controller");
    tree.text("compatible", "riscv,cpu-intc");
    tree.cell("#interrupt-cells", 1);
    tree.flag("interrupt-controller");
    tree.cell("phandle", kFirstHartHandle + number);
    tree.end();
    tree.end();
  }
  tree.end();
}

void write_plic(FdtBuilder& tree, const GuestMachine& machine) {
  std::array<std::uint32_t, std::size_t{2} * kMaxVcpusPerVm> contexts{};
  for (unsigned number = 0; number < machine.vcpus; ++number) {
    contexts[std::size_t{2} * number] = kFirstHartHandle + number;
    contexts[std::size_t{2} * number + 1] = kSupervisorExternal;
  }
  tree.begin("interrupt-controller", kGuestPlic);
  tree.text("compatible", "sifive,plic-1.0.0");
  tree.cell("#interrupt-cells", 1);
  tree.cell("#address-cells", 0);
  tree.flag("interrupt-controller");
  tree.cells64("reg", {kGuestPlic, VirtualPlic::kBytes});
  tree.cell("riscv,ndev", VirtualPlic::kSources);
  tree.cells("interrupts-extended", std::span(contexts).first(2 * std::size_t{machine.vcpus}));
  tree.cell("phandle", kPlicHandle);
  tree.end();
}

void write_device(FdtBuilder& tree, std::string_view name, std::string_view compatible, std::uint64_t at,
                  std::uint64_t bytes, std::uint32_t interrupt) {
  tree.begin(name, at);
  tree.text("compatible", compatible);
  tree.cells64("reg", {at, bytes});
  tree.cell("interrupts", interrupt);
  tree.cell("interrupt-parent", kPlicHandle);
}

void write_devices(FdtBuilder& tree, const GuestMachine& machine) {
  tree.begin("soc");
  tree.text("compatible", "simple-bus");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.flag("ranges");
  write_plic(tree, machine);
  write_device(tree, "serial", "ns16550a", kGuestUart, VirtualUart::kBytes, kUartInterrupt);
  tree.cell("clock-frequency", kUartClockHz);
  tree.end();
  if (machine.disk) {
    write_device(tree, "virtio_mmio", "virtio,mmio", kGuestDisk, VirtualDisk::kBytes, kDiskInterrupt);
    tree.end();
  }
  tree.end();
}

}  // namespace

std::span<const std::byte> make_guest_tree(FdtBuilder& tree, const GuestMachine& machine) {
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.text("compatible", "hvsim,vm");
  tree.text("model", "hvsim,vm");
  write_chosen(tree, machine);
  write_memory(tree, machine);
  write_harts(tree, machine);
  write_devices(tree, machine);
  return tree.finish();
}

}  // namespace hv
