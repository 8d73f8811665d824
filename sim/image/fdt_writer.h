// Writes a flattened device tree node by node; libfdt does the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"

namespace hvsim::sim {

// The first error sticks and comes out of finish().
class FdtWriter {
 public:
  // `contents`: about how many bytes there will be, so that room for large ones is made once.
  explicit FdtWriter(std::uint64_t contents = 0);

  void begin(const std::string& node);
  void end();
  void flag(const std::string& name);
  void cell(const std::string& name, std::uint32_t value) { cells(name, {value}); }
  void cells(const std::string& name, std::initializer_list<std::uint32_t> values);
  void cells(const std::string& name, std::span<const std::uint32_t> values);
  void cells64(const std::string& name, std::initializer_list<std::uint64_t> values);
  void text(const std::string& name, const std::string& value) { texts(name, {value}); }
  void texts(const std::string& name, std::initializer_list<std::string> values) {
    texts(name, std::span(values.begin(), values.size()));
  }
  void texts(const std::string& name, std::span<const std::string> values);
  void bytes(const std::string& name, std::span<const std::byte> value);

  // Ends the root node and the tree.
  isa::Result<std::vector<std::byte>, std::string> finish();

 private:
  void apply(const std::function<int(void*)>& step);

  std::vector<std::byte> tree_;
  int error_ = 0;
};

// 256 bits of randomness for a kernel, from a seed.
void write_rng_seed(FdtWriter& tree, std::uint64_t seed);

}  // namespace hvsim::sim
