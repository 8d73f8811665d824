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
  routine_iteration,   // one iteration of the routine behind `query` and `routine`
  deferral,            // a trap that brings deferrable calls to be queued, beside each of them
  enqueue,             // one deferrable call put into its VM's queue
  drain_check,         // looking whether the queue has work, once per entry
  drain_entry,         // taking one call out of the queue, beside the call's own work
  run_call,            // running one deferrable call wherever that happens, beside its routine
  publish,             // telling a VM how many of its calls have run, once per run of calls
  ring_look,           // looking whether a VCPU's ring in guest memory has new entries
  ring_entry,          // one call taken over from a ring, beside the copy
  ring_update,         // telling a guest how far its ring has been taken over
  schedule,            // one decision who runs next
  vcpu_switch,         // bookkeeping when another VCPU gets the hart
  interrupt_merge,     // finding the virtual interrupts to present, once per entry
  timer,               // programming the hart's timer
  ipi,                 // an interrupt to another hart
  fence,               // one translation fence on one hart
  lock,                // an uncontended lock and unlock
  lock_wait,           // cycles that a contended lock costs (already in cycles)
  console_byte,        // one character out
  device_access,       // decoding an access to an emulated device and performing it
  map_entry,           // one entry of a memory map read and judged
  content_word,        // eight bytes of a page hashed or compared
  copy_line,           // one 64-byte line copied, beside what the caches charge
  count
};

}  // namespace hv
