// Builds a line of text and writes it in one piece when it ends.
#pragma once

#include <string_view>

#include "workloads/runtime/format.h"

namespace kernel {

// Derived::write(text) is where it goes.
template <class Derived>
class LineBuffer {
 public:
  LineBuffer() = default;
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;
  ~LineBuffer() {
    text_[length_++] = '\n';
    Derived::write({text_, length_});
  }

  LineBuffer& operator<<(std::string_view text) {
    for (const char character : text)
      if (length_ + 1 < sizeof text_) text_[length_++] = character;
    return *this;
  }
  LineBuffer& operator<<(std::uint64_t value) { return *this << guest::Decimal{value}; }
  template <class Number>
  requires requires(Number number, guest::FormatBuffer& buffer) { format(number, buffer); }
  LineBuffer& operator<<(Number number) {
    guest::FormatBuffer buffer;
    return *this << format(number, buffer);
  }

 private:
  char text_[128];
  std::size_t length_ = 0;
};

}  // namespace kernel
