// What a workload defines, and the exit codes that workloads share.
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"
#include "workloads/runtime/arguments.h"

namespace guest {

const hv::abi::BootInfo& boot_information();

inline constexpr std::uint64_t kExitPass = 0;
inline constexpr std::uint64_t kExitFail = 1;       // a self-check failed; the console says which
inline constexpr std::uint64_t kExitArguments = 2;  // wrong arguments, or memory too small for them
inline constexpr std::uint64_t kExitTrap = 3;       // a trap that nobody handles
inline constexpr std::uint64_t kExitBoot = 4;       // no boot information

// Ends the VM with an error line if an argument was wrong or is unknown. Call after all look-ups.
void require_valid(Arguments& arguments);

// Ends the VM with an error line: `what` does not fit the VM's memory.
[[noreturn]] void out_of_memory(const char* what);

// The workload. Runs with translation on and interrupts disabled; its result is the exit code.
std::uint64_t workload_main(Arguments& arguments);

}  // namespace guest
