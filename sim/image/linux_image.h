// The flat kernel image that Linux builds for RISC-V (its documentation: arch/riscv/boot-image-header.rst).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "models/cpu/isa/result.h"
#include "sim/image/image.h"

namespace hvsim::sim {

// Whether a file's first bytes are a kernel image's, of any architecture that has such a header.
bool looks_like_linux(std::span<const std::byte> start);
bool file_looks_like_linux(const std::string& path);

// What is wrong with a file as a kernel for RISC-V, as far as it tells: "is cut short: ...".
std::optional<std::string> find_kernel_problem(std::span<const std::byte> file);

// The kernel at `address`, a multiple of 2 MiB; it occupies what its header says, which is more than the
// file.
isa::Result<Image, std::string> load_linux(const std::string& path, std::uint64_t address);
// What it would occupy, or the same error; of the file only the tables are read.
isa::Result<AddressRange, std::string> find_linux(const std::string& path, std::uint64_t address);

}  // namespace hvsim::sim
