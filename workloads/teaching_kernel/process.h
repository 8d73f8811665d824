// Processes: the table of them, who runs, who sleeps for what, and their lives from fork to wait.
#pragma once

#include "workloads/teaching_kernel/hart.h"
#include "workloads/teaching_kernel/lock.h"
#include "workloads/teaching_kernel/page_table.h"

namespace kernel {

inline constexpr unsigned kProcesses = 32;

// A process's registers while the kernel runs, and what the way into the kernel needs. trampoline.S knows
// this layout.
struct TrapFrame {
  std::uint64_t x[31];  // x1 to x31
  std::uint64_t pc, kernel_satp, kernel_stack, hart, handler;

  std::uint64_t& sp() { return x[1]; }
  std::uint64_t& a(unsigned n) { return x[9 + n]; }
};

enum class State : std::uint8_t { unused, being_made, runnable, running, sleeping, ended };

struct Process {
  State state;
  unsigned id;
  std::uint64_t status;  // that it ended with
  Process* parent;
  const void* waits_for;  // while sleeping
  PageTable* table;
  TrapFrame* frame;
  std::uint64_t heap_begin, heap_end;
  Context context;
};

// Switches from one saved context to another (switch.S).
extern "C" void switch_context(Context& from, const Context& to);

// Process 1, which begins as the program "init".
void start_first_process();

// Each hart ends up here: runs whoever is runnable, sleeps if nobody is.
[[noreturn]] void schedule();
// Bit n: hart n has run a process.
std::uint64_t harts_that_ran();

// For the process that runs here. sleep() gives up `lock` while it sleeps; wake() may be early: look again.
void yield();
void sleep(const void* event, Spinlock& lock);
void wake(const void* event);

// System calls. fork: the child's number, 0 if there is no room. wait: the number of a child that has ended,
// 0 if there is none. grow: where the new memory begins, all bits set if there is none.
unsigned fork(Process& parent);
unsigned wait(Process& parent, std::uint64_t& status);
std::uint64_t grow(Process& process, std::uint64_t bytes);
[[noreturn]] void exit(Process& process, std::uint64_t status);

}  // namespace kernel
