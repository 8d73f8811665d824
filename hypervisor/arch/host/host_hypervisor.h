// The hypervisor core compiled for this computer: entered whenever a modelled hart would run HS-mode code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hypervisor/arch/host/cost_model.h"
#include "hypervisor/arch/host/host_hart.h"
#include "hypervisor/inspection.h"
#include "hypervisor/statistics.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/types.h"

namespace hv {

class Arch;

// What firmware would have told the hypervisor at boot.
struct HostBoot {
  std::span<const std::byte> bundle;  // abi/bundle.h; need not outlive boot()
  hvsim::isa::Hpa ram_base{0x80000000};
  std::uint64_t ram_bytes = 0;
  std::uint64_t reserved_bytes = 6u << 20;  // at ram_base: where firmware and image lie in a target run
  unsigned harts = 1;                       // ids 0..harts-1
  std::uint64_t timebase_hz = 10'000'000;
  std::string_view isa = "rv64imafdc";  // riscv,isa and mmu-type of the harts, for guests' device trees
  std::string_view mmu_type = "riscv,sv39";
  bool sstc = true;         // the machine has Sstc (guests that ask for it may use vstimecmp)
  unsigned vmid_bits = 14;  // implemented VMID bits of hgatp
};

// The simulator stands in for the firmware: before boot() it has delegated to HS-mode what OpenSBI delegates
// (medeleg, mideleg), opened mcounteren, set menvcfg.STCE, and put each hart into HS-mode with satp = 0.
class HostHypervisor {
 public:
  explicit HostHypervisor(const CostModel& costs);
  ~HostHypervisor();
  HostHypervisor(const HostHypervisor&) = delete;
  HostHypervisor& operator=(const HostHypervisor&) = delete;

  // Builds all VMs. Empty: success; otherwise one line that says what is wrong with the bundle.
  std::string boot(HostHart& boot_hart, const HostBoot& boot);

  enum class Next : std::uint8_t {
    guest,  // execute SRET now: sepc, sstatus.SPP and hstatus.SPV are those of the VCPU to run
    again,  // call enter() again when no hart is behind: this one polls, or is ahead of others in a drain
    idle,   // wait in HS-mode until (sip & sie) != 0, then call enter() again
    off,    // the machine was powered off
  };
  // Call it once per hart after boot(), then each time the hart traps into HS-mode (scause, sepc, stval,
  // htval, sstatus and hstatus as the trap left them) and each time an idle hart has an interrupt pending.
  Next enter(HostHart& hart);

  // For work of the firmware, which whoever implements HostHart does.
  void charge(HostHart& hart, Work work);

  // All that it knows, for checkpoints: plain data of this build, with no address of this process in it.
  std::span<std::byte> state();
  // What is impossible in it, in words, once somebody has put it there; empty: nothing. `read`: of memory.
  std::string_view impossible(unsigned harts,
                              const std::function<void(hvsim::isa::Hpa, void*, std::size_t)>& read) const;

  Inspection inspect() const;  // addresses are this process's; call it after boot()

  unsigned vm_count() const;
  std::string_view vm_name(unsigned vm) const;
  const VmStatistics& statistics(unsigned vm) const;
  bool vm_off(unsigned vm) const;
  std::uint32_t vm_exit_code(unsigned vm) const;  // meaningful once it is off

 private:
  struct Machine;
  Next poll(HostHart& hart, Arch& arch);
  Next power_off(HostHart& hart);
  std::unique_ptr<Machine> machine_;
};

}  // namespace hv
