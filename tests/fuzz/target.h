// A fuzz target: something that must survive any bytes, and bytes that it is known to understand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace hvsim::fuzz {

using Bytes = std::vector<std::uint8_t>;

struct Target {
  std::string_view name;
  void (*run)(std::span<const std::uint8_t>);
  std::vector<Bytes> (*seeds)();  // where mutation starts
};

// Those of this program; each has its folder and its table.
std::span<const Target> targets();

#define HVSIM_FUZZ_DECLARE(name)                  \
  void name(std::span<const std::uint8_t> bytes); \
  std::vector<Bytes> name##_seeds();
#define HVSIM_FUZZ_ENTRY(name) {#name, name, name##_seeds},
// The table of all targets that LIST(X) names by X(target).
#define HVSIM_FUZZ_TABLE(LIST)                                 \
  namespace hvsim::fuzz {                                      \
  LIST(HVSIM_FUZZ_DECLARE)                                     \
  std::span<const Target> targets() {                          \
    static constexpr Target kAll[] = {LIST(HVSIM_FUZZ_ENTRY)}; \
    return kAll;                                               \
  }                                                            \
  }

// Takes an input apart from its front; zeros when it has ended.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  bool empty() const { return left_.empty(); }
  template <class T>
  T take() {
    T value{};
    const auto bytes = take_bytes(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  std::span<const std::uint8_t> take_bytes(std::size_t count) {
    const auto taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> left_;
};

// Builds a seed: values one after the other, as Input takes them.
class Script {
 public:
  template <class T>
  Script& add(T value) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(from[i]);
    return *this;
  }
  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace hvsim::fuzz
