// The symbol file of a Linux kernel: lines of address, type and name.
#pragma once

#include <string>

#include "hypervisor/abi/kernel_symbols.h"
#include "models/cpu/isa/result.h"

namespace hvsim::sim {

// The symbols that introspection needs. Failure: what is wrong with the file, in one line.
isa::Result<hv::abi::KernelSymbols, std::string> load_system_map(const std::string& path);

}  // namespace hvsim::sim
