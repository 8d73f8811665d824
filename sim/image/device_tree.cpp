// Writes the nodes of `virt` for what the machine has (Devicetree Specification 0.3; Linux bindings).
#include "sim/image/device_tree.h"

#include <algorithm>

#include "models/cpu/events.h"
#include "models/cpu/isa/cause.h"
#include "sim/board.h"
#include "sim/image/fdt_writer.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

constexpr std::uint32_t kPlicSources = 96;
constexpr std::uint32_t kUartClockHz = 3'686'400;
constexpr std::uint32_t kPoweroffValue = 0x5555, kRebootValue = 0x7777;

constexpr AddressRange kFinisher{map::finisher.value, 0x1000};
constexpr AddressRange kClint{map::aclint.value, 0x10000};
constexpr AddressRange kPlic{map::plic.value, 0x600000};
constexpr AddressRange kUart{map::uart.value, 0x100};
constexpr AddressRange kRtc{map::rtc.value, 0x1000};

std::uint32_t hart_phandle(unsigned hart) { return hart * 2 + 1; }
std::uint32_t interrupt_phandle(unsigned hart) { return hart * 2 + 2; }
std::uint32_t plic_phandle(const MachineDescription& machine) { return machine.harts * 2 + 1; }
std::uint32_t finisher_phandle(const MachineDescription& machine) { return machine.harts * 2 + 2; }

std::string unit(const std::string& name, std::uint64_t address) {
  return name + "@" + hex(address).substr(2);
}

std::optional<std::string> check(const MachineDescription& machine) {
  const auto mismatch = [](const std::string& field, const std::string& value, const std::string& expected) {
    return "device tree: " + field + " is " + value + ", expected " + expected;
  };
  if (machine.harts < 1 || machine.harts > kMaxHarts)
    return mismatch("harts", std::to_string(machine.harts), "1 to " + std::to_string(kMaxHarts));
  if (machine.ram_bytes == 0) return mismatch("ram_bytes", "0", "at least 1");
  if (machine.ram_bytes > ~machine.ram_base)
    return mismatch("end of RAM", hex(machine.ram_base) + " + " + hex(machine.ram_bytes), "inside 64 bits");
  if (!machine.isa.starts_with("rv64i")) return mismatch("isa", '"' + machine.isa + '"', "rv64i...");
  if (machine.timebase_hz == 0) return mismatch("timebase_hz", "0", "at least 1");
  const AddressRange ram{machine.ram_base, machine.ram_bytes};
  if (machine.initrd && !ram.holds(machine.initrd->base, machine.initrd->bytes))
    return mismatch("initrd", hex(machine.initrd->base) + " + " + hex(machine.initrd->bytes),
                    "inside RAM " + hex_range(ram.base, ram.bytes));
  return std::nullopt;
}

void write_reg(FdtWriter& tree, AddressRange range) { tree.cells64("reg", {range.base, range.bytes}); }

// 32-bit addresses in one cell, as older bootloaders write and expect them.
void write_address(FdtWriter& tree, const std::string& name, std::uint64_t value) {
  if (value >> 32 == 0)
    tree.cell(name, static_cast<std::uint32_t>(value));
  else
    tree.cells64(name, {value});
}

void write_chosen(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin("chosen");
  if (machine.uart) tree.text("stdout-path", unit("/soc/serial", kUart.base));
  if (!machine.bootargs.empty()) tree.text("bootargs", machine.bootargs);
  if (machine.seed) write_rng_seed(tree, *machine.seed);
  if (machine.initrd) {
    write_address(tree, "linux,initrd-start", machine.initrd->base);
    write_address(tree, "linux,initrd-end", machine.initrd->base + machine.initrd->bytes);
  }
  tree.end();
}

void write_memory(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("memory", machine.ram_base));
  tree.text("device_type", "memory");
  write_reg(tree, {machine.ram_base, machine.ram_bytes});
  tree.end();
}

void write_hart(FdtWriter& tree, const MachineDescription& machine, unsigned hart) {
  tree.begin(unit("cpu", hart));
  tree.cell("phandle", hart_phandle(hart));
  tree.text("device_type", "cpu");
  tree.cell("reg", hart);
  tree.text("status", "okay");
  tree.text("compatible", "riscv");
  tree.text("riscv,isa", machine.isa);
  tree.text("riscv,isa-base", "rv64i");
  const auto extensions = isa_extensions(machine.isa);
  tree.texts("riscv,isa-extensions", extensions);
  const auto has = [&extensions](const char* name) {
    return std::find(extensions.begin(), extensions.end(), name) != extensions.end();
  };
  if (has("zicbom")) tree.cell("riscv,cbom-block-size", cpu::IsaConfig::cache_block_bytes);
  if (has("zicboz")) tree.cell("riscv,cboz-block-size", cpu::IsaConfig::cache_block_bytes);
  tree.text("mmu-type", machine.mmu_type);
  tree.begin("interrupt-controller");
  tree.cell("#interrupt-cells", 1);
  tree.flag("interrupt-controller");
  tree.text("compatible", "riscv,cpu-intc");
  tree.cell("phandle", interrupt_phandle(hart));
  tree.end();
  tree.end();
}

void write_cpu_map(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin("cpu-map");
  tree.begin("cluster0");
  for (unsigned hart = 0; hart < machine.harts; ++hart) {
    tree.begin("core" + std::to_string(hart));
    tree.cell("cpu", hart_phandle(hart));
    tree.end();
  }
  tree.end();
  tree.end();
}

void write_cpus(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin("cpus");
  tree.cell("#address-cells", 1);
  tree.cell("#size-cells", 0);
  tree.cell("timebase-frequency", machine.timebase_hz);
  for (unsigned hart = 0; hart < machine.harts; ++hart) write_hart(tree, machine, hart);
  write_cpu_map(tree, machine);
  tree.end();
}

// Two interrupts of every hart, in hart order: contexts of the PLIC, or software and timer of the CLINT.
void write_hart_interrupts(FdtWriter& tree, const MachineDescription& machine, isa::Interrupt first,
                           isa::Interrupt second) {
  std::vector<std::uint32_t> cells;
  for (unsigned hart = 0; hart < machine.harts; ++hart)
    for (isa::Interrupt interrupt : {first, second}) {
      cells.push_back(interrupt_phandle(hart));
      cells.push_back(static_cast<std::uint32_t>(interrupt));
    }
  tree.cells("interrupts-extended", cells);
}

void write_interrupt(FdtWriter& tree, const MachineDescription& machine, std::uint32_t source) {
  if (!machine.plic) return;
  tree.cell("interrupts", source);
  tree.cell("interrupt-parent", plic_phandle(machine));
}

void write_uart(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("serial", kUart.base));
  write_interrupt(tree, machine, map::uart_interrupt);
  write_reg(tree, kUart);
  tree.cell("clock-frequency", kUartClockHz);
  tree.text("compatible", "ns16550a");
  tree.end();
}

void write_rtc(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("rtc", kRtc.base));
  write_interrupt(tree, machine, map::rtc_interrupt);
  write_reg(tree, kRtc);
  tree.text("compatible", "google,goldfish-rtc");
  tree.end();
}

// The last slot comes first, as on `virt`: kernels number the devices as they find them.
void write_virtio(FdtWriter& tree, const MachineDescription& machine) {
  for (unsigned slot = kVirtioSlots; slot-- > 0;) {
    const AddressRange range{map::virtio.value + slot * map::virtio_stride, map::virtio_stride};
    tree.begin(unit("virtio_mmio", range.base));
    write_interrupt(tree, machine, map::virtio_interrupt + slot);
    write_reg(tree, range);
    tree.text("compatible", "virtio,mmio");
    tree.end();
  }
}

void write_finisher(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("test", kFinisher.base));
  tree.cell("phandle", finisher_phandle(machine));
  write_reg(tree, kFinisher);
  tree.texts("compatible", {"sifive,test1", "sifive,test0", "syscon"});
  tree.end();
}

void write_plic(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("plic", kPlic.base));
  tree.cell("phandle", plic_phandle(machine));
  tree.cell("riscv,ndev", kPlicSources);
  write_reg(tree, kPlic);
  write_hart_interrupts(tree, machine, isa::Interrupt::machine_external, isa::Interrupt::supervisor_external);
  tree.flag("interrupt-controller");
  tree.texts("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
  tree.cell("#address-cells", 0);
  tree.cell("#interrupt-cells", 1);
  tree.end();
}

void write_clint(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin(unit("clint", kClint.base));
  write_hart_interrupts(tree, machine, isa::Interrupt::machine_software, isa::Interrupt::machine_timer);
  write_reg(tree, kClint);
  tree.texts("compatible", {"sifive,clint0", "riscv,clint0"});
  tree.end();
}

void write_soc(FdtWriter& tree, const MachineDescription& machine) {
  tree.begin("soc");
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.text("compatible", "simple-bus");
  tree.flag("ranges");
  if (machine.rtc) write_rtc(tree, machine);
  if (machine.uart) write_uart(tree, machine);
  if (machine.finisher) write_finisher(tree, machine);
  if (machine.virtio) write_virtio(tree, machine);
  if (machine.plic) write_plic(tree, machine);
  if (machine.clint) write_clint(tree, machine);
  tree.end();
}

void write_syscon_action(FdtWriter& tree, const MachineDescription& machine, const std::string& action,
                         std::uint32_t value) {
  tree.begin(action);
  tree.cell("value", value);
  tree.cell("offset", 0);
  tree.cell("regmap", finisher_phandle(machine));
  tree.text("compatible", "syscon-" + action);
  tree.end();
}

// Firmware's guide to the counters (OpenSBI's binding `riscv,pmu`). Events without an entry in a table of
// selectors are selected by their own number.
void write_pmu(FdtWriter& tree) {
  constexpr std::uint32_t any = 0xFFFF'FFF8, mcycle = 1, minstret = 4;
  std::vector<std::uint32_t> events;
  for (const cpu::EventSelector& row : cpu::kEventSelectors) {
    if (row.selector >= cpu::kRawEvents) continue;
    const std::uint32_t fixed = row.event == cpu::Event::cycles         ? mcycle
                                : row.event == cpu::Event::instructions ? minstret
                                                                        : 0;
    events.insert(events.end(), {row.selector, row.selector, any | fixed});
  }
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); };
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  tree.begin("pmu");
  tree.text("compatible", "riscv,pmu");
  tree.cells("riscv,event-to-mhpmcounters", events);
  tree.cells("riscv,raw-event-to-mhpmcounters", {high(cpu::kRawEvents), low(cpu::kRawEvents),
                                                 high(cpu::kRawEventsMask), low(cpu::kRawEventsMask), any});
  tree.end();
}

}  // namespace

// Single letters in canonical order, then the Z extensions, then the S extensions, by category and name
// (unprivileged manual, "ISA Extension Naming Conventions").
std::string isa_string(const cpu::IsaConfig& isa) {
  const auto with = [](bool present, const char* name) { return std::string(present ? name : ""); };
  return "rv64imafdc" + with(isa.h, "h") + with(isa.zicbom, "_zicbom") + with(isa.zicboz, "_zicboz") +
         "_zicntr" + with(isa.zicond, "_zicond") + "_zicsr_zifencei_zihintpause" + with(isa.zihpm, "_zihpm") +
         "_zba_zbb" + with(isa.zbc, "_zbc") + "_zbs" + with(isa.sscofpmf, "_sscofpmf") +
         with(isa.sstc, "_sstc") + with(isa.ad_updates == cpu::AdUpdates::svade, "_svade") +
         with(isa.ad_updates == cpu::AdUpdates::svadu, "_svadu") + with(isa.svinval, "_svinval") +
         with(isa.svnapot, "_svnapot") + with(isa.svpbmt, "_svpbmt") + with(isa.smstateen, "_smstateen");
}

// "rv64imac_zba": i, m, a, c, zba.
std::vector<std::string> isa_extensions(const std::string& isa) {
  std::vector<std::string> names;
  const std::size_t letters_end = std::min(isa.find('_'), isa.size());
  for (std::size_t i = std::string("rv64").size(); i < letters_end; ++i) names.emplace_back(1, isa[i]);
  for (std::size_t at = letters_end; at < isa.size();) {
    const std::size_t end = std::min(isa.find('_', at + 1), isa.size());
    names.push_back(isa.substr(at + 1, end - at - 1));
    at = end;
  }
  return names;
}

std::string mmu_type(const cpu::IsaConfig& isa) {
  switch (isa.widest_paging) {
    case isa::csr::kModeSv39:
      return "riscv,sv39";
    case isa::csr::kModeSv48:
      return "riscv,sv48";
    case isa::csr::kModeSv57:
      return "riscv,sv57";
    default:
      return "riscv,none";
  }
}

isa::Result<std::vector<std::byte>, std::string> make_device_tree(const MachineDescription& machine) {
  if (const auto error = check(machine)) return isa::Failure{*error};
  FdtWriter tree;
  tree.cell("#address-cells", 2);
  tree.cell("#size-cells", 2);
  tree.text("compatible", "riscv-virtio");
  tree.text("model", "riscv-virtio,hvsim");
  write_chosen(tree, machine);
  if (machine.finisher) {
    write_syscon_action(tree, machine, "poweroff", kPoweroffValue);
    write_syscon_action(tree, machine, "reboot", kRebootValue);
  }
  write_memory(tree, machine);
  write_cpus(tree, machine);
  if (machine.event_counters) write_pmu(tree);
  write_soc(tree, machine);
  return tree.finish();
}

isa::Result<std::uint64_t, std::string> device_tree_address(AddressRange ram, std::uint64_t tree_bytes) {
  constexpr std::uint64_t kLimit = std::uint64_t{3} << 30, kAlignment = std::uint64_t{2} << 20;
  const std::uint64_t ram_end = ram.base + ram.bytes;
  const std::uint64_t top = ram.base < kLimit ? std::min(ram_end, kLimit) : ram_end;
  const std::uint64_t address = tree_bytes <= top ? (top - tree_bytes) & ~(kAlignment - 1) : 0;
  if (!ram.holds(address, tree_bytes))
    return isa::Failure{"RAM " + hex_range(ram.base, ram.bytes) + " has no room for a device tree of " +
                        std::to_string(tree_bytes) + " bytes at a multiple of 2 MiB"};
  return address;
}

}  // namespace hvsim::sim
