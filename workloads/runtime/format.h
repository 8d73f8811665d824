// Numbers as text, into a caller's buffer: decimal, hexadecimal, fixed point.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guest {

using FormatBuffer = std::array<char, 24>;

struct Decimal {
  std::uint64_t value;
};
struct Hex {
  std::uint64_t value;
  unsigned digits = 16;
};
// value / 10^decimals, e.g. {1234, 2} is "12.34".
struct Fixed {
  std::uint64_t value;
  unsigned decimals;
};

constexpr std::string_view format(Decimal number, FormatBuffer& buffer) {
  std::size_t at = buffer.size();
  do {
    buffer[--at] = static_cast<char>('0' + number.value % 10);
    number.value /= 10;
  } while (number.value != 0);
  return {buffer.data() + at, buffer.size() - at};
}

constexpr std::string_view format(Hex number, FormatBuffer& buffer) {
  const std::size_t digits = number.digits < 16 ? number.digits : 16;
  for (std::size_t i = 0; i < digits; ++i)
    buffer[digits - 1 - i] = "0123456789abcdef"[(number.value >> (4 * i)) & 15];
  return {buffer.data(), digits};
}

constexpr std::string_view format(Fixed number, FormatBuffer& buffer) {
  std::size_t at = buffer.size();
  for (unsigned written = 0; number.value != 0 || written <= number.decimals; ++written) {
    if (written == number.decimals && written != 0) buffer[--at] = '.';
    buffer[--at] = static_cast<char>('0' + number.value % 10);
    number.value /= 10;
    if (at <= 1) break;
  }
  return {buffer.data() + at, buffer.size() - at};
}

}  // namespace guest
