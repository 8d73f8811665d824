// Text of bounded length built without libc, for messages about VMs and bundles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hv {

template <std::size_t kBytes>
class BoundedText {
 public:
  BoundedText& add(std::string_view text) {
    for (const char c : text) put(c);
    return *this;
  }
  BoundedText& decimal(std::uint64_t value) {
    char digits[20];
    unsigned n = 0;
    do digits[n++] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    while (n != 0) put(digits[--n]);
    return *this;
  }
  BoundedText& hex(std::uint64_t value) {
    add("0x");
    unsigned shift = 60;
    while (shift != 0 && (value >> shift) == 0) shift -= 4;
    for (;; shift -= 4) {
      put("0123456789abcdef"[(value >> shift) & 15]);
      if (shift == 0) return *this;
    }
  }
  std::string_view view() const { return {characters_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  void put(char c) {
    if (size_ < sizeof characters_) characters_[size_++] = c;
  }
  char characters_[kBytes] = {};
  std::size_t size_ = 0;
};

using Text = BoundedText<256>;  // a line

}  // namespace hv
