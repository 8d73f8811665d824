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

// "guest_start+0x1c" of the ELF at `path`; empty: it has no symbol there, or is no ELF.
std::string symbol_at(const std::string& path, std::uint64_t address);

}  // namespace hvsim::sim
