// Kernels as flat images.
#include "sim/image/linux_image.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "hypervisor/linux_image.h"
#include "sim/image/file_kind.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

using hv::LinuxHeader;

constexpr std::uint32_t kArm = 0x644D5241, kLoongArch = 0x818223CD;

// Numbers of a file, little-endian; none beyond its end.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> file) : file_(file) {}
  std::optional<std::uint64_t> at(std::uint64_t offset, unsigned bytes) const {
    if (offset > file_.size() || bytes > file_.size() - offset) return std::nullopt;
    std::uint64_t value = 0;
    for (unsigned i = bytes; i-- != 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(file_[static_cast<std::size_t>(offset + i)]);
    return value;
  }

 private:
  std::span<const std::byte> file_;
};

constexpr std::uint64_t kBeyond = ~std::uint64_t{0};  // not even the tables are there

// Where the file of a kernel that is an EFI program too must at least end, by its section table (Microsoft's
// "PE Format": COFF header, section headers). The header of the others tells only of memory, bss included.
std::uint64_t least_file_bytes(std::span<const std::byte> file) {
  constexpr std::uint64_t mz = 0x5A4D, pe = 0x4550;
  constexpr std::uint64_t header_bytes = 24, section_bytes = 40;
  const Fields fields(file);
  const std::uint64_t header = fields.at(60, 4).value_or(0);
  if (fields.at(0, 2) != mz || header == 0) return 0;
  const auto signature = fields.at(header, 4), sections = fields.at(header + 6, 2),
             optional_bytes = fields.at(header + 20, 2);
  if (!optional_bytes) return kBeyond;
  if (signature != pe) return 0;
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < *sections; ++i) {
    const std::uint64_t section = header + header_bytes + *optional_bytes + i * section_bytes;
    const auto bytes = fields.at(section + 16, 4), offset = fields.at(section + 20, 4);
    if (!offset) return kBeyond;
    if (*bytes != 0) end = std::max(end, *offset + *bytes);
  }
  return end;
}

// Of a file of so many bytes, whose tables are at its start.
std::optional<std::string> problem_of(std::span<const std::byte> start, std::uint64_t file_bytes) {
  constexpr char wanted[] = ", expected a RISC-V Linux Image";
  const auto header = LinuxHeader::read(start);
  const bool kernel = looks_like_linux(start);
  if (!kernel || header->magic != LinuxHeader::kRiscv)
    return (kernel ? "is a kernel of another architecture"
                   : "has no kernel header (it " + kind_of_file(start) + ")") +
           wanted;
  if ((header->flags & LinuxHeader::kBigEndian) != 0)
    return "is a big-endian kernel, expected a little-endian one";
  const std::uint64_t least = least_file_bytes(start);
  if (least <= file_bytes) return std::nullopt;
  return "is cut short: it has " + std::to_string(file_bytes) + " bytes, expected " +
         (least == kBeyond ? "all of its section table" : std::to_string(least) + " by its section table");
}

// Of one without a problem.
isa::Result<AddressRange, std::string> range_of(const std::string& path, std::span<const std::byte> start,
                                                std::uint64_t file_bytes, std::uint64_t address) {
  if (address % LinuxHeader::kAlignment != 0)
    return isa::Failure{path + ": placed at " + hex(address) + ", expected a multiple of 2 MiB"};
  const std::uint64_t memory_bytes =
      std::max<std::uint64_t>(LinuxHeader::read(start)->image_bytes, file_bytes);
  if (memory_bytes > ~address)
    return isa::Failure{path + ": header asks for " + hex(memory_bytes) + " bytes, expected less"};
  return AddressRange{address, memory_bytes};
}

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

std::optional<std::string> find_kernel_problem(std::span<const std::byte> file) {
  return problem_of(file, file.size());
}

isa::Result<Image, std::string> load_linux(const std::string& path, std::uint64_t address) {
  auto bytes = read_file(path);
  if (!bytes) return isa::Failure{bytes.error()};
  if (const auto problem = find_kernel_problem(*bytes)) return isa::Failure{path + ": " + *problem};
  const auto range = range_of(path, *bytes, bytes->size(), address);
  if (!range) return isa::Failure{range.error()};
  Image image{.name = path, .entry = address};
  image.segments.push_back(
      {.address = address, .memory_bytes = range->bytes, .bytes = std::move(bytes.value())});
  return image;
}

isa::Result<AddressRange, std::string> find_linux(const std::string& path, std::uint64_t address) {
  constexpr std::size_t tables_bytes = std::size_t{64} << 10;  // that of stock kernels is in the first page
  const auto start = read_start(path, tables_bytes);
  if (!start) return isa::Failure{start.error()};
  if (!problem_of(start->bytes, start->file_bytes))
    return range_of(path, start->bytes, start->file_bytes, address);
  const auto image = load_linux(path, address);  // unless its tables are elsewhere, it says what is wrong
  if (!image) return isa::Failure{image.error()};
  return AddressRange{address, image->segments.front().memory_bytes};
}

}  // namespace hvsim::sim
