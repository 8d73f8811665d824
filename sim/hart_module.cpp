// The loop around a hart.
#include "sim/hart_module.h"

#include <algorithm>
#include <utility>

#include "sim/transport_module.h"

namespace hvsim::sim {
namespace {

// For JSON, and results written in a copy of this process.
constexpr int kDebuggerStack = 4 << 20;

}  // namespace

HartModule::HartModule(sc_core::sc_module_name name, Machine& machine, Settings settings)
    : sc_module(name),
      machine_(machine),
      hart_(machine.hart(settings.hart)),
      state_(hart_.hart_state()),
      shell_(machine.shell(settings.hart)),
      settings_(std::move(settings)) {
  machine_.route_devices(settings_.hart, *this);
  machine_.on_interrupt(settings_.hart, [this] { settings_.turns.wake(settings_.hart); });
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

// Nothing that lasts from one turn to the next is kept here: it is in the ShellState. Each round does the one
// thing that is next, so that it does not matter where the last one was left.
void HartModule::live() {
  await_turn();
  while (!over()) {
    if (waits()) continue;
    if (!shell_.stopped)
      go_on();
    else if (!look_at_stop())
      break;
  }
  sc_core::sc_stop();
}

bool HartModule::waits() {
  const isa::Cycles cycle = state_.cycle;
  if (cycle > now()) {
    settings_.turns.turns().wait_until(settings_.hart, cycle);
    await_turn();
    return true;
  }
  if (!shell_.asleep || shell_.stopped) return false;
  shell_.asleep = !hart_.wakes();
  if (shell_.asleep) sleep_until(hart_.next_timer());
  return shell_.asleep;
}

void HartModule::await_turn() {
  settings_.turns.await(settings_.hart);
  if (now() > state_.cycle) settings_.recorder.idle(settings_.hart, now() - state_.cycle);
}

void HartModule::sleep_until(isa::Cycles due) {
  settings_.turns.turns().sleep_until(settings_.hart, due);
  await_turn();
}

void HartModule::go_on() {
  const auto go = permission();
  if (over()) return;
  machine_.agenda().run_due(now());
  const cpu::Stop why = go == Debugger::Go::step ? hart_.step(shell_.in_step).stop : take_turn();
  settings_.recorder.advanced(settings_.hart);
  shell_.in_step = why == cpu::Stop::synchronize;
  shell_.asleep = why == cpu::Stop::wait_for_interrupt;
  shell_.stopped = why;
  machine_.look_at_htif();
  if (settings_.debugger != nullptr) settings_.debugger->ran(settings_.hart, why);
}

bool HartModule::look_at_stop() {
  const cpu::Stop why = *std::exchange(shell_.stopped, std::nullopt);
  machine_.reset_if_asked(settings_.hart);
  if (why == cpu::Stop::unexpected_trap) settings_.unexpected_trap();
  if (over() || settings_.limit_reached(why)) return false;
  if (why == cpu::Stop::hypervisor) enter_host();
  if (why == cpu::Stop::breakpoint) {  // whoever waits for it may act before the hart goes on
    settings_.turns.turns().wait_until(settings_.hart, now());
    await_turn();
  }
  return true;
}

void HartModule::enter_host() {
  state_.reservation.valid = false;  // the next VCPU's SC has nothing to do with it
  shell_.asleep = settings_.host->enter() == HostHart::Next::idle;
  settings_.recorder.advanced(settings_.hart);
}

// A reservation from an earlier turn is no more: other harts have run since and may have written to it, if
// only what was there. So that no constrained LR/SC loop fails for ever, a turn does not end between its LR
// and its SC, which are 16 instructions apart at most (unprivileged manual, "Eventual Success of
// Store-Conditional Instructions").
cpu::Stop HartModule::take_turn() {
  constexpr unsigned most_of_a_loop = 16;
  bool& reserved = state_.reservation.valid;
  if (machine_.harts() > 1) reserved = false;
  cpu::Stop why = hart_.run(budget(), shell_.in_step).stop;
  for (unsigned more = 0; more < most_of_a_loop && why == cpu::Stop::budget && reserved; ++more)
    why = hart_.run(1, false).stop;
  return why;
}

// The hart stops where a device has something to do, so that it sees it happen then.
isa::Cycles HartModule::budget() const {
  const isa::Cycles next = machine_.agenda().next(), cycle = state_.cycle;
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
    sleep_until(Turns::kNever);
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
