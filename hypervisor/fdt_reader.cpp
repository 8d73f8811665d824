// Reads a flattened device tree that may be garbage: every offset is checked, nothing is ever read outside.
#include "hypervisor/fdt_reader.h"

namespace hv {
namespace {

constexpr std::uint32_t kMagic = 0xd00dfeed, kHeaderBytes = 40;
constexpr std::uint32_t kBeginNode = 1, kEndNode = 2, kProperty = 3, kNop = 4, kEnd = 9;
constexpr unsigned kMaxDepth = 16;

constexpr std::uint32_t align4(std::uint32_t at) { return (at + 3u) & ~3u; }

}  // namespace

std::uint64_t fdt_cells(std::span<const std::byte> value, std::size_t first_cell, unsigned cells) {
  std::uint64_t result = 0;
  for (std::size_t i = first_cell * 4; i < (first_cell + cells) * 4; ++i)
    result = (result << 8) | std::to_integer<std::uint64_t>(value[i]);
  return result;
}

std::uint32_t FdtReader::word(std::uint32_t at) const {
  return static_cast<std::uint32_t>(fdt_cells(blob_.subspan(at, 4), 0, 1));
}

std::string_view FdtReader::view(std::uint32_t at, std::uint32_t bytes) const {
  return {reinterpret_cast<const char*>(blob_.data()) + at, bytes};
}

// Length of the NUL-terminated string at `at`, if it ends before `end`.
std::optional<std::uint32_t> FdtReader::string_length(std::uint32_t at, std::uint32_t end) const {
  for (std::uint32_t i = at; i < end; ++i)
    if (blob_[i] == std::byte{0}) return i - at;
  return std::nullopt;
}

std::optional<FdtReader> FdtReader::open(std::span<const std::byte> blob) {
  if (blob.size() < kHeaderBytes || blob.size() > 0x7fffffff) return std::nullopt;
  FdtReader tree;
  tree.blob_ = blob;
  const std::uint64_t total = tree.word(4);
  if (tree.word(0) != kMagic || total < kHeaderBytes || total > blob.size()) return std::nullopt;
  tree.blob_ = blob.first(static_cast<std::size_t>(total));
  const std::uint64_t structure = tree.word(8), strings = tree.word(12), reservations = tree.word(16);
  const std::uint64_t strings_bytes = tree.word(32), structure_bytes = tree.word(36);
  const bool version_ok = tree.word(20) >= 17 && tree.word(24) <= 17;
  if (!version_ok || structure % 4 != 0 || reservations % 8 != 0 || structure + structure_bytes > total ||
      strings + strings_bytes > total || reservations + 16 > total)
    return std::nullopt;
  tree.structure_ = static_cast<std::uint32_t>(structure);
  tree.structure_end_ = static_cast<std::uint32_t>(structure + structure_bytes);
  tree.strings_ = static_cast<std::uint32_t>(strings);
  tree.strings_end_ = static_cast<std::uint32_t>(strings + strings_bytes);
  tree.reservations_ = static_cast<std::uint32_t>(reservations);
  if (!tree.well_formed()) return std::nullopt;
  return tree;
}

// The token at `at`; empty when any part of it lies outside the structure or strings block.
std::optional<FdtReader::Token> FdtReader::token(std::uint32_t at) const {
  const auto fits = [this](std::uint64_t from, std::uint64_t bytes) {
    return from + bytes <= structure_end_;
  };
  if (!fits(at, 4)) return std::nullopt;
  Token result;
  result.kind = word(at);
  result.next = at + 4;
  if (result.kind == kBeginNode) {
    const auto length = string_length(at + 4, structure_end_);
    if (!length) return std::nullopt;
    result.name = at + 4;
    result.name_bytes = *length;
    result.next = align4(result.name + *length + 1);
  } else if (result.kind == kProperty) {
    if (!fits(at, 12)) return std::nullopt;
    result.value = at + 12;
    result.value_bytes = word(at + 4);
    const std::uint64_t name = std::uint64_t{strings_} + word(at + 8);
    if (!fits(result.value, result.value_bytes) || name >= strings_end_) return std::nullopt;
    const auto length = string_length(static_cast<std::uint32_t>(name), strings_end_);
    if (!length) return std::nullopt;
    result.name = static_cast<std::uint32_t>(name);
    result.name_bytes = *length;
    result.next = align4(result.value + result.value_bytes);
  } else if (result.kind != kEndNode && result.kind != kNop && result.kind != kEnd) {
    return std::nullopt;
  }
  return result.next <= structure_end_ ? std::optional{result} : std::nullopt;
}

// One pass: a single root node, everything nested, properties before children, FDT_END behind it.
bool FdtReader::well_formed() {
  unsigned depth = 0;
  bool root_seen = false;
  bool child_seen[kMaxDepth + 1] = {};
  for (std::uint32_t at = structure_;;) {
    const auto current = token(at);
    if (!current) return false;
    switch (current->kind) {
      case kBeginNode:
        if (depth == kMaxDepth || (depth == 0 && root_seen)) return false;
        if (depth == 0) root_ = at;
        root_seen = true;
        child_seen[depth] = true;
        child_seen[++depth] = false;
        break;
      case kEndNode:
        if (depth-- == 0) return false;
        break;
      case kProperty:
        if (depth == 0 || child_seen[depth]) return false;
        break;
      case kEnd:
        return depth == 0 && root_seen;
      default:
        break;
    }
    at = current->next;
  }
}

// From here on the structure is known to be well formed: tokens exist and nodes end.

std::string_view FdtReader::name(Node node) const {
  const auto begin = token(node.offset);
  return view(begin->name, begin->name_bytes);
}

std::optional<FdtReader::Node> FdtReader::first_child(Node node) const {
  for (std::uint32_t at = token(node.offset)->next;;) {
    const auto current = token(at);
    if (current->kind == kBeginNode) return Node{at};
    if (current->kind == kEndNode) return std::nullopt;
    at = current->next;
  }
}

std::uint32_t FdtReader::after(Node node) const {
  unsigned depth = 0;
  for (std::uint32_t at = node.offset;;) {
    const auto current = token(at);
    at = current->next;
    if (current->kind == kBeginNode) ++depth;
    if (current->kind == kEndNode && --depth == 0) return at;
  }
}

std::optional<FdtReader::Node> FdtReader::next_sibling(Node node) const {
  if (node.offset == root_) return std::nullopt;
  for (std::uint32_t at = after(node);;) {
    const auto current = token(at);
    if (current->kind == kBeginNode) return Node{at};
    if (current->kind != kNop) return std::nullopt;
    at = current->next;
  }
}

std::optional<FdtReader::Node> FdtReader::child(Node node, std::string_view wanted) const {
  for (auto at = first_child(node); at; at = next_sibling(*at)) {
    const std::string_view full = name(*at);
    const bool matches =
        full.starts_with(wanted) && (full.size() == wanted.size() || full.data()[wanted.size()] == '@');
    if (matches) return at;
  }
  return std::nullopt;
}

std::optional<std::span<const std::byte>> FdtReader::property(Node node, std::string_view wanted) const {
  for (std::uint32_t at = token(node.offset)->next;;) {
    const auto current = token(at);
    if (current->kind == kBeginNode || current->kind == kEndNode) return std::nullopt;
    if (current->kind == kProperty && view(current->name, current->name_bytes) == wanted)
      return blob_.subspan(current->value, current->value_bytes);
    at = current->next;
  }
}

std::optional<std::uint32_t> FdtReader::u32(Node node, std::string_view wanted) const {
  const auto value = property(node, wanted);
  if (!value || value->size() != 4) return std::nullopt;
  return static_cast<std::uint32_t>(fdt_cells(*value, 0, 1));
}

std::optional<std::uint64_t> FdtReader::number(Node node, std::string_view wanted) const {
  const auto value = property(node, wanted);
  if (!value || (value->size() != 4 && value->size() != 8)) return std::nullopt;
  return fdt_cells(*value, 0, static_cast<unsigned>(value->size() / 4));
}

std::optional<std::string_view> FdtReader::text(Node node, std::string_view wanted) const {
  const auto value = property(node, wanted);
  if (!value) return std::nullopt;
  for (std::size_t i = 0; i < value->size(); ++i)
    if ((*value)[i] == std::byte{0}) return std::string_view{reinterpret_cast<const char*>(value->data()), i};
  return std::nullopt;
}

bool FdtReader::is_compatible(Node node, std::string_view with) const {
  const auto value = property(node, "compatible");
  if (!value) return false;
  const auto* characters = reinterpret_cast<const char*>(value->data());
  std::size_t start = 0;
  for (std::size_t i = 0; i < value->size(); ++i) {
    if (characters[i] != '\0') continue;
    if (std::string_view{characters + start, i - start} == with) return true;
    start = i + 1;
  }
  return false;
}

FdtReader::Reservation FdtReader::reservation(unsigned index) const {
  for (unsigned i = 0;; ++i) {
    const std::uint64_t at = reservations_ + std::uint64_t{16} * i;
    if (at + 16 > blob_.size()) return {};
    const auto entry = blob_.subspan(static_cast<std::size_t>(at), 16);
    const Reservation result{fdt_cells(entry, 0, 2), fdt_cells(entry, 2, 2)};
    if (result.bytes == 0 || i == index) return result;
  }
}

}  // namespace hv
