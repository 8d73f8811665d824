// Builds the VMs of a bundle: memory mapped and zeroed, image and boot information in place, VCPU 0 ready.
#include <algorithm>

#include "hypervisor/fdt_builder.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/guest_tree.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/linux_image.h"
#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
using hvsim::isa::kPageBytes;

constexpr std::uint64_t kUxl64 = std::uint64_t{2} << 32;
constexpr std::uint64_t kOwnPages = 2;  // the VM's last two: BootInfo, then SharedPage; rings before them
constexpr std::uint64_t kRingPageEntries = kPageBytes / sizeof(abi::RingEntry);

Gpa boot_info_at(const Vm& vm) { return Gpa{abi::kGuestMemoryBase + vm.memory_bytes - 2 * kPageBytes}; }
std::uint64_t own_bytes(const Vm& vm) {
  const std::uint64_t rings = vm.rings.capacity == 0 ? 0 : std::uint64_t{vm.rings.pages_each} * vm.vcpus;
  return (kOwnPages + rings) * kPageBytes;
}
Gpa rings_at(const Vm& vm) { return Gpa{abi::kGuestMemoryBase + vm.memory_bytes - own_bytes(vm)}; }
Gpa shared_page_at(const Vm& vm) { return boot_info_at(vm) + kPageBytes; }

}  // namespace

bool Hypervisor::boot(Arch& arch, const Platform& platform, std::span<const std::byte> blob, Text& why) {
  const auto bundle = Bundle::open(blob, why);
  if (!bundle) return false;
  settings_ = bundle->settings();
  entries_drain_ = entries_may_drain();
  timebase_hz_ = platform.timebase_hz;
  all_harts_ = platform.harts;
  machine_sstc_ = platform.sstc;
  vmids_suffice_ = platform.vmid_bits >= 16 || (1u << platform.vmid_bits) > bundle->vm_count();
  for (Hart& hart : harts_) hart.last_vcpu.fill(kNoVcpu);
  for (DlhQueue& queue : hart_queues_) queue.configure(settings_.dlh);
  configure_scheduler(arch);

  pool_.add(platform.ram.base, platform.ram.bytes);
  for (unsigned i = 0; i < platform.reserved_count; ++i)
    pool_.reserve(platform.reserved[i].base, platform.reserved[i].bytes);
  pool_.reserve(platform.initrd.base, platform.initrd.bytes);
  pool_pages_ = pool_.free_pages();
  if (plans(SharingPolicy::oracle) && !arch.free_of_charge(false)) {
    why.add("sharing policy oracle costs nothing, so it exists in host runs only");
    return false;
  }
  if (!frames_.create(arch, pool_, settings_.sharing)) {
    why.add("not enough memory for sharing: it takes a 2 MiB block, and by content 32 bytes per frame");
    return false;
  }

  for (unsigned i = 0; i < bundle->vm_count(); ++i)
    if (!build_vm(arch, bundle->vm(i), platform, why)) return false;
  start_sharing(arch);
  for (unsigned i = 0; i < vm_count_; ++i) scheduler_.start(arch, vms_[i].first_vcpu);
  return true;
}

bool Hypervisor::build_vm(Arch& arch, const VmConfig& config, const Platform& platform, Text& why) {
  Vm& vm = vms_[vm_count_];
  vm.id = static_cast<std::uint16_t>(vm_count_);
  vm.vmid = static_cast<std::uint16_t>(vmids_suffice_ ? vm_count_ + 1 : 0);
  std::copy(config.name.begin(), config.name.end(), vm.name_characters);
  vm.memory_bytes = config.memory_bytes;
  vm.sstc = config.sstc && machine_sstc_;
  vm.harts = config.harts & all_harts_;
  if (settings_.delivery == abi::Delivery::polling)
    vm.harts &= ~(std::uint64_t{1} << highest_bit(all_harts_));  // that one polls
  if (vm.harts == 0) {
    why.add(config.name).add(": none of its harts exist");
    if (settings_.delivery == abi::Delivery::polling) why.add(" beside the last one, which polls");
    return false;
  }
  vm.queue.configure(settings_.dlh);
  vm.vcpus = static_cast<std::uint16_t>(config.vcpus);
  if (abi::uses_rings(settings_.delivery) && !config.linux_boot) {
    vm.rings.capacity = settings_.dlh.capacity;
    vm.rings.pages_each =
        static_cast<std::uint32_t>((vm.rings.capacity + kRingPageEntries - 1) / kRingPageEntries);
  }
  vm.counted_by_many = vm.vcpus > 1 || settings_.delivery == abi::Delivery::softirq ||
                       settings_.delivery == abi::Delivery::polling;
  if (config.image.size() + own_bytes(vm) > vm.memory_bytes) {
    why.add(config.name).add(": memory-bytes is too small for the image, its rings and two pages");
    return false;
  }
  vm.own_pages = own_bytes(vm) / kPageBytes;
  vm.hints.configure(Gpa{abi::kGuestMemoryBase}, vm.memory_bytes - own_bytes(vm));
  vm.console.configure(config.name);
  if (!vm.table.create(arch, pool_) || !frames_.populate(arch, pool_, vm)) {
    why.add(config.name).add(": not enough memory for it");
    return false;
  }
  if (!config.disk.empty() && !give_disk(arch, vm, config, why)) return false;
  if (config.linux_boot && !load_linux(arch, vm, config, platform, why)) return false;
  if (!(config.linux_boot || load_image(arch, vm, config)) || !write_boot_info(arch, vm, config)) {
    why.add(config.name).add(": not enough memory for its image");
    return false;
  }
  vm.first_vcpu = static_cast<VcpuId>(vcpu_count_);
  vm.state = Vm::State::alive;
  ++vm_count_;
  scheduler_.set_share(arch, vm.id, config.share);
  for (std::uint16_t number = 0; number < vm.vcpus; ++number) make_vcpu(vm, number, vm.harts);
  reset_vcpu(vcpus_[vm.first_vcpu], vm.boot.entry, vm.boot.argument);
  return true;
}

void Hypervisor::give_devices(Vm& vm) {
  vm.has_devices = true;
  vm.plic.configure(vm.vcpus);
}

bool Hypervisor::give_disk(Arch& arch, Vm& vm, const VmConfig& config, Text& why) {
  give_devices(vm);
  vm.has_disk = vm.disk.create(arch, pool_, config.disk);
  if (!vm.has_disk) why.add(config.name).add(": not enough memory for its disk");
  return vm.has_disk;
}

bool Hypervisor::load_image(Arch& arch, Vm& vm, const VmConfig& config) {
  vm.boot = {abi::kGuestMemoryBase, boot_info_at(vm).value};
  return copy_to_guest(arch, memory_of(vm), Gpa{abi::kGuestMemoryBase}, config.image.data(),
                       config.image.size());
}

// What hypercalls need is there for every guest; one that boots Linux is not told of it.
bool Hypervisor::write_boot_info(Arch& arch, Vm& vm, const VmConfig& config) {
  abi::BootInfo info{};
  info.magic = abi::kBootMagic;
  info.vm = vm.id;
  info.vcpus = config.vcpus;
  info.memory_base = abi::kGuestMemoryBase;
  info.memory_bytes = vm.memory_bytes - own_bytes(vm);
  info.shared_page = shared_page_at(vm).value;
  info.timebase_hz = timebase_hz_;
  info.delivery = static_cast<std::uint32_t>(settings_.delivery);
  info.calls_per_notification = settings_.calls_per_notification;
  info.sstc = vm.sstc ? 1 : 0;
  if (vm.has_disk) {
    info.disk = kGuestDisk;
    info.plic = kGuestPlic;
    info.disk_interrupt = kDiskInterrupt;
  }
  std::copy(config.arguments.begin(), config.arguments.end(), info.arguments);
  const abi::SharedPage empty{};
  if (!copy_to_guest(arch, memory_of(vm), shared_page_at(vm), &empty, sizeof empty)) return false;
  vm.shared_page = vm.table.lookup(arch, shared_page_at(vm))->at;
  return make_rings(arch, vm, info) &&
         copy_to_guest(arch, memory_of(vm), boot_info_at(vm), &info, sizeof info);
}

// Their frames are the hypervisor's to read and write as long as the VM lives: own ones, never shared.
bool Hypervisor::make_rings(Arch& arch, Vm& vm, abi::BootInfo& info) {
  if (vm.rings.capacity == 0) return true;
  info.ring_capacity = vm.rings.capacity;
  info.rings = rings_at(vm).value;
  info.ring_stride = vm.rings.pages_each * kPageBytes;
  for (unsigned page = 0; page < vm.rings.pages_each * vm.vcpus; ++page) {
    const Gpa at = rings_at(vm) + page * kPageBytes;
    if (frames_.make_writable(arch, pool_, vm, at) != GuestFrames::Outcome::writable) return false;
    vm.rings.pages[page] = vm.table.lookup(arch, at)->at;
  }
  for (unsigned ring = 0; ring < ring_count(vm); ++ring) publish_ring(arch, vm, ring);
  return true;
}

// The kernel where its header wants it; at the end of memory, downwards: two pages of ours, the device tree,
// the initrd.
bool Hypervisor::load_linux(Arch& arch, Vm& vm, const VmConfig& config, const Platform& platform, Text& why) {
  const auto fail = [&](std::string_view what) {
    why.add(config.name).add(": ").add(what);
    return false;
  };
  const auto image = read_linux_image(config.image);
  if (!image) return fail("the image is no RISC-V Linux Image");
  const std::uint64_t own = own_bytes(vm), room = FdtBuilder::kBytes;
  const std::uint64_t needed = image->offset + image->bytes + config.initrd.size() + kPageBytes + room + own;
  if (needed > vm.memory_bytes) return fail("memory-bytes is too small for the kernel and its initrd");
  give_devices(vm);
  vm.sharing.symbols = config.symbols;

  const std::uint64_t tree_at = boot_info_at(vm).value - room;
  const std::uint64_t initrd_at = (tree_at - config.initrd.size()) & ~(kPageBytes - 1);
  FdtBuilder builder;
  const auto tree = make_guest_tree(builder, {.vcpus = config.vcpus,
                                              .timebase_hz = timebase_hz_,
                                              .machine_isa = platform.isa,
                                              .mmu_type = platform.mmu_type,
                                              .sstc = vm.sstc,
                                              .disk = vm.has_disk,
                                              .memory_base = abi::kGuestMemoryBase,
                                              .memory_bytes = vm.memory_bytes - own,
                                              .initrd = initrd_at,
                                              .initrd_bytes = config.initrd.size(),
                                              .bootargs = config.bootargs,
                                              .rng_seed = config.rng_seed});
  if (tree.empty()) return fail("its device tree takes more than 8 KiB");
  const std::uint64_t kernel_at = abi::kGuestMemoryBase + image->offset;
  if (!copy_to_guest(arch, memory_of(vm), Gpa{kernel_at}, config.image.data(), config.image.size()) ||
      !copy_to_guest(arch, memory_of(vm), Gpa{initrd_at}, config.initrd.data(), config.initrd.size()) ||
      !copy_to_guest(arch, memory_of(vm), Gpa{tree_at}, tree.data(), tree.size()))
    return fail("not enough memory for its kernel and initrd");
  vm.boot = {kernel_at, tree_at};
  return true;
}

void Hypervisor::make_vcpu(Vm& vm, std::uint16_t number, std::uint64_t harts) {
  Vcpu& vcpu = vcpus_[vcpu_count_];
  vcpu.id = static_cast<VcpuId>(vcpu_count_++);
  vcpu.vm = vm.id;
  vcpu.number = number;
  vcpu.sstc = vm.sstc;
  vcpu.vs.hgatp = vm.hgatp();
  vcpu.vs.henvcfg = vm.sstc ? csr::kStce : 0;
  scheduler_.add(vcpu.id, vm.id, harts);
}

// As a hart comes out of SBI HSM hart_start: VS-mode, translation off, interrupts off.
void Hypervisor::reset_vcpu(Vcpu& vcpu, std::uint64_t pc, std::uint64_t a1) const {
  const std::uint64_t hgatp = vcpu.vs.hgatp, henvcfg = vcpu.vs.henvcfg;
  vcpu.general = {};
  vcpu.vs = {};
  vcpu.fp = {};
  vcpu.vs.hgatp = hgatp;
  vcpu.vs.henvcfg = henvcfg;
  vcpu.vs.vsstatus = kUxl64;
  vcpu.general.x[10] = vcpu.number;
  vcpu.general.x[11] = a1;
  vcpu.general.sepc = pc;
  vcpu.general.sstatus = csr::kSpp | kUxl64;
  vcpu.general.hstatus = csr::kSpv | csr::kSpvp | csr::kVtw | (std::uint64_t{2} << 32);
  vcpu.timer_deadline = kNever;
  vcpu.software_pending = 0;
  vcpu.external_pending = vms_[vcpu.vm].plic.interrupts(vcpu.number) ? 1 : 0;
  vcpu.suspended = 0;
  vcpu.last_hart = kMaxHarts;
  vcpu.fp_hart = kMaxHarts;
}

}  // namespace hv
