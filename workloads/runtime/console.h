// The console: text and numbers, collected into console_write calls of up to 32 characters.
#pragma once

#include <cstdint>
#include <string_view>

#include "workloads/runtime/format.h"

namespace guest::console {

void write(std::string_view text);
inline void write(char character) { write(std::string_view{&character, 1}); }

// Hands over what is collected; a line's end does that by itself.
void flush();

template <class Number>
requires requires(Number number, FormatBuffer& buffer) { format(number, buffer); }
inline void write(Number number) {
  FormatBuffer buffer;
  write(format(number, buffer));
}

template <class... Parts>
void print(const Parts&... parts) {
  (write(parts), ...);
}

}  // namespace guest::console
