// The header of a Linux Image (Linux, Documentation/arch/riscv/boot-image-header): 64 bytes in front of the
// code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hv {

struct LinuxHeader {
  static constexpr std::size_t kBytes = 64;
  static constexpr std::uint32_t kRiscv = 0x05435352;  // "RSC\5"; other architectures have other words there
  static constexpr std::uint64_t kBigEndian = 1;       // in flags
  static constexpr std::uint64_t kAlignment = 2u << 20;

  std::uint64_t offset = 0;       // from the start of memory, which is 2 MiB aligned
  std::uint64_t image_bytes = 0;  // in memory, with what is behind the file's end
  std::uint64_t flags = 0;
  std::uint32_t magic = 0;

  // Whatever the bytes say; empty: too few.
  static constexpr std::optional<LinuxHeader> read(std::span<const std::byte> file) {
    if (file.size() < kBytes) return std::nullopt;
    const auto word = [file](std::size_t at, unsigned bytes) {
      std::uint64_t value = 0;
      for (unsigned i = bytes; i-- != 0;) value = value << 8 | std::to_integer<std::uint64_t>(file[at + i]);
      return value;
    };
    return LinuxHeader{word(8, 8), word(16, 8), word(24, 8), static_cast<std::uint32_t>(word(56, 4))};
  }
};

struct LinuxImage {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// Where the image of a guest's kernel wants to lie and how much room it takes. Empty: it has no such header,
// or one that makes no sense.
std::optional<LinuxImage> read_linux_image(std::span<const std::byte> file);

}  // namespace hv
