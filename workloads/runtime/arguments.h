// The workload's arguments, "key=value key=value": typed look-ups with defaults, the first mistake kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guest {

struct ArgumentError {
  enum class Kind : std::uint8_t {
    none,
    malformed,
    duplicate,
    not_a_number,
    out_of_range,
    unknown,
    too_many
  };
  Kind kind = Kind::none;
  std::string_view token;                  // as written, "key=value"
  std::uint64_t minimum = 0, maximum = 0;  // for not_a_number and out_of_range
};

class Arguments {
 public:
  // Keys that begin with "bare." speak to the machine-mode monitor of the bare images, not to workloads.
  explicit Arguments(std::string_view text);

  // The value of `key`, or `fallback` where it is absent or wrong. Decimal, or hexadecimal after 0x.
  std::uint64_t number(std::string_view key, std::uint64_t fallback, std::uint64_t minimum,
                       std::uint64_t maximum);

  // After all look-ups: a key that nobody asked for is a mistake.
  void reject_unknown();

  bool ok() const { return error_.kind == ArgumentError::Kind::none; }
  const ArgumentError& error() const { return error_; }

 private:
  struct Entry {
    std::string_view token, key, value;
    bool used = false;
  };
  static constexpr std::size_t kMaximumEntries = 32;

  void add(std::string_view token);
  Entry* find(std::string_view key);
  void fail(ArgumentError error);

  std::array<Entry, kMaximumEntries> entries_{};
  std::size_t count_ = 0;
  ArgumentError error_;
};

// text[begin, end) without the bounds exception of substr, which an image could not link.
constexpr std::string_view slice(std::string_view text, std::size_t begin, std::size_t end) {
  return {text.data() + begin, end - begin};
}

// Reads all of `text` as a number; false where it is none or does not fit 64 bits.
bool parse_number(std::string_view text, std::uint64_t& value);

}  // namespace guest
