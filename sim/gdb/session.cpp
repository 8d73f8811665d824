// The conversation, and when the machine stands still.
#include "sim/gdb/session.h"

#include <cstdio>
#include <utility>

#include "sim/statistics.h"

namespace hvsim::gdb {
namespace {

constexpr unsigned kInterrupt = 2;     // SIGINT
constexpr unsigned kRunsPerLook = 16;  // at the socket

}  // namespace

Session::Session(sim::Machine& machine, Listener listener, Target& target, Pace& pace)
    : machine_(machine),
      listener_(std::move(listener)),
      target_(target),
      pace_(pace),
      server_(target_, [this](const std::string& text) { send("O" + hex_bytes(text)); }) {}

sim::Debugger::Go Session::next(unsigned hart) {
  if (!started_ && pace_.stops_at_once()) {
    attach();
    hold({.thread = pace_.present(hart)});
  }
  if (const auto stop = pace_.before(hart)) hold(*stop);
  return pace_.next(hart);
}

void Session::ran(unsigned hart, cpu::Stop why) {
  if (killed_) return;
  if (const auto stop = pace_.ran(hart, why)) {
    if (!started_) attach();
    return hold(*stop);
  }
  if (started_ && interrupted()) hold({.thread = pace_.present(hart), .signal = kInterrupt});
}

bool Session::nothing_moves() {
  if (killed_ || connection_ == nullptr) return false;
  hold({.thread = pace_.present(0), .signal = kInterrupt});
  if (killed_ || connection_ == nullptr) return false;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    if (pace_.next(hart) == Go::stay) continue;
    if (machine_.shell(hart).asleep && !machine_.hart(hart).wakes()) continue;
    machine_.wake(hart);
    return true;
  }
  return false;
}

void Session::over(const sim::RunResult& result) {
  if (connection_ == nullptr) return;
  char text[8];
  std::snprintf(text, sizeof text, "W%02x", static_cast<unsigned>(sim::exit_code(result)) & 0xFF);
  send(text);
  connection_.reset();
}

void Session::attach() {
  started_ = true;
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
    const auto at_once = pace_.go(verdict->threads);
    if (!at_once) return;
    report = *at_once;
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

void Session::release() {
  connection_.reset();
  target_.remove_points();
  target_.arm_points();
  running_ = true;
  pace_.release();
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
