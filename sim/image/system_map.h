// The symbol file of a Linux kernel: lines of address, type and name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hypervisor/abi/kernel_symbols.h"
#include "models/cpu/isa/result.h"

namespace hvsim::sim {

// Tells of each symbol, until an error comes back. The result is that error, or that of the file, or empty.
std::string read_system_map(
    const std::string& path,
    const std::function<std::string(std::uint64_t address, const std::string& name)>& tell);

// The symbols that introspection needs. Failure: what is wrong with the file, in one line.
isa::Result<hv::abi::KernelSymbols, std::string> load_system_map(const std::string& path);

}  // namespace hvsim::sim
