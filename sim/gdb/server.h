// The commands of GDB's remote serial protocol: a packet in, an answer out, and what becomes of the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/debugger.h"
#include "sim/gdb/target.h"

namespace hvsim::gdb {

using Go = sim::Debugger::Go;  // what a hart is to do

// What ends a stop.
struct Verdict {
  enum class Kind : std::uint8_t { resume, detach, kill };
  Kind kind{};
  std::vector<Go> threads{};  // of `resume`: all of the target's, in order
};

// Why the machine stands.
struct StopReport {
  ThreadId thread = 1;
  unsigned signal = 5;  // SIGTRAP
  bool breakpoint = false;
  std::optional<cpu::WatchHit> watch{};
};

class Server {
 public:
  struct Answer {
    std::optional<std::string> reply;  // empty: "not supported"; nothing: later, when something stops
    std::optional<Verdict> verdict;
  };

  // `say` shows text in the debugger while a command runs.
  Server(Target& target, std::function<void(const std::string&)> say);

  Answer handle(const std::string& packet);
  std::string stopped(const StopReport& report);  // the stop reply; its thread becomes the current one
  void connected();                               // a new debugger, which knows of nothing
  bool acknowledges() const { return acknowledges_; }

 private:
  Answer query(std::string_view text);
  Answer resume(std::string_view actions);
  std::string features(std::string_view text) const;
  std::string registers() const;
  std::string write_registers(std::string_view text);
  std::string read_register(std::string_view text) const;
  std::string write_register(std::string_view text);
  std::string read_memory(std::string_view text) const;
  std::string write_memory(std::string_view text, bool binary);
  std::string point(std::string_view text, bool insert);
  std::string select_thread(std::string_view text);
  std::string thread_list() const;
  std::string thread_info(std::string_view text) const;
  std::string monitor(std::string_view text);
  std::string stop_reply() const;
  std::optional<ThreadId> thread(std::string_view text) const;  // 0 and -1: the current one

  Target& target_;
  std::function<void(const std::string&)> say_;
  ThreadId current_ = 1;
  StopReport last_;
  bool acknowledges_ = true;
  bool shows_breakpoints_ = false;  // GDB understands "swbreak"
};

}  // namespace hvsim::gdb
