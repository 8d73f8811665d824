// Files into images, images into memory.
#include "sim/image/image.h"

#include <algorithm>

#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

std::string outside(const Image& image, const Segment& segment, const std::string& what,
                    AddressRange allowed) {
  const std::string where = allowed.bytes == 0 ? "empty " + what + " at " + hex(allowed.base)
                                               : what + " " + hex_range(allowed.base, allowed.bytes);
  return image.name + ": segment at " + hex_range(segment.address, segment.memory_bytes) +
         ", expected inside " + where;
}

const Segment* first_outside(const Image& image, AddressRange allowed) {
  for (const Segment& segment : image.segments)
    if (!allowed.holds(segment.address, segment.memory_bytes)) return &segment;
  return nullptr;
}

AddressRange extent(const Image& image) {
  const Segment& last = image.segments.back();
  const std::uint64_t base = image.segments.front().address;
  return {base, last.address + last.memory_bytes - base};
}

}  // namespace

isa::Result<Image, std::string> load_flat(const std::string& path, std::uint64_t address) {
  auto bytes = read_file(path);
  if (!bytes) return isa::Failure{bytes.error()};
  const std::uint64_t size = bytes->size();
  if (size == 0) return isa::Failure{path + ": is empty, expected a flat binary"};
  if (address > ~std::uint64_t{0} - size)
    return isa::Failure{path + ": " + std::to_string(size) + " bytes do not fit at " + hex(address)};
  return Image{.name = path,
               .entry = address,
               .segments = {{.address = address, .memory_bytes = size, .bytes = std::move(bytes.value())}},
               .symbols = {}};
}

isa::Result<std::vector<std::byte>, std::string> flatten(const Image& image, std::uint64_t base,
                                                         std::uint64_t limit_bytes) {
  const AddressRange allowed{base, limit_bytes};
  if (const Segment* bad = first_outside(image, allowed))
    return isa::Failure{outside(image, *bad, "the memory of its guest", allowed)};
  std::vector<std::byte> flat;
  for (const Segment& segment : image.segments) {
    if (segment.bytes.empty()) continue;
    flat.resize(segment.address - base);
    flat.insert(flat.end(), segment.bytes.begin(), segment.bytes.end());
  }
  return flat;
}

isa::Result<AddressRange, std::string> place(const Image& image, AddressRange ram,
                                             const MemoryWriter& write) {
  if (const Segment* bad = first_outside(image, ram)) return isa::Failure{outside(image, *bad, "RAM", ram)};
  for (const Segment& segment : image.segments)
    if (!segment.bytes.empty()) write(segment.address, segment.bytes);
  return extent(image);
}

std::optional<std::string> find_overlap(std::vector<NamedRange> ranges) {
  std::erase_if(ranges, [](const NamedRange& each) { return each.range.bytes == 0; });
  std::ranges::stable_sort(ranges, {}, [](const NamedRange& each) { return each.range.base; });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    const NamedRange &low = ranges[i - 1], &high = ranges[i];
    if (high.range.base - low.range.base < low.range.bytes)
      return high.name + " at " + hex_range(high.range.base, high.range.bytes) + " overlaps " + low.name +
             " at " + hex_range(low.range.base, low.range.bytes);
  }
  return std::nullopt;
}

const Symbol* find_symbol(const Image& image, std::string_view name) {
  const auto found = std::ranges::find(image.symbols, name, &Symbol::name);
  return found == image.symbols.end() ? nullptr : &*found;
}

const Symbol* symbol_at(const Image& image, std::uint64_t address) {
  const auto above = std::ranges::upper_bound(image.symbols, address, {}, &Symbol::address);
  // Labels without a size reach to the next symbol; a sized symbol may enclose labels.
  for (auto symbol = above; symbol != image.symbols.begin();) {
    --symbol;
    if (symbol->bytes == 0 || address - symbol->address < symbol->bytes) return &*symbol;
  }
  return nullptr;
}

}  // namespace hvsim::sim
