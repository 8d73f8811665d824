// An image: what a file asks to have in memory before a machine or a guest starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/image/read_file.h"

namespace hvsim::sim {

// Memory is zero where `bytes` ends before `memory_bytes` does.
struct Segment {
  std::uint64_t address = 0;  // physical
  std::uint64_t memory_bytes = 0;
  std::vector<std::byte> bytes{};
};

struct Symbol {
  std::string name;
  std::uint64_t address = 0;  // as linked
  std::uint64_t bytes = 0;
};

// Instructions, as linked: an executable section, or a segment of a file without sections.
struct CodeSection {
  std::string name;
  std::uint64_t address = 0;
  std::vector<std::byte> bytes{};
};

struct Image {
  std::string name;                 // for messages: the file it came from
  std::uint64_t entry = 0;          // physical
  std::vector<Segment> segments{};  // by address, never empty, disjoint
  std::vector<Symbol> symbols{};    // by address, then name
  std::vector<CodeSection> code{};  // as in the file
};

// [base, base + bytes); never wraps around.
struct AddressRange {
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  // Whether [address, address + length) lies inside.
  bool holds(std::uint64_t address, std::uint64_t length) const {
    return address >= base && length <= bytes && address - base <= bytes - length;
  }
};

// A file without format, to be found at `address` and entered there.
isa::Result<Image, std::string> load_flat(const std::string& path, std::uint64_t address);

// The image as one run of bytes from `base` to the last byte that the file holds, zeros in the gaps. No
// segment may lie outside [base, base + limit_bytes), not even the zeros at its end, which are left out
// as in `objcopy -O binary`: a guest's memory is zero when it starts.
isa::Result<std::vector<std::byte>, std::string> flatten(const Image& image, std::uint64_t base,
                                                         std::uint64_t limit_bytes);

using MemoryWriter = std::function<void(std::uint64_t address, std::span<const std::byte> bytes)>;

// Writes all segments, or nothing if one lies outside `ram`. RAM is zero when a machine starts, so that
// what the segments leave to be zero is not written. The result is the range that the image occupies.
isa::Result<AddressRange, std::string> place(const Image& image, AddressRange ram, const MemoryWriter& write);

// An error that names both if two of the ranges overlap.
struct NamedRange {
  std::string name;
  AddressRange range;
};
std::optional<std::string> find_overlap(std::vector<NamedRange> ranges);

const Symbol* find_symbol(const Image& image, std::string_view name);
const Symbol* symbol_at(const Image& image, std::uint64_t address);

}  // namespace hvsim::sim
