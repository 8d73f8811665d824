// What the shells ask of a debugger, when there is one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/cpu/hart.h"

namespace hvsim::sim {

struct RunResult;

enum class DebugView : std::uint8_t { harts, vcpus };  // what a thread is

struct DebugOptions {
  std::string where;  // to listen: gdb::Listener::open()
  DebugView view = DebugView::harts;
};

// A session (sim/session), which is driven through a socket.
struct SessionOptions {
  int descriptor = -1;
  // Writes a result as a run directory below `directory`; what went wrong, else empty.
  std::function<std::string(const RunResult&, const std::string& directory)> write;
};

// What comes along with a run and is no part of it; at most one debugger or session.
struct Attached {
  std::optional<DebugOptions> gdb{};
  std::optional<SessionOptions> session{};
  std::string warm_ups{};  // directory where runs share what boot.fast_forward comes to; empty: none
};

class Debugger {
 public:
  enum class Go : std::uint8_t { run, step, stay };

  virtual ~Debugger() = default;
  // Before each run of a hart: how it goes on. `stay`: ask again when the hart is woken.
  virtual Go next(unsigned hart) = 0;
  // After each run or step. May take its time: nothing else happens until it returns.
  virtual void ran(unsigned hart, cpu::Stop why) = 0;
  // Before each turn of a hart, while none acts.
  virtual void between_turns() {}
  // No hart will ever do anything again. True: the debugger has changed that.
  virtual bool nothing_moves() = 0;
  // The debugger wants the run to end.
  virtual bool ended() const = 0;
  // Whether the debugger has made this another run than it would have been.
  virtual bool disturbed() const = 0;
  virtual void over(const RunResult& result) = 0;  // the run has ended
};

}  // namespace hvsim::sim
