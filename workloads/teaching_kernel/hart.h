// What each hart has of its own, and its interrupt switch.
#pragma once

#include <cstdint>

#include "workloads/runtime/csr.h"
#include "workloads/teaching_kernel/board.h"

namespace kernel {

namespace csr = hvsim::isa::csr;
using guest::csr_clear, guest::csr_read, guest::csr_set, guest::csr_write;

struct Process;

// The registers that a function keeps for its caller: all that switch_context() changes.
struct Context {
  std::uint64_t ra, sp, s[12];
};

struct Hart {
  Process* process;   // that runs here
  Context scheduler;  // where to go when it gives the hart up
  unsigned holds;     // hold_interrupts() without release_interrupts()
  bool were_on;       // interrupts, before the first of them
};
extern Hart all_harts[kMaxHarts];

// tp has the hart's number while the kernel runs. Only with interrupts off does it stay the same hart.
inline unsigned hart_number() {
  std::uint64_t number;
  asm volatile("mv %0, tp" : "=r"(number));
  return static_cast<unsigned>(number);
}
inline Hart& this_hart() { return all_harts[hart_number()]; }

inline bool interrupts_on() { return (csr_read<csr::sstatus>() & csr::kSie) != 0; }
inline void switch_interrupts_on() { csr_set<csr::sstatus>(csr::kSie); }
inline void switch_interrupts_off() { csr_clear<csr::sstatus>(csr::kSie); }

// Interrupts off until as many releases: locks nest.
inline void hold_interrupts() {
  const bool on = interrupts_on();
  switch_interrupts_off();
  Hart& hart = this_hart();
  if (hart.holds++ == 0) hart.were_on = on;
}
inline void release_interrupts() {
  Hart& hart = this_hart();
  if (--hart.holds == 0 && hart.were_on) switch_interrupts_on();
}

}  // namespace kernel
