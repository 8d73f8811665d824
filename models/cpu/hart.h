// A hart as the machine drives it: runs for a budget of cycles and says why it stopped.
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/accountant.h"
#include "models/cpu/core.h"
#include "models/cpu/debug_points.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/interrupt_times.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/native_work.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/mark_listener.h"
#include "models/cpu/observed_code.h"
#include "models/state/archive_forward.h"
#include "models/statistics/walk_statistics.h"

namespace hvsim::cpu {

enum class Stop : std::uint8_t {
  budget,              // the cycles are used up
  wait_for_interrupt,  // WFI retired and nothing wakes the hart yet
  synchronize,         // the next instruction touches a device and other harts lag behind
  hypervisor,          // the hart is in HS- or M-mode, and hypervisor and firmware run on the host
  breakpoint,          // the next instruction lies at a breakpoint, is that of a guest that was awaited, or
                       // the observer did not let it begin
  watchpoint,          // the last instruction touched what is watched: Hart::take_watch_hit() says how
  unexpected_trap,     // M-mode's trap handler traps at its first instruction: it would do so for ever
};

struct RunResult {
  Stop stop = Stop::budget;
  std::uint64_t retired = 0;
  isa::Cycles elapsed = 0;
};

// Where accesses outside RAM go: the bus, through TLM-2.0 in a full machine.
class DevicePort {
 public:
  virtual ~DevicePort() = default;
  virtual bool read(isa::Hpa address, unsigned bytes, std::uint64_t& value) = 0;  // false: access fault
  virtual bool write(isa::Hpa address, unsigned bytes, std::uint64_t value) = 0;
  virtual bool holds(isa::Hpa address) const = 0;  // a device's registers, without touching them
};

// Counters that no cell of the CPI stack holds.
struct HartCounters {
  std::uint64_t blocks_decoded = 0, blocks_run = 0;
  std::uint64_t traps = 0, interrupts = 0;
  std::uint64_t walks = 0, walk_pte_reads_first = 0, walk_pte_reads_g = 0;
  std::uint64_t device_accesses = 0;
};

class Hart {
 public:
  virtual ~Hart() = default;

  // Runs until `budget` cycles have passed or something stops it earlier (it may overshoot by one block and
  // its stalls). `devices_in_step`: other harts have caught up, so a device access may go ahead at once.
  virtual RunResult run(isa::Cycles budget, bool devices_in_step) = 0;
  virtual void idle(isa::Cycles cycles) = 0;  // time passes in WFI

  // For debuggers. One instruction, or the one trap or interrupt that happens in its stead.
  virtual RunResult step(bool devices_in_step) = 0;
  // Null: none, and then they cost nothing. Call again after each change to them.
  virtual void set_debug_points(const DebugPoints* points) = 0;
  virtual std::optional<WatchHit> take_watch_hit() = 0;
  virtual void code_changed() = 0;  // memory was written from outside: blocks compare themselves with it
  // What the observer is told of from here on; it must have one, and `code` is copied.
  virtual void observe(const ObservedCode& code) = 0;
  // Null: nobody watches. Whoever does is told of everything from here on.
  virtual void set_witness(ProgressWitness* witness) = 0;

  // A doubleword of RAM: run() returns as soon as the block ends that has written to its page.
  virtual void set_mailbox(isa::Hpa at) = 0;
  // Null: nobody listens.
  virtual void set_mark_listener(MarkListener* listener) = 0;

  virtual void stop() = 0;  // run() returns as soon as the present block ends

  virtual HartState& hart_state() = 0;
  const HartState& hart_state() const { return const_cast<Hart*>(this)->hart_state(); }
  // Call after changing CSRs, mode or pc from outside (host hypervisor, debugger, checkpoint).
  virtual void state_changed() = 0;
  virtual void set_line(isa::Interrupt line, bool high) = 0;
  virtual void interrupts_changed() = 0;  // e.g. mtimecmp was written
  virtual bool wakes() const = 0;         // an interrupt is pending that ends WFI
  virtual isa::Cycles next_timer() const = 0;

  // Call after moving the hart to another mode and pc from outside; PMP must be as it was.
  virtual void mode_changed() = 0;
  virtual void mark(std::uint16_t kind, std::uint64_t value) = 0;  // isa::MarkKind

  // For the host hypervisor: what its port does to this hart.
  virtual void fence(const TranslationFence& fence) = 0;
  virtual void charge(Component component, isa::Cycles cycles) = 0;
  virtual void touch(isa::Hpa address, unsigned bytes, bool write) = 0;  // through the caches
  // Work was done natively: its code is fetched, then its cycles pass. The result is how many lines were not
  // in the L1I.
  virtual unsigned work(const isa::NativeWork& done, std::uint64_t units) = 0;
  virtual Accountant& accountant() = 0;
  const Accountant& accountant() const { return const_cast<Hart*>(this)->accountant(); }
  virtual const HartCounters& counters() const = 0;
  virtual const statistics::WalkStatistics& walks() const = 0;
  virtual const InterruptTimes& interrupt_times() const = 0;
  // Brings the statistics of caches and TLBs, and who they belong to, up to date. Call between runs, before
  // reading them.
  virtual void settle_statistics() = 0;
  // Forgets what accountant(), walks() and interrupt_times() have counted; counters() go on. `now`: the time
  // from which it counts again, the same for all harts of a machine.
  virtual void reset_statistics(isa::Cycles now) = 0;

  // Between runs. What software knows of the hart; call state_changed() after loading it, unless everything
  // else is loaded too: what time it takes and what was counted, into a fresh hart of the same config, after
  // memory, caches and its own state.
  virtual void persist_state(state::Archive& archive) = 0;
  virtual void persist_model(state::Archive& archive) = 0;
  // What was counted, and who runs: any other hart can go on with that.
  virtual void persist_counts(state::Archive& archive) = 0;
  // After loading state and counts, but no models: they begin empty, at the hart's time.
  virtual void begin_anew() = 0;
};

}  // namespace hvsim::cpu
