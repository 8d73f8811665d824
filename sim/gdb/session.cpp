// The conversation, and how harts are let go.
#include "sim/gdb/session.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace hvsim::gdb {
namespace {

constexpr unsigned kInterrupt = 2, kTrap = 5;  // SIGINT, SIGTRAP
constexpr unsigned kRunsPerLook = 16;          // at the socket

}  // namespace

Session::Session(sim::Machine& machine, Listener listener, std::vector<std::string> vms)
    : machine_(machine),
      listener_(std::move(listener)),
      target_(machine, std::move(vms)),
      server_(target_, [this](const std::string& text) { send("O" + hex_bytes(text)); }),
      harts_(machine.harts(), Go::run) {}

sim::Debugger::Go Session::next(unsigned hart) {
  if (!started_) {
    started_ = true;
    attach();
    hold({.hart = hart, .signal = kTrap, .breakpoint = false, .watch = {}});
  }
  if (over_hypervisor_ == hart) {
    over_hypervisor_.reset();
    hold({.hart = hart, .signal = kTrap, .breakpoint = false, .watch = {}});
  }
  return harts_[hart];
}

void Session::ran(unsigned hart, cpu::Stop why) {
  if (killed_) return;
  StopReport report{.hart = hart, .signal = kTrap, .breakpoint = false, .watch = {}};
  switch (why) {
    case cpu::Stop::breakpoint:
      report.breakpoint = true;
      return hold(report);
    case cpu::Stop::watchpoint:
      report.watch = machine_.hart(hart).take_watch_hit();
      return hold(report);
    case cpu::Stop::synchronize:
      break;  // the instruction has not happened yet
    case cpu::Stop::hypervisor:
      if (harts_[hart] == Go::step) over_hypervisor_ = hart;
      break;
    default:
      if (harts_[hart] == Go::step) return hold(report);
  }
  if (interrupted()) {
    report.signal = kInterrupt;
    hold(report);
  }
}

bool Session::nothing_moves() {
  if (killed_ || connection_ == nullptr) return false;
  hold({.hart = 0, .signal = kInterrupt, .breakpoint = false, .watch = {}});
  if (killed_ || connection_ == nullptr) return false;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    if (harts_[hart] == Go::stay) continue;
    if (machine_.shell(hart).asleep && !machine_.hart(hart).wakes()) continue;
    machine_.wake(hart);
    return true;
  }
  return false;
}

void Session::over(int exit_code) {
  if (connection_ == nullptr) return;
  char text[8];
  std::snprintf(text, sizeof text, "W%02x", static_cast<unsigned>(exit_code) & 0xFF);
  send(text);
  connection_.reset();
}

void Session::attach() {
  std::fprintf(stderr, "gdb: waiting for a debugger: gdb-multiarch -ex 'target remote %s' ELF\n",
               listener_.target().c_str());
  if (const auto peer = listener_.accept(true)) {
    connection_ = std::make_unique<Connection>(*peer);
    reader_ = {};
    server_.connected();
  }
}

void Session::hold(const StopReport& stop) {
  StopReport report = stop;
  bool tell = running_;
  running_ = false;
  for (;;) {
    const std::string reply = server_.stopped(report);
    if (tell) send(reply);
    const auto verdict = talk();
    if (!verdict || verdict->kind == Verdict::Kind::detach) return release();
    if (verdict->kind == Verdict::Kind::kill) {
      killed_ = true;
      target_.disturb();
      return release();
    }
    running_ = true;
    target_.arm_points();
    const auto stepped = step_in_place(verdict->harts);
    if (!stepped) return let_go(verdict->harts);
    report = *stepped;
    running_ = false;
    tell = true;
  }
}

std::optional<Verdict> Session::talk() {
  while (connection_ != nullptr) {
    const auto event = reader_.next();
    if (!event) {
      const auto bytes = connection_->receive(true);
      if (!bytes) return std::nullopt;
      reader_.feed(*bytes);
      continue;
    }
    if (event->kind == Event::Kind::bad_packet && server_.acknowledges()) connection_->send("-");
    if (event->kind == Event::Kind::nack) connection_->send(last_sent_);
    if (event->kind != Event::Kind::packet) continue;
    if (server_.acknowledges()) connection_->send("+");
    const Server::Answer answer = server_.handle(event->text);
    if (answer.reply) send(*answer.reply);
    if (answer.verdict) return answer.verdict;
  }
  return std::nullopt;
}

// More than a quantum ahead of a hart that could run: it may be what the stepping one waits for.
bool Session::far_ahead(unsigned hart) const {
  const isa::Cycles mine = machine_.hart(hart).hart_state().cycle;
  for (unsigned other = 0; other < machine_.harts(); ++other) {
    const isa::Cycles theirs = machine_.hart(other).hart_state().cycle;
    if (other != hart && !machine_.shell(other).asleep && mine > theirs + machine_.config().quantum_cycles)
      return true;
  }
  return false;
}

std::optional<StopReport> Session::step_in_place(const std::vector<Go>& harts) {
  const auto found = std::ranges::find(harts, Go::step);
  if (found == harts.end()) return std::nullopt;
  const auto hart = static_cast<unsigned>(found - harts.begin());
  const bool alone = std::ranges::count(harts, Go::stay) + 1 == static_cast<std::ptrdiff_t>(harts.size());
  StopReport report{.hart = hart, .signal = kTrap, .breakpoint = false, .watch = {}};
  sim::ShellState& shell = machine_.shell(hart);
  if (shell.asleep) return alone && harts.size() > 1 ? std::optional(report) : std::nullopt;
  if (!alone && far_ahead(hart)) return std::nullopt;
  target_.disturb();
  const cpu::Stop why = machine_.hart(hart).step(true).stop;
  shell.in_step = false;
  if (why == cpu::Stop::wait_for_interrupt) shell.asleep = true;
  if (why == cpu::Stop::watchpoint) report.watch = machine_.hart(hart).take_watch_hit();
  if (machine_.finished()) return std::nullopt;
  if (why != cpu::Stop::hypervisor) return report;
  over_hypervisor_ = hart;
  return std::nullopt;
}

void Session::let_go(const std::vector<Go>& harts) {
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    const bool stayed = std::exchange(harts_[hart], harts[hart]) == Go::stay;
    if (harts[hart] != Go::run) target_.disturb();
    if (stayed && harts[hart] != Go::stay) machine_.wake(hart);
  }
}

void Session::release() {
  connection_.reset();
  over_hypervisor_.reset();
  target_.remove_points();
  target_.arm_points();
  running_ = true;
  let_go(std::vector<Go>(machine_.harts(), Go::run));
}

// Looks at the socket now and then: Ctrl-C, a debugger that left, or one that comes while the run goes on.
bool Session::interrupted() {
  if (++asked_ % kRunsPerLook != 0) return false;
  if (connection_ == nullptr) {
    const auto peer = listener_.accept(false);
    if (!peer) return false;
    connection_ = std::make_unique<Connection>(*peer);
    reader_ = {};
    server_.connected();
    running_ = false;
    return true;
  }
  const auto bytes = connection_->receive(false);
  if (!bytes) {
    release();
    return false;
  }
  reader_.feed(*bytes);
  for (;;) {
    const auto event = reader_.next();
    if (!event) return false;
    if (event->kind == Event::Kind::interrupt) return true;
    if (event->kind == Event::Kind::nack) connection_->send(last_sent_);
  }
}

void Session::send(const std::string& text) {
  last_sent_ = frame(text);
  if (connection_ != nullptr) connection_->send(last_sent_);
}

}  // namespace hvsim::gdb
