// The native port's loop: what main.cpp and the world switch are on the target.
#include "hypervisor/arch/host/host_hypervisor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "hypervisor/arch/host/state_check.h"
#include "hypervisor/delegation.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/phase.h"
#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;

constexpr unsigned kMovedRegisters = 31, kMovedCsrs = 5;  // sepc, sstatus, hstatus, hvip, sscratch

// The same set-up as on the target, CSR by CSR.
void set_up_hart(HostHart& hart) {
  hart.write_csr(csr::satp, 0);
  hart.write_csr(csr::hedeleg, kDelegatedExceptions);
  hart.write_csr(csr::hideleg, kDelegatedInterrupts);
  hart.write_csr(csr::hvip, 0);
  hart.write_csr(csr::htimedelta, 0);
  hart.write_csr(csr::hcounteren, kGuestCounters);
  hart.write_csr(csr::sie, kSoftwareInterrupt | kTimerInterrupt);
}

void save_general(HostHart& hart, Arch& arch, GeneralRegisters& general) {
  std::copy_n(hart.x().begin(), 32, general.x);
  general.sepc = hart.csr(csr::sepc);
  general.sstatus = hart.csr(csr::sstatus);
  general.hstatus = hart.csr(csr::hstatus);
  general.hvip = hart.csr(csr::hvip);
  arch.uses(&general, sizeof general, true);
  arch.charge(Work::general_register, kMovedRegisters);
  arch.charge(Work::csr, kMovedCsrs);
}

void load_general(HostHart& hart, Arch& arch, const GeneralRegisters& general) {
  std::copy_n(general.x + 1, 31, hart.x().begin() + 1);
  hart.write_csr(csr::sepc, general.sepc);
  hart.write_csr(csr::sstatus, general.sstatus);
  hart.write_csr(csr::hstatus, general.hstatus);
  hart.write_csr(csr::hvip, general.hvip);
  arch.uses(&general, sizeof general, false);
  arch.charge(Work::general_register, kMovedRegisters);
  arch.charge(Work::csr, kMovedCsrs);
}

// What every exit looks at, whatever its cause.
void touch_context(Arch& arch, const Hypervisor& core, const Vcpu& vcpu) {
  constexpr std::uint64_t line = 64;
  const Vm& vm = core.vm(vcpu.vm);
  arch.touch_stack();
  arch.uses(&vcpu.id, sizeof(Vcpu) - offsetof(Vcpu, id), false);
  arch.uses(&vm, line, false);
  arch.uses(&vm.statistics, line, true);
}

Exit read_exit(HostHart& hart, Arch& arch) {
  const std::uint64_t cause = hart.csr(csr::scause);
  const bool with_address = is_guest_page_fault(exit_reason(cause));
  arch.charge(Work::csr, with_address ? 4 : 2);
  return make_exit(cause, hart.csr(csr::stval), with_address ? hart.csr(csr::htval) : 0,
                   with_address ? hart.csr(csr::htinst) : 0);
}

void acknowledge_software_interrupt(HostHart& hart, Arch& arch) {
  hart.write_csr(csr::sip, hart.csr(csr::sip) & ~kSoftwareInterrupt);
  arch.charge(Work::csr, 1);
}

// What delivery `free` charges nothing for: hypercalls, however they are called.
bool is_hypercall(HostHart& hart) {
  constexpr unsigned a7 = 17;
  return exit_reason(hart.csr(csr::scause)) == ExitReason::supervisor_syscall &&
         hart.x()[a7] == abi::kHypercallExtension;
}

// A machine without the `time` CSR: the firmware reads it for guests, and the hypervisor does not learn of
// it.
bool read_time_for_guest(HostHart& hart, Arch& arch) {
  constexpr std::uint64_t rdtime = 0xC0102073, any_rd = 0x1F << 7;
  const std::uint64_t instruction = hart.csr(csr::stval);
  if (exit_reason(hart.csr(csr::scause)) != ExitReason::inst_illegal || (instruction & ~any_rd) != rdtime)
    return false;
  arch.charge(Work::time_emulation, 1);
  const std::uint64_t rd = (instruction & any_rd) >> 7;
  if (rd != 0) hart.x()[rd] = hart.ticks() + hart.csr(csr::htimedelta);
  hart.write_csr(csr::sepc, hart.csr(csr::sepc) + 4);
  return true;
}

}  // namespace

struct HostHypervisor::Machine {
  enum class HartState : std::uint8_t { fresh, guest, idle, polling, draining };
  struct HartContext {
    HartState state = HartState::fresh;
    VcpuId vcpu = kNoVcpu;  // while its state is `guest`, or whose time it is in which it drains
  };

  struct State {
    Hypervisor core;
    std::array<HartContext, kMaxHarts> harts;
    bool off = false;
  };
  static_assert(std::is_trivially_copyable_v<State>);

  explicit Machine(const CostModel& chosen) : costs(chosen), works(costs, image) {}
  void lay_out(const ImageMap& map) {
    image = map;
    works = WorkTable(costs, image);
  }

  CostModel costs;
  ImageMap image;
  WorkTable works;
  State state;
};

HostHypervisor::HostHypervisor(const CostModel& costs) : machine_(std::make_unique<Machine>(costs)) {
  // Restored from a checkpoint it is not booted; all machines have their memory there.
  machine_->lay_out(ImageMap(HostBoot{}.ram_base, &machine_->state.core, sizeof machine_->state.core));
}
HostHypervisor::~HostHypervisor() = default;

std::string HostHypervisor::boot(HostHart& boot_hart, const HostBoot& boot) {
  if (boot.harts == 0 || boot.harts > kMaxHarts) return "the hypervisor needs 1 to 64 harts";
  Platform platform;
  platform.ram = {boot.ram_base, boot.ram_bytes};
  platform.reserve({boot.ram_base, boot.reserved_bytes});
  platform.harts = boot.harts == kMaxHarts ? ~std::uint64_t{0} : (std::uint64_t{1} << boot.harts) - 1;
  platform.timebase_hz = boot.timebase_hz;
  platform.sstc = boot.sstc;
  platform.isa = boot.isa;
  platform.mmu_type = boot.mmu_type;
  platform.vmid_bits = boot.vmid_bits;
  static_assert(sizeof machine_->state.core <= ImageMap::kObjectRoom);
  machine_->lay_out(boot.reserved_bytes < ImageMap::kEnd
                        ? ImageMap()
                        : ImageMap(boot.ram_base, &machine_->state.core, sizeof machine_->state.core));
  Arch arch(boot_hart, machine_->costs, machine_->image, machine_->works);
  Text why;
  if (!machine_->state.core.boot(arch, platform, boot.bundle, why)) return std::string(why.view());
  return {};
}

HostHypervisor::Next HostHypervisor::enter(HostHart& hart) {
  Machine::HartContext& context = machine_->state.harts[hart.id()];
  Hypervisor& core = machine_->state.core;
  if (machine_->state.off) return Next::off;
  const bool costless = core.delivery() == abi::Delivery::free &&
                        context.state == Machine::HartState::guest && is_hypercall(hart);
  if (costless) hart.forgive_trap();
  Arch arch(hart, machine_->costs, machine_->image, machine_->works, costless,
            context.state == Machine::HartState::draining && context.vcpu != kNoVcpu);

  Vcpu* next = nullptr;
  switch (context.state) {
    case Machine::HartState::fresh:
      set_up_hart(hart);
      if (core.polls(arch)) return poll(hart, arch);
      next = core.resume_idle(arch);
      break;
    case Machine::HartState::polling:
      return poll(hart, arch);
    case Machine::HartState::idle:
      arch.charge(Work::idle, 1);
      acknowledge_software_interrupt(hart, arch);
      next = core.resume_idle(arch);
      break;
    case Machine::HartState::draining:
      next =
          context.vcpu == kNoVcpu ? core.resume_idle(arch) : core.resume_drain(arch, core.vcpu(context.vcpu));
      break;
    case Machine::HartState::guest: {
      if (read_time_for_guest(hart, arch)) return Next::guest;
      announce(arch, HypervisorPhase::save);
      Vcpu& vcpu = core.vcpu(context.vcpu);
      save_general(hart, arch, vcpu.general);
      touch_context(arch, core, vcpu);
      const Exit exit = read_exit(hart, arch);
      if (exit.reason == ExitReason::inst_illegal) arch.charge(Work::redirection, 1);  // OpenSBI keeps these
      if (exit.reason == ExitReason::software_interrupt) acknowledge_software_interrupt(hart, arch);
      next = core.handle(arch, vcpu, exit);
      break;
    }
  }
  if (next != nullptr) next = core.prepare_entry(arch, *next);
  context.vcpu = next == nullptr ? kNoVcpu : next->id;
  context.state = next == nullptr ? Machine::HartState::idle : Machine::HartState::guest;
  if (next == nullptr && core.all_off()) return power_off(hart);
  if (next == nullptr ? core.drains_before_rest(arch) : next->unfinished != Vcpu::Unfinished::nothing) {
    context.state = Machine::HartState::draining;
    return Next::again;
  }
  if (next == nullptr) {
    core.rest(arch);
    hart.write_csr(csr::hvip, 0);  // as on the target, where it would end WFI
    return Next::idle;
  }
  load_general(hart, arch, next->general);
  announce(arch, HypervisorPhase::none);
  return Next::guest;
}

HostHypervisor::Next HostHypervisor::poll(HostHart& hart, Arch& arch) {
  if (machine_->state.core.all_off()) return power_off(hart);
  machine_->state.harts[hart.id()].state = Machine::HartState::polling;
  machine_->state.core.poll(arch);
  return Next::again;
}

HostHypervisor::Next HostHypervisor::power_off(HostHart& hart) {
  machine_->state.off = true;
  hart.power_off(machine_->state.core.exit_code());
  return Next::off;
}

void HostHypervisor::charge(HostHart& hart, Work work) {
  Arch(hart, machine_->costs, machine_->image, machine_->works).charge(work, 1);
}

std::span<std::byte> HostHypervisor::state() {
  return std::as_writable_bytes(std::span(&machine_->state, 1));
}

std::string_view HostHypervisor::impossible(
    unsigned harts, const std::function<void(hvsim::isa::Hpa, void*, std::size_t)>& read) const {
  const Machine::State& state = machine_->state;
  if (const auto why = StateCheck::problem(state.core, harts, read); !why.empty()) return why;
  std::uint8_t off = 0;
  std::memcpy(&off, &state.off, sizeof off);
  const auto sound = [&](const Machine::HartContext& each) {
    return each.state <= Machine::HartState::draining &&
           (each.vcpu == kNoVcpu ? each.state != Machine::HartState::guest
                                 : each.vcpu < StateCheck::vcpus(state.core));
  };
  return off <= 1 && std::ranges::all_of(state.harts, sound) ? "" : "where a hart is";
}

Inspection HostHypervisor::inspect() const { return machine_->state.core.inspect(); }
unsigned HostHypervisor::vm_count() const { return machine_->state.core.vm_count(); }
std::string_view HostHypervisor::vm_name(unsigned vm) const { return machine_->state.core.vm(vm).name(); }
const VmStatistics& HostHypervisor::statistics(unsigned vm) const {
  return machine_->state.core.vm(vm).statistics;
}
bool HostHypervisor::vm_off(unsigned vm) const { return machine_->state.core.vm(vm).state == Vm::State::off; }
std::uint32_t HostHypervisor::vm_exit_code(unsigned vm) const {
  return machine_->state.core.vm(vm).exit_code;
}

}  // namespace hv
