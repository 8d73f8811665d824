// Files and descriptors, read to their end.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"

namespace hvsim::sim {

// The error says why, without a name: the caller knows what the descriptor is.
isa::Result<std::vector<std::byte>, std::string> read_all(int descriptor);
isa::Result<std::vector<std::byte>, std::string> read_content(const std::string& path);

// The error is one line with the path in front.
isa::Result<std::vector<std::byte>, std::string> read_file(const std::string& path);

}  // namespace hvsim::sim
