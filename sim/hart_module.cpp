// The loop around a hart.
#include "sim/hart_module.h"

#include <algorithm>

#include "sim/transport_module.h"

namespace hvsim::sim {
namespace {

// Timers further away than this many cycles never come due in a run (SystemC's time has 64 bits too).
constexpr isa::Cycles kNever = isa::Cycles{1} << 42;

// For JSON, and results written in a copy of this process.
constexpr int kDebuggerStack = 4 << 20;

}  // namespace

HartModule::HartModule(sc_core::sc_module_name name, Machine& machine, Settings settings)
    : sc_module(name),
      machine_(machine),
      hart_(machine.hart(settings.hart)),
      shell_(machine.shell(settings.hart)),
      settings_(std::move(settings)) {
  machine_.route_devices(settings_.hart, *this);
  machine_.on_interrupt(settings_.hart, [this] { interrupt_.notify(sc_core::SC_ZERO_TIME); });
  SC_HAS_PROCESS(HartModule);
  SC_THREAD(live);
  if (settings_.debugger != nullptr) set_stack_size(kDebuggerStack);  // it talks on the hart's
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

// Nothing that lasts from one turn to the next is kept here: it is in the ShellState.
void HartModule::live() {
  while (!over()) {
    catch_up();
    if (shell_.asleep) {
      sleep();
      continue;
    }
    const auto go = permission();
    if (over()) break;
    machine_.agenda().run_due(now());
    const cpu::Stop why = go == Debugger::Go::step ? hart_.step(shell_.in_step).stop : take_turn();
    settings_.recorder.advanced(settings_.hart);
    shell_.in_step = why == cpu::Stop::synchronize;
    shell_.asleep = why == cpu::Stop::wait_for_interrupt;
    machine_.look_at_htif();
    if (settings_.debugger != nullptr) settings_.debugger->ran(settings_.hart, why);
    catch_up();
    machine_.reset_if_asked(settings_.hart);
    if (why == cpu::Stop::unexpected_trap) settings_.unexpected_trap();
    if (over() || settings_.limit_reached(why)) break;
    if (why != cpu::Stop::hypervisor) continue;
    hart_.hart_state().reservation.valid = false;  // the next VCPU's SC has nothing to do with it
    shell_.asleep = settings_.host->enter() == HostHart::Next::idle;
    settings_.recorder.advanced(settings_.hart);
    catch_up();
  }
  sc_core::sc_stop();
}

// A reservation from an earlier turn is no more: other harts have run since and may have written to it, if
// only what was there. So that no constrained LR/SC loop fails for ever, a turn does not end between its LR
// and its SC, which are 16 instructions apart at most (unprivileged manual, "Eventual Success of
// Store-Conditional Instructions").
cpu::Stop HartModule::take_turn() {
  constexpr unsigned most_of_a_loop = 16;
  bool& reserved = hart_.hart_state().reservation.valid;
  if (machine_.harts() > 1) reserved = false;
  cpu::Stop why = hart_.run(budget(), shell_.in_step).stop;
  for (unsigned more = 0; more < most_of_a_loop && why == cpu::Stop::budget && reserved; ++more)
    why = hart_.run(1, false).stop;
  return why;
}

// The hart stops where a device has something to do, so that it sees it happen then.
isa::Cycles HartModule::budget() const {
  const isa::Cycles next = machine_.agenda().next(), cycle = hart_.hart_state().cycle;
  return next > cycle ? std::min(next - cycle, settings_.quantum) : 1;
}

bool HartModule::over() const {
  return machine_.finished() || (settings_.debugger != nullptr && settings_.debugger->ended());
}

Debugger::Go HartModule::permission() {
  if (settings_.debugger == nullptr) return Debugger::Go::run;
  for (;;) {
    const auto go = settings_.debugger->next(settings_.hart);
    if (go != Debugger::Go::stay || over()) return go;
    wait(interrupt_);
    if (now() > hart_.hart_state().cycle)
      settings_.recorder.idle(settings_.hart, now() - hart_.hart_state().cycle);
  }
}

isa::Cycles HartModule::now() const { return sc_core::sc_time_stamp().value() / settings_.period.value(); }

sc_core::sc_time HartModule::duration(isa::Cycles cycles) const {
  return sc_core::sc_time::from_value(cycles * settings_.period.value());
}

void HartModule::catch_up() {
  while (hart_.hart_state().cycle > now()) wait(duration(hart_.hart_state().cycle - now()));
}

void HartModule::sleep() {
  while (shell_.asleep && !hart_.wakes() && !over()) {
    const isa::Cycles timer = hart_.next_timer();
    if (timer - now() > kNever)
      wait(interrupt_);
    else
      wait(duration(timer - now()), interrupt_);
    if (now() > hart_.hart_state().cycle)
      settings_.recorder.idle(settings_.hart, now() - hart_.hart_state().cycle);
  }
  if (!over()) shell_.asleep = false;
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
