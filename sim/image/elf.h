// ELF64 RISC-V executables.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sim/image/image.h"

namespace hvsim::sim {

bool is_elf(std::span<const std::byte> file);  // by its magic number

// Errors are one line: file, field, value found, value expected.
isa::Result<Image, std::string> parse_elf(std::span<const std::byte> file, const std::string& name);
isa::Result<Image, std::string> load_elf(const std::string& path);

}  // namespace hvsim::sim
