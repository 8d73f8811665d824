// The header of a RISC-V Linux Image: where it wants to lie and how much room it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hv {

struct LinuxImage {
  std::uint64_t offset = 0;  // from the start of memory, which is 2 MiB aligned
  std::uint64_t bytes = 0;   // in memory, with what is behind the file's end
};

// Empty: no such header (Linux, Documentation/arch/riscv/boot-image-header), or one that makes no sense.
std::optional<LinuxImage> read_linux_image(std::span<const std::byte> file);

}  // namespace hv
