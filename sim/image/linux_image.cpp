// Kernels as flat images.
#include "sim/image/linux_image.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "hypervisor/linux_image.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

using hv::LinuxHeader;

constexpr std::uint32_t kArm = 0x644D5241, kLoongArch = 0x818223CD;

}  // namespace

bool looks_like_linux(std::span<const std::byte> start) {
  const auto header = LinuxHeader::read(start);
  return header &&
         (header->magic == LinuxHeader::kRiscv || header->magic == kArm || header->magic == kLoongArch);
}

bool file_looks_like_linux(const std::string& path) {
  std::array<std::byte, LinuxHeader::kBytes> start{};
  std::ifstream file(path, std::ios::binary);
  return file.read(reinterpret_cast<char*>(start.data()), start.size()) && looks_like_linux(start);
}

isa::Result<Image, std::string> load_linux(const std::string& path, std::uint64_t address) {
  auto bytes = read_file(path);
  if (!bytes) return isa::Failure{bytes.error()};
  const auto header = LinuxHeader::read(*bytes);
  if (!header || header->magic != LinuxHeader::kRiscv)
    return isa::Failure{
        path +
        (looks_like_linux(*bytes) ? ": is a kernel of another architecture" : ": has no kernel header") +
        ", expected a RISC-V Linux Image"};
  if ((header->flags & LinuxHeader::kBigEndian) != 0)
    return isa::Failure{path + ": is a big-endian kernel, expected a little-endian one"};
  if (address % LinuxHeader::kAlignment != 0)
    return isa::Failure{path + ": placed at " + hex(address) + ", expected a multiple of 2 MiB"};
  const std::uint64_t memory_bytes = std::max<std::uint64_t>(header->image_bytes, bytes->size());
  if (memory_bytes > ~address)
    return isa::Failure{path + ": header asks for " + hex(memory_bytes) + " bytes, expected less"};
  return Image{
      .name = path,
      .entry = address,
      .segments = {{.address = address, .memory_bytes = memory_bytes, .bytes = std::move(bytes.value())}},
      .symbols = {}};
}

}  // namespace hvsim::sim
