// A hart's SystemC shell: lets it run a quantum at a time, waits for the others, sleeps in WFI, and enters
// the host hypervisor when there is one.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <systemc>
#include <tlm>

#include "models/cpu/hart.h"
#include "sim/debugger.h"
#include "sim/host_hart.h"
#include "sim/machine.h"
#include "sim/recorder.h"
#include "sim/turns_module.h"

namespace hvsim::sim {

class HartModule final : public sc_core::sc_module, public cpu::DevicePort {
 public:
  tlm_utils::simple_initiator_socket<HartModule> socket{"socket"};

  struct Settings {
    unsigned hart = 0;
    isa::Cycles quantum = 10'000;
    TurnsModule& turns;
    Recorder& recorder;
    Debugger* debugger = nullptr;
    HostHart* host = nullptr;                      // set when the hypervisor runs on the host
    std::function<bool(cpu::Stop)> limit_reached;  // asked after each run; true ends the simulation
    std::function<void()> unexpected_trap;         // the hart's trap handler cannot run; ends the simulation
  };

  HartModule(sc_core::sc_module_name name, Machine& machine, Settings settings);

  // cpu::DevicePort
  bool read(isa::Hpa address, unsigned bytes, std::uint64_t& value) override;
  bool write(isa::Hpa address, unsigned bytes, std::uint64_t value) override;
  bool holds(isa::Hpa address) const override { return machine_.bus().find(address) != nullptr; }

  bool asleep() const { return shell_.asleep; }

 private:
  void live();
  void start_of_simulation() override;
  bool waits();  // until SystemC's time is the hart's, or an interrupt that ends WFI is pending
  void await_turn();
  void sleep_until(isa::Cycles due);
  void go_on();
  bool look_at_stop();  // false: the simulation ends
  void enter_host();
  cpu::Stop take_turn();
  isa::Cycles budget() const;
  bool over() const;
  Debugger::Go permission();  // waits until the debugger lets the hart go on
  isa::Cycles now() const { return settings_.turns.now(); }

  Machine& machine_;
  cpu::Hart& hart_;
  cpu::HartState& state_;  // hart_'s
  ShellState& shell_;
  Settings settings_;
};

}  // namespace hvsim::sim
