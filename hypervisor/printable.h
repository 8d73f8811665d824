// What of a guest's output may reach a terminal: UTF-8 without control characters. For the hypervisor's
// console and for the simulator, which knows consoles without a hypervisor, too.
#pragma once

#include <cstddef>
#include <string_view>

namespace hv {

// The bytes of a character that begins with `first`: 0 if none does (Unicode, "Well-Formed UTF-8 Byte
// Sequences").
constexpr std::size_t character_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xC2 || byte > 0xF4) return 0;
  return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The bytes of the character at the front of `text`, which is not empty. 0: it is a control character, of
// which U+0080 to U+009F are some, or not UTF-8, or not whole.
constexpr std::size_t printable_bytes(std::string_view text) {
  const std::size_t bytes = character_bytes(text[0]);
  const auto at = [&](std::size_t place) { return static_cast<unsigned char>(text[place]); };
  if (bytes == 0 || bytes > text.size()) return 0;
  if (bytes == 1) return at(0) >= 0x20 && at(0) != 0x7F ? 1 : 0;
  const unsigned lowest = at(0) == 0xC2 || at(0) == 0xE0 ? 0xA0 : at(0) == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = at(0) == 0xED ? 0x9F : at(0) == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < lowest || at(1) > highest) return 0;
  for (std::size_t place = 2; place < bytes; ++place)
    if (at(place) < 0x80 || at(place) > 0xBF) return 0;
  return bytes;
}

// How many bytes at the end of `text` are the beginning of a character: 0 to 3.
constexpr std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const char byte = text[text.size() - back];
    if ((static_cast<unsigned char>(byte) & 0xC0) == 0x80) continue;  // inside a character
    return character_bytes(byte) > back ? back : 0;
  }
  return 0;
}

}  // namespace hv
