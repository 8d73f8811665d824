// Names for addresses of a Linux kernel, which is a flat image: its own table of symbols, or its System.map.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/image/image.h"

namespace hvsim::sim {

// By address, as linked. Those that the kernel carries for itself (CONFIG_KALLSYMS); none if it has no such
// table, or one of a form that is not known here.
std::vector<Symbol> kernel_symbols(std::span<const std::byte> kernel);

// The error is one line that names the file.
isa::Result<std::vector<Symbol>, std::string> system_map_symbols(const std::string& path);

}  // namespace hvsim::sim
