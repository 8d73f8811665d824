// Hypercalls: answered at once, or deferred the way this VM's delivery mode asks for.
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"

namespace guest::hypercall {

using hv::abi::Hypercall;

struct Answer {
  std::int64_t error;
  std::uint64_t value;
};

// Which VM this is, as `vm_info` tells.
struct VmInfo {
  std::uint32_t vm, vms, vcpus;
};

// What became of all deferrable calls so far.
struct Settlement {
  std::uint64_t issued;     // by this runtime, console output included
  std::uint64_t completed;  // SharedPage::completed
  std::uint64_t failed;     // refused, or status `failed`
  bool ok() const { return completed == issued && failed == 0; }
};

void initialise(const hv::abi::BootInfo& info);

// Each VCPU has a ring, a batch and status slots of its own, so that all of them may call at once; those of
// others are not seen by a fence before they have been handed over.
//
// A synchronous call. Collected deferrable calls are handed over first, so that order is kept.
// Not from interrupt handlers, as is true of `defer`.
Answer call_now(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0);

// A deferrable call, handed over as BootInfo::delivery asks for: by an ecall each (`immediate`, `free`, and
// all with one call per notification), by `notify` in batches of BootInfo::calls_per_notification
// (`multicall`, `softirq`, `dlh`), or through the ring, which traps only if the hypervisor asks for it or it
// is full
// (`dlh_ring`, `polling`).
void defer(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
           std::uint64_t a3 = 0, std::uint64_t a4 = 0);

// The same for a call that may fail for no fault of ours, such as an event to a VM that has ended: nobody
// asks for its status.
void defer_unwatched(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0);

// The same, and the calling VCPU is interrupted (VSSIP) when it has run. False: too many calls with a status
// are on their way; nothing was done.
bool defer_with_interrupt(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0);

// Hands over what is collected, without waiting for it to run.
void flush();

// Hands over and fences, then compares the books of all VCPUs; the others have nothing on their way.
Settlement settle();

std::uint64_t issued();  // deferrable calls so far, console output included
VmInfo vm_info();
hv::abi::SharedPage* shared_page();
[[noreturn]] void power_off(std::uint64_t code);

// Any SBI call; the runtime needs TIME beside its own extension.
Answer sbi(std::uint64_t extension, std::uint64_t function, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
           std::uint64_t a2 = 0, std::uint64_t a3 = 0, std::uint64_t a4 = 0, std::uint64_t a5 = 0);

}  // namespace guest::hypercall
