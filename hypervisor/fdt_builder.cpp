// Writes a small flattened device tree into a buffer of its own: no heap, nothing ever written outside.
#include "hypervisor/fdt_builder.h"

namespace hv {
namespace {

// Devicetree specification, chapter 5: header, one empty reservation entry, structure, strings.
constexpr std::uint32_t kMagic = 0xd00dfeed, kVersion = 17, kLastCompatible = 16;
constexpr std::size_t kReservationsAt = 40, kStructureAt = 56;
constexpr std::uint32_t kBeginNode = 1, kEndNode = 2, kProperty = 3, kEnd = 9;

}  // namespace

FdtBuilder::FdtBuilder() : used_(kStructureAt) { begin(""); }

void FdtBuilder::byte(std::uint8_t value) {
  if (used_ == kBytes) {
    full_ = true;
    return;
  }
  tree_[used_++] = std::byte{value};
}

void FdtBuilder::word(std::uint64_t value) {
  for (unsigned shift = 32; shift != 0; shift -= 8) byte(static_cast<std::uint8_t>(value >> (shift - 8)));
}

void FdtBuilder::characters(std::string_view text) {
  for (const char c : text) byte(static_cast<std::uint8_t>(c));
}

void FdtBuilder::pad() {
  while (used_ % 4 != 0) byte(0);
}

void FdtBuilder::begin(std::string_view name) {
  word(kBeginNode);
  characters(name);
  byte(0);
  pad();
}

void FdtBuilder::begin(std::string_view name, std::uint64_t unit_address) {
  word(kBeginNode);
  characters(name);
  byte('@');
  unsigned shift = 60;
  while (shift != 0 && unit_address >> shift == 0) shift -= 4;
  for (;; shift -= 4) {
    byte(static_cast<std::uint8_t>("0123456789abcdef"[unit_address >> shift & 15]));
    if (shift == 0) break;
  }
  byte(0);
  pad();
}

void FdtBuilder::end() { word(kEndNode); }

std::uint32_t FdtBuilder::name_offset(std::string_view name) {
  for (std::size_t at = 0; at < names_used_;) {
    const std::string_view known{names_ + at};
    if (known == name) return static_cast<std::uint32_t>(at);
    at += known.size() + 1;
  }
  const std::size_t at = names_used_;
  if (kNameBytes - names_used_ <= name.size()) {
    full_ = true;
    return 0;
  }
  for (const char c : name) names_[names_used_++] = c;
  names_[names_used_++] = '\0';
  return static_cast<std::uint32_t>(at);
}

void FdtBuilder::open_property(std::string_view name, std::size_t bytes) {
  word(kProperty);
  word(bytes);
  word(name_offset(name));
}

void FdtBuilder::bytes(std::string_view name, std::span<const std::byte> value) {
  open_property(name, value.size());
  for (const std::byte each : value) byte(std::to_integer<std::uint8_t>(each));
  pad();
}

void FdtBuilder::text(std::string_view name, std::string_view value) {
  open_property(name, value.size() + 1);
  characters(value);
  byte(0);
  pad();
}

void FdtBuilder::cells(std::string_view name, std::span<const std::uint32_t> values) {
  open_property(name, 4 * values.size());
  for (const std::uint32_t value : values) word(value);
}

void FdtBuilder::cells64(std::string_view name, std::initializer_list<std::uint64_t> values) {
  open_property(name, 8 * values.size());
  for (const std::uint64_t value : values) {
    word(value >> 32);
    word(value & 0xffff'ffff);
  }
}

void FdtBuilder::store(std::size_t at, std::uint64_t value) {
  const std::size_t end = used_;
  used_ = at;
  word(value);
  used_ = end;
}

std::span<const std::byte> FdtBuilder::finish() {
  end();
  word(kEnd);
  const std::size_t strings_at = used_;
  characters({names_, names_used_});
  if (full_) return {};
  const std::uint64_t header[] = {kMagic,          used_,
                                  kStructureAt,    strings_at,
                                  kReservationsAt, kVersion,
                                  kLastCompatible, 0,
                                  names_used_,     strings_at - kStructureAt};
  std::size_t at = 0;
  for (const std::uint64_t value : header) {
    store(at, value);
    at += 4;
  }
  return {tree_, used_};
}

}  // namespace hv
