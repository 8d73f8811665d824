// What the hypervisor's work costs when it runs natively: one number per kind of work, all of them cycles.
#pragma once

#include <cstdint>

#include "hypervisor/work.h"
#include "models/cpu/isa/types.h"

namespace hv {

// Defaults follow, by hand, what the target build was seen to need on the default machine: the CPI cells of
// configs/experiments/dlh_notification.json by phase, whose cycles per exit and per call are a line in the
// number of calls per exit. The twin tests print how far the totals are apart. Guest memory and page tables
// are not in here: the machine's cache model prices them (HostHart::touch). Nor are trap entry and SRET: the
// hart's timing charges those.
struct CostModel {
  std::uint32_t general_register = 2;      // cycles per integer register moved (62 per exit and entry)
  std::uint32_t csr = 14;                  // cycles per CSR read or write
  std::uint32_t fp_register = 1;           // cycles per floating-point register moved
  std::uint32_t exit_dispatch = 60;        // cycles per exit, to find out why and where to go
  std::uint32_t hypercall_dispatch = 185;  // cycles per hypercall or SBI call, beside its routine
  std::uint32_t routine_iteration = 10;    // cycles per iteration of a hypercall routine
  std::uint32_t deferral = 280;            // cycles per trap that brings calls to be queued
  std::uint32_t enqueue = 100;             // cycles per deferrable call queued
  std::uint32_t drain_check = 85;          // cycles per VM entry to look at the queue
  std::uint32_t drain_entry = 31;          // cycles per call taken from the queue, beside running it
  std::uint32_t run_call = 145;            // cycles per deferrable call run, beside its routine
  std::uint32_t publish = 234;             // cycles to tell a VM what has run, once per run of calls
  std::uint32_t ring_look = 110;           // cycles to look at one VCPU's ring, beside reading its index
  std::uint32_t ring_entry = 158;          // cycles per call taken over from a ring, beside the copy
  std::uint32_t ring_update = 380;         // cycles to tell a guest how far its ring has been taken over
  std::uint32_t schedule = 200;            // cycles per scheduler decision
  std::uint32_t vcpu_switch = 120;         // cycles when another VCPU gets the hart, beside its registers
  std::uint32_t interrupt_merge = 175;     // cycles per VM entry to find virtual interrupts
  std::uint32_t timer = 60;                // cycles to program the hart's timer
  std::uint32_t ipi = 1000;                // cycles to interrupt another hart (through the firmware)
  std::uint32_t fence = 60;                // cycles per translation fence on one hart
  std::uint32_t lock = 60;                 // cycles to take and release a free lock
  std::uint32_t console_byte = 90;         // cycles per character written to the UART
  std::uint32_t device_access = 400;       // cycles to decode and perform an access to an emulated device
  std::uint32_t map_entry = 120;           // cycles to read and judge an entry of a memory map
  std::uint32_t content_word = 6;          // cycles to hash or compare eight bytes of a page
  std::uint32_t copy_line = 25;            // cycles to copy a 64-byte line that hits

  constexpr hvsim::isa::Cycles cycles(Work work) const {
    switch (work) {
      case Work::general_register:
        return general_register;
      case Work::csr:
        return csr;
      case Work::fp_register:
        return fp_register;
      case Work::exit_dispatch:
        return exit_dispatch;
      case Work::hypercall_dispatch:
        return hypercall_dispatch;
      case Work::routine_iteration:
        return routine_iteration;
      case Work::deferral:
        return deferral;
      case Work::enqueue:
        return enqueue;
      case Work::drain_check:
        return drain_check;
      case Work::drain_entry:
        return drain_entry;
      case Work::run_call:
        return run_call;
      case Work::publish:
        return publish;
      case Work::ring_look:
        return ring_look;
      case Work::ring_entry:
        return ring_entry;
      case Work::ring_update:
        return ring_update;
      case Work::schedule:
        return schedule;
      case Work::vcpu_switch:
        return vcpu_switch;
      case Work::interrupt_merge:
        return interrupt_merge;
      case Work::timer:
        return timer;
      case Work::ipi:
        return ipi;
      case Work::fence:
        return fence;
      case Work::lock:
        return lock;
      case Work::lock_wait:
        return 1;
      case Work::console_byte:
        return console_byte;
      case Work::device_access:
        return device_access;
      case Work::map_entry:
        return map_entry;
      case Work::content_word:
        return content_word;
      case Work::copy_line:
        return copy_line;
      case Work::count:
        return 0;
    }
    return 0;
  }
};

}  // namespace hv
