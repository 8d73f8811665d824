// Which process runs on which hart. One lock guards the table of processes. It is held across each switch of
// contexts: who is switched to releases it.
#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/process_table.h"

namespace kernel {

Process processes[kProcesses];
Spinlock table_lock;
Hart all_harts[kMaxHarts];

namespace {

std::uint64_t ran;  // a bit per hart

// Into the scheduler's context of this hart. Interrupts' state before the lock goes with the process, which
// may come back on another hart.
void give_up_hart(Process& process) {
  if (this_hart().holds != 1) panic("a process sleeps with a lock held");
  const bool were_on = this_hart().were_on;
  switch_context(process.context, this_hart().scheduler);
  this_hart().were_on = were_on;
}

bool run_all() {
  bool any = false;
  const Holding holding(table_lock);
  for (Process& process : processes) {
    if (process.state != State::runnable) continue;
    any = true;
    process.state = State::running;
    this_hart().process = &process;
    ran |= std::uint64_t{1} << hart_number();
    switch_context(this_hart().scheduler, process.context);
    this_hart().process = nullptr;
  }
  return any;
}

Process& running() { return *this_hart().process; }

}  // namespace

std::uint64_t harts_that_ran() {
  const Holding holding(table_lock);
  return ran;
}

// Interrupts are off from looking for work to WFI, so one that brings work wakes the hart. What another hart
// makes runnable waits for the next tick.
void schedule() {
  while (true) {
    switch_interrupts_off();
    if (!run_all()) guest::wait_for_interrupt();
    switch_interrupts_on();
  }
}

void yield() {
  const Holding holding(table_lock);
  running().state = State::runnable;
  give_up_hart(running());
}

void give_up_for_good() { give_up_hart(running()); }

// The table's lock is taken before the event's is given up: no wake() falls between.
void sleep(const void* event, Spinlock& lock) {
  const bool both = &lock != &table_lock;
  if (both) {
    table_lock.lock();
    lock.unlock();
  }
  Process& process = running();
  process.waits_for = event;
  process.state = State::sleeping;
  give_up_hart(process);
  if (both) {
    table_lock.unlock();
    lock.lock();
  }
}

void wake_holding_table(const void* event) {
  for (Process& process : processes)
    if (process.state == State::sleeping && process.waits_for == event) process.state = State::runnable;
}

void wake(const void* event) {
  const Holding holding(table_lock);
  wake_holding_table(event);
}

}  // namespace kernel
