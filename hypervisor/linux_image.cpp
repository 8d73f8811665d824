// What a guest's kernel may ask for.
#include "hypervisor/linux_image.h"

namespace hv {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 32;

}  // namespace

std::optional<LinuxImage> read_linux_image(std::span<const std::byte> file) {
  const auto header = LinuxHeader::read(file);
  if (!header || header->magic != LinuxHeader::kRiscv) return std::nullopt;
  const bool good = (header->flags & LinuxHeader::kBigEndian) == 0 && header->offset <= kMaxBytes &&
                    header->offset % LinuxHeader::kAlignment == 0 && header->image_bytes <= kMaxBytes &&
                    header->image_bytes >= file.size();
  if (!good) return std::nullopt;
  return LinuxImage{header->offset, header->image_bytes};
}

}  // namespace hv
