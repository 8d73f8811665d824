// The kinds of work that the core announces to its port: on the target they cost what they cost, on the host
// a cost model prices them.
#pragma once

#include <cstdint>

namespace hv {

enum class Work : std::uint8_t {
  general_register,    // one of x1..x31 stored or loaded by the world switch
  csr,                 // one CSR read or written
  fp_register,         // one of f0..f31 or fcsr stored or loaded
  exit_dispatch,       // decoding why the guest left and going to its handler
  hypercall_dispatch,  // checking and dispatching one hypercall or SBI call
  answer,              // one call that is answered in its trap: a barrier, and the answer
  routine_iteration,   // one iteration of the routine behind `query` and `routine`
  deferral,            // a trap that brings deferrable calls to be queued, beside each of them
  enqueue,             // one deferrable call put into its VM's queue
  drain_check,         // looking whether a queue has work
  drain_run,           // running calls of one VM in a row, beside each of them
  drain_entry,         // taking one call out of the queue, beside the call's own work
  run_call,            // running one deferrable call wherever that happens, beside its routine
  trap_run,            // running deferrable calls in the trap that brings them, beside each of them
  publish,             // telling a VM how many of its calls have run, once per run of calls
  ring_look,           // looking whether a VCPU's ring in guest memory has new entries
  ring_entry,          // one call taken over from a ring, beside the copy
  ring_update,         // telling a guest how far its ring has been taken over
  schedule,            // one decision who runs next
  vcpu_switch,         // bookkeeping when another VCPU gets the hart
  interrupt_merge,     // finding the virtual interrupts to present, once per entry
  timer,               // programming the hart's timer
  ipi,                 // an interrupt to another hart, until it is sent
  ipi_return,          // coming back from the firmware, which has sent it
  fence,               // one translation fence on one hart
  lock,                // an uncontended lock and unlock
  lock_wait,           // a cycle for which a taken lock is waited for
  console_byte,        // one character out
  device_access,       // decoding an access to an emulated device and performing it
  disk_request,        // a request to an emulated disk, beside what it moves
  map_entry,           // one entry of a memory map read and judged
  content_word,        // eight bytes of a page hashed or compared
  copy_line,           // one 64-byte line copied, beside what the caches charge
  zero_line,           // one 64-byte line filled with zeros, likewise
  guest_piece,         // a piece of guest memory found, to be copied, beside the words of its tables
  word_access,         // one word of RAM or of a page table read or written, beside what the caches charge
  next_word,           // the word behind the last one, likewise: in a loop over a table
  pool_call,           // pages taken from the pool or given back to it, beside each of them
  pool_page,           // one page marked as taken or as free in the pool
  time_read,           // one look at the time
  state_change,        // a VCPU changes its state in the scheduler
  line_move,           // a VCPU enters or leaves a line of those that wait or sleep
  preempt,             // taking the hart from a VCPU that could go on, beside what moves
  block,               // taking it from one that waits, beside what moves
  unload,              // taking its registers off the hart, beside them
  take,                // finding somebody for a hart without a VCPU
  wake,                // a VCPU that waited may run again
  expiry,              // a timer interrupt of the hart
  time_emulation,      // a call of the firmware: for the time without that CSR, for the timer without Sstc
  redirection,         // a trap that the firmware hands on to the hypervisor
  page_hint,           // what a guest says about pages of its memory
  hint_word,           // 64 of the pages that it is about, or fewer
  vcpu_start,          // making a VCPU ready to begin where its guest says, beside what moves
  vm_end,              // half of what ends a VM, beside what moves: telling it, and taking it apart
  ipi_receipt,         // an interrupt from another hart that the firmware hands on
  timer_receipt,       // the same of the firmware's timer, where there is no Sstc
  line_look,           // one of those that wait or run, looked at in search of who is next
  weighing,            // time weighed by its VM's share: a division
  cold_line,  // a line of code that was not in the L1I, beside the miss: branches in it are unknown, too
  idle,       // making ready to wait for an interrupt, and going on after it
  count
};

// What firmware does on the target, in M-mode.
constexpr bool is_firmware(Work work) {
  using enum Work;
  return work == ipi || work == ipi_return || work == ipi_receipt || work == timer_receipt ||
         work == redirection || work == time_emulation;
}

}  // namespace hv
