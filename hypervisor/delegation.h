// What guests handle themselves, and which interrupts HS-mode takes: the same on every port.
#pragma once

#include <cstdint>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hv {

// Not delegated: illegal instructions (lazy FP), access faults, and what only the hypervisor can serve.
inline constexpr std::uint64_t kDelegatedExceptions =
    bit(hvsim::isa::Exception::instruction_address_misaligned) | bit(hvsim::isa::Exception::breakpoint) |
    bit(hvsim::isa::Exception::load_address_misaligned) |
    bit(hvsim::isa::Exception::store_address_misaligned) | bit(hvsim::isa::Exception::ecall_from_u) |
    bit(hvsim::isa::Exception::instruction_page_fault) | bit(hvsim::isa::Exception::load_page_fault) |
    bit(hvsim::isa::Exception::store_page_fault);

inline constexpr std::uint64_t kDelegatedInterrupts =
    bit(hvsim::isa::Interrupt::virtual_supervisor_software) |
    bit(hvsim::isa::Interrupt::virtual_supervisor_timer) |
    bit(hvsim::isa::Interrupt::virtual_supervisor_external);

inline constexpr std::uint64_t kSoftwareInterrupt = bit(hvsim::isa::Interrupt::supervisor_software);
inline constexpr std::uint64_t kTimerInterrupt = bit(hvsim::isa::Interrupt::supervisor_timer);

// Guests may read cycle, time and instret.
inline constexpr std::uint64_t kGuestCounters =
    hvsim::isa::csr::kCy | hvsim::isa::csr::kTm | hvsim::isa::csr::kIr;

}  // namespace hv
