// Characters stay, all else becomes an escape sequence to read.
#include "sim/printable.h"

#include <algorithm>

#include "hypervisor/printable.h"

namespace hvsim::sim {
namespace {

constexpr std::string_view kHarmlessControls = "\n\r\b\t";

std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t bytes = hv::printable_bytes(text);
    if (bytes != 0 || kHarmlessControls.find(text[0]) != std::string_view::npos) {
      result += text.substr(0, std::max<std::size_t>(bytes, 1));
    } else {
      const auto byte = static_cast<unsigned char>(text[0]);
      for (const char c : {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]})
        result += c;
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return result;
}

}  // namespace

std::string Printable::feed(std::string_view bytes) {
  begun_ += bytes;
  const std::size_t whole = begun_.size() - hv::unfinished_bytes(begun_);
  std::string text = shown(std::string_view(begun_).substr(0, whole));
  begun_.erase(0, whole);
  return text;
}

std::string Printable::finish() {
  std::string text = shown(begun_);
  begun_.clear();
  return text;
}

std::string printable_line(std::string_view line, std::size_t most) {
  std::string text = shown(line);
  if (text.size() <= most) return text;
  text.resize(most);
  text.resize(most - hv::unfinished_bytes(text));
  return text + "...";
}

}  // namespace hvsim::sim
