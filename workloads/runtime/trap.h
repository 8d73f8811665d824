// Traps into the guest kernel: a table of handlers, interrupts on and off.
#pragma once

#include <cstdint>

#include "models/cpu/isa/cause.h"

namespace guest::trap {

// What trap.S keeps of the interrupted code; sepc may be changed by a handler.
struct Frame {
  std::uint64_t ra, t[7], a[8];
  std::uint64_t sepc, sstatus;
};

using Handler = void (*)(Frame&);

void initialise();
void handle(hvsim::isa::Interrupt interrupt, Handler handler);  // and enables it in sie
void handle(hvsim::isa::Exception exception, Handler handler);
void mask(hvsim::isa::Interrupt interrupt);

void enable_interrupts();
void disable_interrupts();

// Sleeps until an enabled interrupt has been handled. Call with interrupts disabled, after looking at
// what the handler changes: an interrupt in between ends the sleep at once (wfi ignores sstatus.SIE).
void sleep();

}  // namespace guest::trap
