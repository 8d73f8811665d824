// Several VCPUs in one guest: starting them, interrupting each other (SBI HSM and IPI extensions).
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"

namespace guest::vcpus {

inline constexpr unsigned kMost = 8;

void initialise(const hv::abi::BootInfo& info);

unsigned count();  // of this VM; on a bare machine it is 1
unsigned me();     // 0..count()-1

// Runs `entry` there with a stack of its own, translation on and interrupts disabled; it stops when `entry`
// returns. One that runs or has run is not started again. False: refused.
bool start(unsigned vcpu, void (*entry)());

// A supervisor software interrupt; what was stored before is seen by its handler. For oneself, too.
void interrupt(unsigned vcpu);
void acknowledge();  // for the handler: the interrupt that it handles is pending no more

}  // namespace guest::vcpus
