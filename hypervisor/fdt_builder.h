// Writes a small flattened device tree into a buffer of its own: no heap, nothing ever written outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace hv {

class FdtBuilder {
 public:
  static constexpr std::size_t kBytes = 8192;

  FdtBuilder();
  void begin(std::string_view name);
  void begin(std::string_view name, std::uint64_t unit_address);  // "name@hex"
  void end();
  void flag(std::string_view name) { bytes(name, {}); }
  void bytes(std::string_view name, std::span<const std::byte> value);
  void cell(std::string_view name, std::uint32_t value) { cells(name, {value}); }
  void cells(std::string_view name, std::initializer_list<std::uint32_t> values) {
    cells(name, std::span(values.begin(), values.size()));
  }
  void cells(std::string_view name, std::span<const std::uint32_t> values);
  void cells64(std::string_view name, std::initializer_list<std::uint64_t> values);
  void text(std::string_view name, std::string_view value);
  // Ends the root node and the tree. Empty: it did not fit.
  std::span<const std::byte> finish();

 private:
  static constexpr std::size_t kNameBytes = 768;
  void open_property(std::string_view name, std::size_t bytes);
  std::uint32_t name_offset(std::string_view name);
  void byte(std::uint8_t value);
  void word(std::uint64_t value);
  void characters(std::string_view text);
  void pad();
  void store(std::size_t at, std::uint64_t value);

  std::byte tree_[kBytes] = {};
  char names_[kNameBytes] = {};
  std::size_t used_, names_used_ = 0;
  bool full_ = false;
};

}  // namespace hv
