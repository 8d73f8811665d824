// Traps: from processes, from the kernel, by devices and by the timer.
#pragma once

#include "workloads/teaching_kernel/process.h"

namespace kernel {

// This hart takes traps in the kernel, and interrupts as soon as they are on.
void start_traps();

[[noreturn]] void return_to_user(Process& process);

// Ticks since the start, counted by hart 0.
std::uint64_t uptime();
void sleep_until(std::uint64_t tick);

}  // namespace kernel
