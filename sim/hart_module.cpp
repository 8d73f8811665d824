// The loop around a hart.
#include "sim/hart_module.h"

#include <algorithm>

#include "sim/transport_module.h"

namespace hvsim::sim {
namespace {

// Timers further away than this many cycles never come due in a run (SystemC's time has 64 bits too).
constexpr isa::Cycles kNever = isa::Cycles{1} << 42;

}  // namespace

HartModule::HartModule(sc_core::sc_module_name name, Machine& machine, Settings settings)
    : sc_module(name), machine_(machine), hart_(machine.hart(settings.hart)), settings_(std::move(settings)) {
  machine_.route_devices(settings_.hart, *this);
  machine_.on_interrupt(settings_.hart, [this] { interrupt_.notify(sc_core::SC_ZERO_TIME); });
  SC_HAS_PROCESS(HartModule);
  SC_THREAD(live);
}

// Harts access RAM directly; this checks that the bus would have granted the very memory that they use.
void HartModule::start_of_simulation() {
  tlm::tlm_generic_payload payload;
  payload.set_command(tlm::TLM_READ_COMMAND);
  payload.set_address(machine_.memory().ram_base().value);
  payload.set_data_length(1);
  tlm::tlm_dmi dmi;
  const auto* ram = machine_.memory().host(machine_.memory().ram_base(), 1);
  if (!socket->get_direct_mem_ptr(payload, dmi) || dmi.get_dmi_ptr() != ram)
    SC_REPORT_FATAL("hvsim", "the bus does not grant direct access to RAM");
}

void HartModule::live() {
  bool in_step = false;
  while (!machine_.finished()) {
    machine_.agenda().run_due(now());
    const cpu::RunResult ran = hart_.run(budget(), in_step);
    catch_up();
    in_step = ran.stop == cpu::Stop::synchronize;
    if (ran.stop == cpu::Stop::unexpected_trap) settings_.unexpected_trap();
    if (machine_.finished() || settings_.limit_reached()) break;
    if (ran.stop == cpu::Stop::wait_for_interrupt) sleep();
    if (ran.stop == cpu::Stop::hypervisor) enter_hypervisor();
  }
  sc_core::sc_stop();
}

// The hart stops where a device has something to do, so that it sees it happen then.
isa::Cycles HartModule::budget() {
  const isa::Cycles left = machine_.agenda().next() - hart_.hart_state().cycle;
  return std::clamp<isa::Cycles>(left, 1, settings_.quantum);
}

isa::Cycles HartModule::now() const { return sc_core::sc_time_stamp().value() / settings_.period.value(); }

sc_core::sc_time HartModule::duration(isa::Cycles cycles) const {
  return sc_core::sc_time::from_value(cycles * settings_.period.value());
}

void HartModule::catch_up() {
  const isa::Cycles ahead = hart_.hart_state().cycle - now();
  if (ahead > 0) wait(duration(ahead));
}

void HartModule::sleep() {
  asleep_ = true;
  while (!hart_.wakes() && !machine_.finished()) {
    const isa::Cycles timer = hart_.next_timer();
    if (timer - now() > kNever)
      wait(interrupt_);
    else
      wait(duration(timer - now()), interrupt_);
    hart_.idle(now() - hart_.hart_state().cycle);
  }
  asleep_ = false;
}

void HartModule::enter_hypervisor() {
  for (;;) {
    const auto next = settings_.host->enter();
    catch_up();
    if (next != HostHart::Next::idle || machine_.finished()) return;
    sleep();
    if (machine_.finished()) return;
  }
}

bool HartModule::read(isa::Hpa address, unsigned bytes, std::uint64_t& value) {
  machine_.accessed_by(settings_.hart);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  return transport(socket, tlm::TLM_READ_COMMAND, address.value, bytes, value, delay);
}

bool HartModule::write(isa::Hpa address, unsigned bytes, std::uint64_t value) {
  machine_.accessed_by(settings_.hart);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  return transport(socket, tlm::TLM_WRITE_COMMAND, address.value, bytes, value, delay);
}

}  // namespace hvsim::sim
