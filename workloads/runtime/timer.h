// The supervisor timer: through stimecmp where the VM may use it (Sstc), else through SBI TIME.
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"

namespace guest::timer {

void initialise(const hv::abi::BootInfo& info);

std::uint64_t now();  // in ticks of the time CSR
std::uint64_t ticks_per_second();

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};  // a deadline that is not reached

// An interrupt as soon as now() >= deadline; a pending one is withdrawn.
void arm(std::uint64_t deadline);
void disarm();

}  // namespace guest::timer
