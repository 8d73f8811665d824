// The lives of processes: the first one, fork, exit, wait, and memory that grows.
#include "workloads/teaching_kernel/memory.h"
#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/process_table.h"
#include "workloads/teaching_kernel/program.h"
#include "workloads/teaching_kernel/trap.h"

namespace kernel {
namespace {

Process* first;
unsigned last_id;

// A process runs for the first time: switch_context() returns here, with the table's lock held.
void begin() {
  table_lock.unlock();
  Process& process = *this_hart().process;
  if (process.id == 1 && !load_program(process, "init", ""))
    panic("there is no program \"init\" on the disk");
  return_to_user(process);
}

Process* take_slot() {
  const Holding holding(table_lock);
  for (Process& process : processes) {
    if (process.state != State::unused) continue;
    process.state = State::being_made;
    process.id = ++last_id;
    return &process;
  }
  return nullptr;
}

void clear_slot(Process& process) {
  if (process.table != nullptr) free_user_table(process.table);
  if (process.frame != nullptr) free_frame(process.frame);
  process = {};
}

// With a table that holds nothing of its own; null: no room.
Process* make_process() {
  Process* process = take_slot();
  if (process == nullptr) return nullptr;
  process->frame = static_cast<TrapFrame*>(allocate_frame());
  if (process->frame != nullptr) process->table = make_user_table(process->frame);
  if (process->table == nullptr) {
    clear_slot(*process);
    return nullptr;
  }
  const auto slot = static_cast<unsigned>(process - processes);
  process->frame->kernel_stack = kernel_stack(slot) + kPageBytes;
  process->context.ra = reinterpret_cast<std::uint64_t>(begin);
  process->context.sp = process->frame->kernel_stack;
  return process;
}

void make_runnable(Process& process, Process* parent) {
  const Holding holding(table_lock);
  process.parent = parent;
  process.state = State::runnable;
}

}  // namespace

void start_first_process() {
  first = make_process();
  if (first == nullptr) panic("no memory for the first process");
  make_runnable(*first, nullptr);
}

unsigned fork(Process& parent) {
  Process* child = make_process();
  if (child == nullptr) return 0;
  if (!copy_user_pages(*parent.table, *child->table)) {
    clear_slot(*child);
    return 0;
  }
  const std::uint64_t stack = child->frame->kernel_stack;
  *child->frame = *parent.frame;
  child->frame->kernel_stack = stack;
  child->frame->a(0) = 0;
  child->heap_begin = parent.heap_begin;
  child->heap_end = parent.heap_end;
  const unsigned id = child->id;
  make_runnable(*child, &parent);
  return id;
}

// Children without a parent become the first process's. Its own end is the machine's.
void exit(Process& process, std::uint64_t status) {
  if (&process == first) power_off(static_cast<unsigned>(status));
  table_lock.lock();
  for (Process& other : processes)
    if (other.parent == &process) other.parent = first;
  process.status = status;
  process.state = State::ended;
  wake_holding_table(process.parent);
  wake_holding_table(first);
  give_up_for_good();
  panic("an ended process runs");
}

unsigned wait(Process& parent, std::uint64_t& status) {
  const Holding holding(table_lock);
  while (true) {
    bool any = false;
    for (Process& child : processes) {
      if (child.parent != &parent) continue;
      any = true;
      if (child.state != State::ended) continue;
      const unsigned id = child.id;
      status = child.status;
      clear_slot(child);
      return id;
    }
    if (!any) return 0;
    sleep(&parent, table_lock);
  }
}

std::uint64_t grow(Process& process, std::uint64_t bytes) {
  constexpr std::uint64_t kFailed = ~std::uint64_t{0};
  const std::uint64_t begin = process.heap_end;
  if (bytes > kUserStackTop - (kUserStackPages + 1) * kPageBytes - begin) return kFailed;
  for (; process.heap_end < begin + bytes; process.heap_end += kPageBytes)
    if (add_user_page(*process.table, process.heap_end, pte::r | pte::w) == nullptr) return kFailed;
  return begin;
}

}  // namespace kernel
