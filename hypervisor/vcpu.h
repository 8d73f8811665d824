// One virtual CPU: its registers and its virtual timer and interrupts.
#pragma once

#include <cstdint>

#include "hypervisor/drain.h"
#include "hypervisor/exits.h"
#include "hypervisor/limits.h"
#include "hypervisor/registers.h"

namespace hv {

// Bits of Vcpu::fence_pending.
inline constexpr std::uint32_t kFenceMappings = 1, kFenceInstructions = 2;

struct Vcpu {
  GeneralRegisters general;  // first: the port finds the VCPU by it
  VsRegisters vs;
  FpRegisters fp;

  VcpuId id = kNoVcpu;  // in Hypervisor::vcpus
  std::uint16_t vm = 0;
  std::uint16_t number = 0;             // within its VM: what the guest calls its hart id
  std::uint16_t last_hart = kMaxHarts;  // whose CSRs held `vs` last
  std::uint16_t fp_hart = kMaxHarts;    // whose FP registers held `fp` last
  bool sstc = false;                    // the guest programs vstimecmp itself

  std::uint64_t timer_deadline = kNever;  // ticks; without Sstc
  // What the hypervisor was doing for it when its turn was over: it goes on with that before the VCPU goes on
  // as a guest.
  enum class Unfinished : std::uint8_t {
    nothing,
    call,    // its ECALL, which is made anew
    wait,    // to block
    starve,  // to wait for a frame
    fault,   // to end its VM for `fatal`
    end,     // to stop: its VM has ended
    entry,   // to enter it
  } unfinished = Unfinished::nothing;
  Drain drain;              // fresh unless something is unfinished
  std::uint64_t taken = 0;  // of an unfinished call's list
  Exit fatal;
  void finish() {
    unfinished = Unfinished::nothing;
    drain = {};
    taken = 0;
  }

  std::uint64_t debt_ticks = 0;  // time taken beyond earlier slices that is no whole slice
  // Written by any hart, so accessed as atomics.
  std::uint32_t software_pending = 0;  // VSSIP is to be presented at the next entry
  std::uint32_t external_pending = 0;  // level of VSEIP: the VM's PLIC has something for this VCPU
  std::uint32_t suspended = 0;         // by SBI HSM hart_suspend, until it is entered again
  std::uint32_t starved = 0;           // waits for a frame
  std::uint64_t starved_since = 0;     // ticks
  std::uint32_t fence_pending = 0;     // fences that the guest asked for while this VCPU was not on a hart
};

}  // namespace hv
