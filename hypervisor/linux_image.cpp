// The header of a RISC-V Linux Image: where it wants to lie and how much room it takes.
#include "hypervisor/linux_image.h"

namespace hv {
namespace {

constexpr std::size_t kHeaderBytes = 64, kOffsetAt = 8, kBytesAt = 16, kFlagsAt = 24, kMagicAt = 56;
constexpr std::uint64_t kMagic = 0x05435352;  // "RSC\5"
constexpr std::uint64_t kBigEndian = 1;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 32, kAlignment = 2u << 20;

std::uint64_t little_endian(std::span<const std::byte> from, std::size_t at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = bytes; i-- != 0;) value = value << 8 | std::to_integer<std::uint64_t>(from[at + i]);
  return value;
}

}  // namespace

std::optional<LinuxImage> read_linux_image(std::span<const std::byte> file) {
  if (file.size() < kHeaderBytes || little_endian(file, kMagicAt, 4) != kMagic) return std::nullopt;
  const LinuxImage image{little_endian(file, kOffsetAt, 8), little_endian(file, kBytesAt, 8)};
  const bool good = (little_endian(file, kFlagsAt, 8) & kBigEndian) == 0 && image.offset <= kMaxBytes &&
                    image.offset % kAlignment == 0 && image.bytes <= kMaxBytes && image.bytes >= file.size();
  if (!good) return std::nullopt;
  return image;
}

}  // namespace hv
