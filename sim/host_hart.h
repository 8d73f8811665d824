// A modelled hart as the natively running hypervisor sees it.
#pragma once

#include <vector>

#include "hypervisor/arch/host/host_hart.h"
#include "hypervisor/arch/host/host_hypervisor.h"
#include "models/cpu/hart.h"
#include "sim/machine.h"

namespace hvsim::sim {

class HostHart final : public hv::HostHart {
 public:
  using Next = hv::HostHypervisor::Next;

  HostHart(Machine& machine, unsigned number, hv::HostHypervisor& hypervisor);

  // Runs the hypervisor, or the firmware if the hart is in M-mode, at the hart's present time. After `guest`
  // the hart is in the VCPU to run.
  Next enter();

  // hv::HostHart
  unsigned id() const override { return number_; }
  std::span<std::uint64_t, 32> x() override { return std::span(state_.x).first<32>(); }
  std::span<std::uint64_t, 32> f() override { return state_.f; }
  std::uint64_t csr(unsigned number) override;
  void write_csr(unsigned number, std::uint64_t value) override;
  std::optional<std::uint32_t> guest_instruction(std::uint64_t pc) override;
  void read(isa::Hpa from, void* to, std::size_t bytes) override;
  void write(isa::Hpa to, const void* from, std::size_t bytes) override;
  void zero(isa::Hpa at, std::uint64_t bytes) override;
  void touch(isa::Hpa at, std::uint64_t bytes, bool is_write) override;
  isa::Cycles cycles() override { return state_.cycle; }
  bool first() override;
  bool ahead() override;
  std::uint64_t ticks() override { return state_.time(); }
  void charge(const hv::WorkKind& work, std::uint64_t units) override;
  bool time_by_firmware() const override { return !state_.isa_config.time_csr; }
  bool timer_by_firmware() const override { return !state_.isa_config.sstc; }
  void forgive_trap() override;
  void set_timer(std::uint64_t ticks) override;
  void send_ipi(unsigned hart) override;
  void fence(const hv::GuestFence& fence) override;
  void mark(std::uint16_t kind, std::uint64_t value) override;
  void console(std::string_view text) override;
  void power_off(unsigned code) override;

 private:
  std::optional<std::uint16_t> guest_halfword(std::uint64_t at);
  void hand_on_machine_interrupts();
  void leave_for(std::uint64_t pc);
  void charge_anew(const hv::WorkKind& work, std::uint64_t units);
  void account_in(isa::Mode mode);  // this hart's time, until it is told again
  Machine& machine_;
  unsigned number_;
  cpu::Hart& hart_;
  cpu::HartState& state_;
  hv::HostHypervisor& hypervisor_;
  isa::Cycles entered_at_ = 0;  // the last time
  bool trap_forgiven_ = false;
  WorkLedger::Row* work_ = nullptr;  // of the present cause and phase; null: not looked up yet
};

}  // namespace hvsim::sim
