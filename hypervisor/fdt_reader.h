// Reads a flattened device tree that may be garbage: every offset is checked, nothing is ever read outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hv {

class FdtReader {
 public:
  // A node is the position of its FDT_BEGIN_NODE token; only this class makes them.
  struct Node {
    std::uint32_t offset = 0;
  };

  // Checks the whole structure once (devicetree specification, chapter 5). Empty: this is no device tree, or
  // it is cut short or malformed.
  static std::optional<FdtReader> open(std::span<const std::byte> blob);

  Node root() const { return {root_}; }
  std::string_view name(Node node) const;  // with its unit address
  std::optional<Node> first_child(Node node) const;
  std::optional<Node> next_sibling(Node node) const;
  std::optional<Node> child(Node node, std::string_view name) const;  // unit address ignored unless named

  std::optional<std::span<const std::byte>> property(Node node, std::string_view name) const;
  std::optional<std::uint32_t> u32(Node node, std::string_view name) const;
  std::optional<std::uint64_t> number(Node node, std::string_view name) const;   // one cell or two
  std::optional<std::string_view> text(Node node, std::string_view name) const;  // first string, complete
  bool is_compatible(Node node, std::string_view with) const;                    // any of the strings

  // The entry at `index` of the memory reservation block; bytes == 0: there is none.
  struct Reservation {
    std::uint64_t base = 0, bytes = 0;
  };
  Reservation reservation(unsigned index) const;
  std::uint32_t total_bytes() const { return static_cast<std::uint32_t>(blob_.size()); }

 private:
  struct Token {
    std::uint32_t kind = 0, next = 0;          // next: where the following token starts
    std::uint32_t name = 0, name_bytes = 0;    // begin_node: in the blob; property: in the blob, too
    std::uint32_t value = 0, value_bytes = 0;  // property
  };
  std::optional<Token> token(std::uint32_t at) const;
  std::optional<std::uint32_t> string_length(std::uint32_t at, std::uint32_t end) const;
  std::uint32_t word(std::uint32_t at) const;
  std::uint32_t after(Node node) const;  // behind the matching FDT_END_NODE
  std::string_view view(std::uint32_t at, std::uint32_t bytes) const;
  bool well_formed();

  std::span<const std::byte> blob_;
  std::uint32_t structure_ = 0, structure_end_ = 0, strings_ = 0, strings_end_ = 0, reservations_ = 0,
                root_ = 0;
};

// Big-endian cells inside a property; the caller has checked the bounds.
std::uint64_t fdt_cells(std::span<const std::byte> value, std::size_t first_cell, unsigned cells);

}  // namespace hv
