// The header: 64 bytes, little-endian, in front of the code that it jumps to.
#include "sim/image/linux_image.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <string_view>

#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kImageSize = 16, kFlags = 24, kMagic2 = 56;  // offsets
constexpr std::uint64_t kBigEndian = 1;                            // in flags
constexpr std::uint64_t kAlignment = std::uint64_t{2} << 20;
constexpr std::string_view kRiscv{"RSC\x05", 4}, kArm{"ARM\x64", 4}, kLoongArch{"\xCD\x23\x82\x81", 4};

std::string_view magic(std::span<const std::byte> start) {
  if (start.size() < kHeaderBytes) return {};
  return {reinterpret_cast<const char*>(start.data()) + kMagic2, 4};
}

std::uint64_t word(std::span<const std::byte> start, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, start.data() + offset, sizeof value);
  return value;
}

}  // namespace

bool looks_like_linux(std::span<const std::byte> start) {
  const std::string_view found = magic(start);
  return found == kRiscv || found == kArm || found == kLoongArch;
}

bool file_looks_like_linux(const std::string& path) {
  std::array<std::byte, kHeaderBytes> start{};
  std::ifstream file(path, std::ios::binary);
  return file.read(reinterpret_cast<char*>(start.data()), start.size()) && looks_like_linux(start);
}

isa::Result<Image, std::string> load_linux(const std::string& path, std::uint64_t address) {
  auto bytes = read_file(path);
  if (!bytes) return isa::Failure{bytes.error()};
  if (magic(*bytes) != kRiscv)
    return isa::Failure{
        path +
        (looks_like_linux(*bytes) ? ": is a kernel of another architecture" : ": has no kernel header") +
        ", expected a RISC-V Linux Image"};
  if ((word(*bytes, kFlags) & kBigEndian) != 0)
    return isa::Failure{path + ": is a big-endian kernel, expected a little-endian one"};
  if (address % kAlignment != 0)
    return isa::Failure{path + ": placed at " + hex(address) + ", expected a multiple of 2 MiB"};
  const std::uint64_t memory_bytes = std::max<std::uint64_t>(word(*bytes, kImageSize), bytes->size());
  if (memory_bytes > ~address)
    return isa::Failure{path + ": header asks for " + hex(memory_bytes) + " bytes, expected less"};
  return Image{
      .name = path,
      .entry = address,
      .segments = {{.address = address, .memory_bytes = memory_bytes, .bytes = std::move(bytes.value())}},
      .symbols = {}};
}

}  // namespace hvsim::sim
