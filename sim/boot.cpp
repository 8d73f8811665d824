// The layout of memory at reset follows QEMU's `virt`: the second stage 2 MiB above firmware, the initrd half
// of RAM above that, the device tree near the end.
#include "sim/boot.h"

#include <algorithm>
#include <span>

#include "models/cpu/csr_file.h"
#include "models/cpu/isa/csr.h"
#include "models/mem/huge_pages.h"
#include "sim/config_images.h"
#include "sim/image/boot_rom.h"
#include "sim/image/bundle.h"
#include "sim/image/device_tree.h"
#include "sim/image/elf.h"
#include "sim/image/format.h"
#include "sim/image/image.h"
#include "sim/image/linux_image.h"
#include "sim/image/system_map.h"

namespace hvsim::sim {
namespace {

// Collects what is placed, so that overlaps are found before time starts.
class Loader {
 public:
  explicit Loader(Machine& machine) : machine_(machine) {}

  AddressRange ram() const { return {machine_.memory().ram_base().value, machine_.memory().ram_bytes()}; }

  std::string place_image(const Image& image) {
    const auto range = place(image, ram(), [this](std::uint64_t address, std::span<const std::byte> bytes) {
      write(address, bytes);
    });
    if (!range) return range.error();
    return claim(image.name, *range);
  }

  std::string place_bytes(const std::string& name, std::uint64_t address, std::span<const std::byte> bytes) {
    if (!ram().holds(address, bytes.size()))
      return name + ": " + std::to_string(bytes.size()) +
             " bytes do not fit into RAM: expected a larger machine.memory_bytes";
    write(address, bytes);
    return claim(name, {address, bytes.size()});
  }

 private:
  void write(std::uint64_t address, std::span<const std::byte> bytes) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    mem::will_fill(machine_.memory().host(isa::Hpa{address}, bytes.size()), bytes.size());
    machine_.memory().copy_in(isa::Hpa{address}, {data, bytes.size()});
  }
  std::string claim(const std::string& name, AddressRange range) {
    claimed_.push_back({name, range});
    return find_overlap(claimed_).value_or("");
  }

  Machine& machine_;
  std::vector<NamedRange> claimed_;
};

MachineDescription describe_machine(const MachineConfig& config, const std::string& bootargs) {
  MachineDescription machine;
  machine.harts = config.harts;
  machine.ram_bytes = config.memory_bytes;
  machine.isa = isa_string(config.isa);
  machine.mmu_type = mmu_type(config.isa);
  machine.event_counters = config.isa.zihpm;
  machine.timebase_hz = kTimebaseMhz * 1'000'000;
  machine.bootargs = bootargs;
  return machine;
}

isa::Result<std::vector<std::byte>, std::string> initrd_of(const Config& config, const ImagePaths& images) {
  if (config.hypervisor.run == HypervisorRun::target) return bundle_of(config, images);
  if (!images.initrd.empty()) return read_file(images.initrd);
  return std::vector<std::byte>{};
}

isa::Result<BundleVm, std::string> describe_vm(const VmConfig& vm, const ImagePaths& images,
                                               std::size_t number) {
  BundleVm result{.name = vm.name,
                  .memory_bytes = vm.memory_bytes,
                  .vcpus = vm.vcpus,
                  .harts = vm.harts,
                  .share = {.weight = vm.weight, .cap_percent = vm.cap_percent},
                  .sstc = vm.sstc,
                  .arguments = argument_string(vm),
                  .bootargs = vm.bootargs};
  if (const std::string& disk = images.vm_disks[number]; !disk.empty()) {
    auto content = read_file(disk);
    if (!content) return isa::Failure{content.error()};
    result.disk = std::move(content.value());
  }
  result.disk.resize(std::max<std::uint64_t>(result.disk.size(), vm.disk_bytes));
  const std::string& workload = images.workloads[number];
  if (!file_looks_like_linux(workload)) {
    const auto image = load_elf(workload);
    if (!image) return isa::Failure{image.error()};
    auto flat = flatten(*image, hv::abi::kGuestMemoryBase, vm.memory_bytes);
    if (!flat) return isa::Failure{flat.error()};
    result.image = std::move(flat.value());
    return result;
  }
  result.linux_boot = true;
  if (const std::string& file = images.vm_symbols[number]; !file.empty()) {
    const auto symbols = load_system_map(file);
    if (!symbols) return isa::Failure{symbols.error()};
    result.symbols = *symbols;
  }
  const std::pair<const std::string&, std::vector<std::byte>&> files[] = {
      {workload, result.image}, {images.vm_initrds[number], result.initrd}};
  for (const auto& [file, content] : files) {
    if (file.empty()) continue;
    auto bytes = read_file(file);
    if (!bytes) return isa::Failure{bytes.error()};
    content = std::move(bytes.value());
  }
  return result;
}

// An image with a symbol `tohost` expects somebody to read what it writes there.
std::string find_htif(Machine& machine, const Image& image) {
  const Symbol* to_host = find_symbol(image, "tohost");
  const Symbol* from_host = find_symbol(image, "fromhost");
  if (to_host == nullptr) return {};
  for (const Symbol* symbol : {to_host, from_host})
    if (symbol != nullptr && (symbol->address % device::Htif::kBytes != 0 ||
                              !machine.memory().is_ram(isa::Hpa{symbol->address}, device::Htif::kBytes)))
      return image.name + ": " + symbol->name + " at " + hex(symbol->address) +
             ", expected a multiple of 8 in RAM";
  machine.plug_htif(isa::Hpa{to_host->address},
                    from_host == nullptr ? std::nullopt : std::optional(isa::Hpa{from_host->address}));
  return {};
}

void reset_harts(Machine& machine) {
  for (unsigned i = 0; i < machine.harts(); ++i) {
    machine.hart(i).hart_state().pc = kBootRomBase;
    machine.hart(i).state_changed();
  }
}

}  // namespace

isa::Result<std::vector<std::byte>, std::string> bundle_of(const Config& config, const ImagePaths& images) {
  BundleDescription bundle{
      .delivery = config.hypervisor.delivery,
      .calls_per_notification = config.hypervisor.calls_per_notification,
      .queue_capacity = config.hypervisor.queue_capacity,
      .drain_budget_cycles = static_cast<std::uint32_t>(config.hypervisor.drain_budget_cycles),
      .max_deferred_entries = config.hypervisor.max_deferred_entries,
      .drain_at_entry = config.hypervisor.drain_at_entry,
      .scheduler = config.hypervisor.scheduler,
      .time_slice_us = config.hypervisor.time_slice_us,
      .tick_when_alone = config.hypervisor.tick_when_alone,
      .cap_period_us = config.hypervisor.cap_period_us,
      .audit_exits = config.hypervisor.audit_exits,
      .read_instructions = config.hypervisor.read_instructions,
      .sharing = config.hypervisor.sharing,
      .switches = config.hypervisor.switches,
      .vms = {}};
  for (std::size_t i = 0; i < config.vms.size(); ++i) {
    auto vm = describe_vm(config.vms[i], images, i);
    if (!vm) return isa::Failure{vm.error()};
    if (vm->linux_boot) vm.value().seed = config.seed + i;
    bundle.vms.push_back(std::move(vm.value()));
  }
  return make_bundle(bundle);
}

std::string prepare_boot(Machine& machine, const Config& config, const ImagePaths& images) {
  Loader loader(machine);
  BootRomDescription rom;

  const std::string& program =
      config.hypervisor.run == HypervisorRun::target ? images.hypervisor : images.image;
  const auto image = load_program(program);
  if (!image) return image.error();
  if (auto problem = loader.place_image(*image); !problem.empty()) return problem;
  if (auto problem = find_htif(machine, *image); !problem.empty()) return problem;
  rom.entry = image->entry;
  if (!images.firmware.empty()) {
    const auto firmware = load_flat(images.firmware, map::ram.value);
    if (!firmware) return firmware.error();
    if (auto problem = loader.place_image(*firmware); !problem.empty()) return problem;
    rom.entry = map::ram.value;
    rom.firmware.next_address = image->entry;
  }

  MachineDescription description = describe_machine(config.machine, config.boot.bootargs);
  if (config.hypervisor.run == HypervisorRun::none) description.seed = config.seed;
  const auto initrd = initrd_of(config, images);
  if (!initrd) return initrd.error();
  if (!initrd->empty()) {
    const std::uint64_t half =
        std::min<std::uint64_t>(config.machine.memory_bytes / 2, std::uint64_t{512} << 20);
    const std::uint64_t address = (kSecondStage + half) & ~isa::kPageMask;
    if (auto problem = loader.place_bytes("initrd", address, *initrd); !problem.empty()) return problem;
    description.initrd = AddressRange{address, initrd->size()};
  }

  const auto tree = make_device_tree(description);
  if (!tree) return tree.error();
  const auto tree_address = device_tree_address(loader.ram(), tree->size());
  if (!tree_address) return tree_address.error();
  if (auto problem = loader.place_bytes("device tree", *tree_address, *tree); !problem.empty())
    return problem;
  rom.device_tree = *tree_address;

  const auto bytes = make_boot_rom(rom);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (!machine.memory().contains(isa::Hpa{kBootRomBase}))
    if (const auto problem = machine.memory().add_rom(isa::Hpa{kBootRomBase}, {data, bytes.size()}))
      return *problem;
  reset_harts(machine);
  return {};
}

void enter_supervisor(Machine& machine) {
  for (unsigned i = 0; i < machine.harts(); ++i) {
    cpu::HartState& state = machine.hart(i).hart_state();
    cpu::CsrState& csr = state.csr;
    state.mode = {isa::Privilege::supervisor, false};
    csr.medeleg = 0xF0'B5FF;  // all that HS-mode may be given
    csr.mideleg = 0x1666;     // SSI, STI, SEI and the VS-level and guest external interrupts
    csr.mcounteren = 0xFFFF'FFFF;
    csr.mie |= isa::bit(isa::Interrupt::machine_software);
    const std::uint64_t everything = isa::csr::kStce | isa::csr::kPbmte | isa::csr::kCbie | isa::csr::kCbcfe |
                                     isa::csr::kCbze;  // as OpenSBI does
    cpu::csr_file::poke(state, isa::csr::menvcfg, everything);
    csr.mstateen[0] = isa::csr::kStateenSe | isa::csr::kStateenEnvcfg;
    csr.pmpcfg[0] = 0x1F;  // NAPOT over everything: read, write, execute
    csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
    machine.hart(i).state_changed();
  }
}

}  // namespace hvsim::sim
