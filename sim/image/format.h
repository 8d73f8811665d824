// Small helpers for messages: std::format does not exist in the compiler this project supports.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

namespace hvsim::sim {

inline std::string hex(std::uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

// "0x80000000..0x87ffffff" for a range of at least one byte.
inline std::string hex_range(std::uint64_t base, std::uint64_t bytes) {
  return hex(base) + ".." + hex(base + (bytes - 1));
}

}  // namespace hvsim::sim
