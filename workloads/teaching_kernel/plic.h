// The interrupt controller: each hart's supervisor context takes the disk's and the UART's interrupts.
#pragma once

#include "workloads/teaching_kernel/hart.h"

namespace kernel::plic {

// Context 2n + 1 is hart n's supervisor mode.
inline std::uint64_t context() { return 2 * hart_number() + 1; }

inline volatile std::uint32_t& claim_register() {
  return device_register<std::uint32_t>(kPlic + 0x20'0004 + 0x1000 * context());
}

inline void start() {
  for (const unsigned source : {kDiskInterrupt, kUartInterrupt})
    device_register<std::uint32_t>(kPlic + 4 * source) = 1;  // a priority above every threshold of 0
}

inline void start_hart() {
  device_register<std::uint32_t>(kPlic + 0x2000 + 0x80 * context()) =
      1u << kDiskInterrupt | 1u << kUartInterrupt;
  device_register<std::uint32_t>(kPlic + 0x20'0000 + 0x1000 * context()) = 0;
}

// 0: there is none, or another hart was faster.
inline std::uint32_t claim() { return claim_register(); }
inline void complete(std::uint32_t source) { claim_register() = source; }

}  // namespace kernel::plic
