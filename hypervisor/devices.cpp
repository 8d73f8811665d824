// Emulated devices: a load or store outside guest memory finds the device that it was meant for.
#include "hypervisor/atomics.h"
#include "hypervisor/device_access.h"
#include "hypervisor/guest_tree.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

bool inside(Gpa at, std::uint64_t base, std::uint64_t bytes) {
  return at.value >= base && at.value - base < bytes;
}

// The guest's own page-table walk failed ("Transformed Instruction or Pseudoinstruction for mtinst or
// htinst"): bits 1:0 are 00, which no transformed instruction has.
bool is_pseudoinstruction(std::uint64_t htinst) { return htinst != 0 && (htinst & 3) == 0; }

std::optional<DeviceAccess> decode(Arch& arch, const Vcpu& vcpu, const Exit& exit, bool use_htinst) {
  if (is_pseudoinstruction(exit.instruction)) return std::nullopt;
  if (exit.instruction != 0 && use_htinst) return from_transformed(exit.instruction);
  const auto instruction = arch.guest_instruction(vcpu.general.sepc);
  return instruction ? from_instruction(*instruction) : std::nullopt;
}

}  // namespace

// A guest that reaches for what is not there, or by an instruction that no device understands, is ended.
Hypervisor::Verdict Hypervisor::guest_page_fault(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  Vm& vm = vm_of(vcpu);
  if (settings_.sharing.shares() && vm.has_memory(Gpa{exit.guest_physical}))
    return memory_fault(arch, vcpu, exit);
  const bool is_store = exit.reason == ExitReason::store_guest_page_fault;
  if (!vm.has_devices || exit.reason == ExitReason::inst_guest_page_fault) return kill(arch, vcpu, exit);
  const auto access = decode(arch, vcpu, exit, !settings_.read_instructions);
  if (!access || access->is_store != is_store || exit.guest_physical % access->bytes != 0)
    return kill(arch, vcpu, exit);
  arch.charge(Work::device_access, 1);
  std::uint64_t value = is_store ? vcpu.general.x[access->reg] : 0;
  {
    const Locked locked(arch, vm.device_lock);
    GuestMemory memory = memory_of(vm);
    if (!reach_device(arch, vm, memory, Gpa{exit.guest_physical}, *access, value))
      return kill(arch, vcpu, exit);
    update_external_interrupts(arch, vm);
    if (memory.starved()) return Verdict::starve;  // and the access is done again
  }
  if (!is_store && access->reg != 0) vcpu.general.x[access->reg] = extended(*access, value);
  vcpu.general.sepc += access->instruction_bytes;
  return Verdict::resume;
}

// False: there is no device. Accesses of a width that a device does not have read zero and write nothing.
bool Hypervisor::reach_device(Arch& arch, Vm& vm, GuestMemory& memory, Gpa at, const DeviceAccess& access,
                              std::uint64_t& value) {
  const auto word = static_cast<std::uint32_t>(value);
  if (inside(at, kGuestUart, VirtualUart::kBytes)) {
    const std::uint64_t reg = at.value - kGuestUart;
    if (access.bytes != 1) return true;
    if (access.is_store) {
      if (const auto sent = vm.uart.write(reg, static_cast<std::uint8_t>(value)))
        vm.console.put(arch, {&*sent, 1});
    } else {
      value = vm.uart.read(reg);
    }
    vm.plic.set_level(kUartInterrupt, vm.uart.interrupting());
    return true;
  }
  if (inside(at, kGuestPlic, VirtualPlic::kBytes)) {
    if (access.bytes != 4) return true;
    if (access.is_store)
      vm.plic.write(at.value - kGuestPlic, word);
    else
      value = vm.plic.read(at.value - kGuestPlic);
    return true;
  }
  if (vm.has_disk && inside(at, kGuestDisk, VirtualDisk::kBytes)) {
    if (access.bytes != 4) return true;
    if (access.is_store)
      vm.disk.write(arch, memory, at.value - kGuestDisk, word);
    else
      value = vm.disk.read(at.value - kGuestDisk);
    vm.plic.set_level(kDiskInterrupt, vm.disk.interrupting());
    return true;
  }
  return false;
}

// Under the device lock, so that levels are stored in the order in which they came about.
void Hypervisor::update_external_interrupts(Arch& arch, Vm& vm) {
  for (unsigned number = 0; number < vm.vcpus; ++number) {
    Vcpu& vcpu = vcpus_[vm.first_vcpu + number];
    const std::uint32_t level = vm.plic.interrupts(number) ? 1 : 0;
    if (load_relaxed(vcpu.external_pending) == level) continue;
    store_release(vcpu.external_pending, level);
    scheduler_.wake(arch, vcpu.id);  // also when it falls: another hart must take the line down
  }
}

}  // namespace hv
