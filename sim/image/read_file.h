// Files and descriptors, read to their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"

namespace hvsim::sim {

// The error says why, without a name: the caller knows what the descriptor is.
isa::Result<std::vector<std::byte>, std::string> read_all(int descriptor);
isa::Result<std::vector<std::byte>, std::string> read_content(const std::string& path);

// The error is one line with the path in front.
isa::Result<std::vector<std::byte>, std::string> read_file(const std::string& path);

// At most so many bytes of a file, from its beginning, and how long it is. The same errors.
struct FileStart {
  std::vector<std::byte> bytes;
  std::uint64_t file_bytes = 0;
};
isa::Result<FileStart, std::string> read_start(const std::string& path, std::size_t most);

}  // namespace hvsim::sim
