// The supervisor binary interface that guests see (RISC-V SBI specification 2.0).
#include "hypervisor/atomics.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"
#include "models/cpu/isa/cause.h"

namespace hv {
namespace {

constexpr std::uint64_t kBase = 0x10, kTime = 0x54494D45, kIpi = 0x735049, kRfence = 0x52464E43,
                        kHsm = 0x48534D, kSrst = 0x53525354, kDbcn = 0x4442434E;
constexpr std::uint64_t kSpecVersion = 2u << 24;
constexpr std::uint64_t kImplementationId = 0x48565349;  // not a registered one
constexpr std::uint64_t kVstip = bit(hvsim::isa::Interrupt::virtual_supervisor_timer);

constexpr std::int64_t kErrorAlreadyAvailable = -6;
constexpr std::uint64_t kHartStarted = 0, kHartStopped = 1, kHartStopPending = 3, kHartSuspended = 4;
constexpr std::uint64_t kShutdown = 0, kWarmReboot = 2;  // nobody starts a VM twice: a reboot ends it
constexpr std::uint64_t kRetentive = 0;                  // the default retentive suspend type
constexpr std::size_t kConsolePiece = 64;

bool served(std::uint64_t extension) {
  return extension == abi::kSbiLegacyPutchar || extension == kBase || extension == kTime ||
         extension == kIpi || extension == kRfence || extension == kHsm || extension == kSrst ||
         extension == kDbcn;
}

std::uint64_t argument(const Vcpu& vcpu, unsigned n) { return vcpu.general.x[10 + n]; }

std::uint64_t hart_status(Scheduler::State state, bool suspended) {
  if (state == Scheduler::State::stopped) return kHartStopped;
  if (state == Scheduler::State::stopping) return kHartStopPending;
  return suspended ? kHartSuspended : kHartStarted;
}

// The VCPUs that hart_mask and hart_mask_base name, as a mask of the VM's VCPUs. Empty: one does not exist.
std::optional<std::uint64_t> vcpu_mask(const Vm& vm, std::uint64_t mask, std::uint64_t base) {
  const std::uint64_t all = (std::uint64_t{1} << vm.vcpus) - 1;
  if (base == ~std::uint64_t{0}) return all;
  if (base >= vm.vcpus) return std::nullopt;
  if ((mask & ~(all >> base)) != 0) return std::nullopt;
  return mask << base;
}

}  // namespace

// Every SBI call is a barrier, too: it returns a value.
Hypervisor::Answer Hypervisor::sbi(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t extension,
                                   std::uint64_t function) {
  arch.charge(Work::answer, 1);
  if (!pass_barrier(arch, vcpu, vm)) return {.verdict = Verdict::unfinished};
  if (extension == kIpi && arch.meets()) return {.verdict = Verdict::unfinished};
  vm.count(vm.statistics.sbi_calls);
  const std::uint64_t a0 = argument(vcpu, 0), a1 = argument(vcpu, 1);
  switch (extension) {
    case abi::kSbiLegacyPutchar: {
      const char character = static_cast<char>(a0);
      vm.console.put(arch, {&character, 1});
      return {};
    }
    case kBase:
      return sbi_base(function, a0);
    case kTime:
      if (function != 0) break;
      set_virtual_timer(arch, vcpu, a0);
      return {};
    case kIpi:
      if (function != 0) break;
      return sbi_send_ipi(arch, vm, a0, a1);
    case kRfence:
      return sbi_remote_fence(arch, vm, function, a0, a1);
    case kHsm:
      return sbi_hart_state(arch, vcpu, vm, function);
    case kSrst: {
      if (function != 0) break;
      if (a0 > kWarmReboot) return {.error = abi::kErrorInvalidParameter};
      Text reason;
      reason.add(a0 == kShutdown ? "shut down, reason " : "wanted to reboot, reason ").decimal(a1);
      return {.verdict = end_vm(arch, vm, a0 == kShutdown && a1 == 0 ? 0 : 1, reason)};
    }
    case kDbcn:
      return sbi_debug_console(arch, vcpu, vm, function);
    default:
      break;
  }
  return {.error = abi::kErrorNotSupported};
}

Hypervisor::Answer Hypervisor::sbi_base(std::uint64_t function, std::uint64_t argument) const {
  switch (function) {
    case 0:
      return {.value = kSpecVersion};
    case 1:
      return {.value = kImplementationId};
    case 2:
      return {.value = 1};  // implementation version
    case 3:
      return {.value = served(argument) || argument == abi::kHypercallExtension ? 1u : 0u};
    case 4:  // mvendorid, marchid, mimpid
    case 5:
    case 6:
      return {};
    default:
      return {.error = abi::kErrorNotSupported};
  }
}

void Hypervisor::set_virtual_timer(Arch& arch, Vcpu& vcpu, std::uint64_t deadline) {
  vcpu.general.hvip &= ~kVstip;
  if (!vcpu.sstc) {
    vcpu.timer_deadline = deadline;
    return;
  }
  const bool loaded = loaded_here(arch, vcpu);
  if (loaded) arch.save(vcpu, RegisterGroup::vs);
  vcpu.vs.vstimecmp = deadline;
  if (loaded) arch.restore(vcpu, RegisterGroup::vs);
  if (!loaded) vcpu.last_hart = kMaxHarts;  // no hart's CSRs hold that
}

Hypervisor::Answer Hypervisor::sbi_send_ipi(Arch& arch, Vm& vm, std::uint64_t mask, std::uint64_t base) {
  const auto targets = vcpu_mask(vm, mask, base);
  if (!targets) return {.error = abi::kErrorInvalidParameter};
  for (unsigned i = 0; i < vm.vcpus; ++i)
    if (((*targets >> i) & 1) != 0) raise_software_interrupt(arch, vcpus_[vm.first_vcpu + i]);
  return {};
}

// Those on a hart are fenced there now, the others when they get one. The whole VMID rather than a range.
Hypervisor::Answer Hypervisor::sbi_remote_fence(Arch& arch, Vm& vm, std::uint64_t function,
                                                std::uint64_t mask, std::uint64_t base) {
  if (function > 2) return {.error = abi::kErrorNotSupported};  // the others are for hypervisors
  const auto targets = vcpu_mask(vm, mask, base);
  if (!targets) return {.error = abi::kErrorInvalidParameter};
  fence_vcpus(arch, vm, *targets, function == 0);
  return {};
}

void Hypervisor::fence_vcpus(Arch& arch, Vm& vm, std::uint64_t mask, bool instructions) {
  const std::uint32_t wanted = instructions ? kFenceInstructions : kFenceMappings;
  for (unsigned i = 0; i < vm.vcpus; ++i)
    if (((mask >> i) & 1) != 0) add_bits(vcpus_[vm.first_vcpu + i].fence_pending, wanted);
  const std::uint64_t harts = scheduler_.running_harts(arch, vm.first_vcpu, mask);
  if (harts != 0)
    arch.fence(
        {instructions ? GuestFence::Kind::instructions : GuestFence::Kind::vs_stage, vm.hgatp(), harts});
}

Hypervisor::Answer Hypervisor::sbi_hart_state(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t function) {
  const std::uint64_t number = argument(vcpu, 0);
  if (function == 1) {  // hart_stop: a VM without a running VCPU could never end
    if (!scheduler_.begin_stop(arch, vcpu.id)) return {.error = abi::kErrorFailed};
    return {.verdict = Verdict::stop};
  }
  if (function == 3) return sbi_hart_suspend(vcpu, number);
  if (function != 0 && function != 2) return {.error = abi::kErrorNotSupported};
  if (number >= vm.vcpus) return {.error = abi::kErrorInvalidParameter};
  Vcpu& target = vcpus_[vm.first_vcpu + number];
  if (function == 2)
    return {.value = hart_status(scheduler_.state(target.id), load_acquire(target.suspended) != 0)};

  const Locked locked(arch, vm.memory_lock);  // two VCPUs may start the same one
  if (scheduler_.state(target.id) != Scheduler::State::stopped) return {.error = kErrorAlreadyAvailable};
  {
    const Locked table(arch, vm.sharing.lock);  // a scan may take tables away
    if (!vm.table.lookup(arch, Gpa{argument(vcpu, 1)})) return {.error = abi::kErrorInvalidAddress};
  }
  {
    arch.charge(Work::vcpu_start, 1);
    arch.uses(&target, sizeof target, true);
    const Locked devices(arch, vm.device_lock);  // or its interrupt's level may change on the way into it
    reset_vcpu(target, argument(vcpu, 1), argument(vcpu, 2));
  }
  return {.error = scheduler_.start(arch, target.id) ? abi::kSuccess : abi::kErrorFailed};
}

// Retentive: it waits as in WFI, and returns. The others would need to lose state, which nobody gains from.
Hypervisor::Answer Hypervisor::sbi_hart_suspend(Vcpu& vcpu, std::uint64_t type) {
  const auto kind = static_cast<std::uint32_t>(type);
  if (kind != kRetentive)
    return {.error = (kind & 0x7fff'ffff) == 0 ? abi::kErrorNotSupported : abi::kErrorInvalidParameter};
  store_release(vcpu.suspended, std::uint32_t{1});
  return {.verdict = Verdict::block};
}

Hypervisor::Answer Hypervisor::sbi_debug_console(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t function) {
  if (function == 2) {  // console_write_byte
    const char character = static_cast<char>(argument(vcpu, 0));
    vm.console.put(arch, {&character, 1});
    return {};
  }
  if (function == 1) return {};  // console_read: nothing typed
  if (function != 0) return {.error = abi::kErrorNotSupported};
  // One piece per call, as the specification allows, so that no guest can hold the hart for long.
  char text[kConsolePiece];
  const std::uint64_t wanted = argument(vcpu, 0);
  const std::size_t piece = wanted < kConsolePiece ? wanted : kConsolePiece;
  if (argument(vcpu, 2) != 0 || !copy_from_guest(arch, vm, text, Gpa{argument(vcpu, 1)}, piece))
    return {.error = abi::kErrorInvalidParameter};
  vm.console.put(arch, {text, piece});
  return {.value = piece};
}

}  // namespace hv
