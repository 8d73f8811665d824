// How threads move: what GDB wants of them, in terms of harts. One for each view.
#pragma once

#include <optional>
#include <vector>

#include "sim/debugger.h"
#include "sim/gdb/server.h"

namespace hvsim::gdb {

class Pace {
 public:
  virtual ~Pace() = default;

  // Whether the debugger is waited for before the first instruction, or at the first stop that ran() reports.
  virtual bool stops_at_once() const = 0;
  // A stop that is due before the hart goes on.
  virtual std::optional<StopReport> before(unsigned hart) = 0;
  virtual Go next(unsigned hart) const = 0;
  // A hart has run. Nothing: GDB need not know.
  virtual std::optional<StopReport> ran(unsigned hart, cpu::Stop why) = 0;
  // The thread that a hart runs, or any if it runs none.
  virtual ThreadId present(unsigned hart) const = 0;

  // GDB lets threads go. What can be done without time passing elsewhere is done at once: then the stop that
  // ends it.
  virtual std::optional<StopReport> go(const std::vector<Go>& threads) = 0;
  virtual void release() = 0;  // nobody debugs any more
};

// More than a quantum ahead of a hart that could run: it may be what this one waits for.
bool far_ahead(const sim::Machine& machine, unsigned hart);
// One step, outside the hart's turn.
cpu::Stop step_now(sim::Machine& machine, unsigned hart);

}  // namespace hvsim::gdb
