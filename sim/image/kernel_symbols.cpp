// Kallsyms: number of symbols, names, markers (where each 256th name begins), token table, token index,
// offsets, the base that they are relative to, one behind the other and each aligned to 8 bytes. Names are
// sequences of tokens with a length before them; the first character is the symbol's type.
// hypervisor/sharing/linux/kallsyms.cpp finds three names of the same in the memory of a guest that may lie,
// in bounded steps and without a heap.
#include "sim/image/kernel_symbols.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include "sim/image/system_map.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kTokens = 256, kMostSymbols = 1 << 20;

constexpr std::size_t up8(std::size_t at) { return (at + 7) & ~std::size_t{7}; }

// Reads beyond the end yield zeros and are remembered.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  T at(std::size_t place) {
    T value{};
    if (place > bytes_.size() || bytes_.size() - place < sizeof value)
      missed_ = true;
    else
      std::memcpy(&value, &bytes_[place], sizeof value);
    return value;
  }
  // Up to a zero.
  std::string text(std::size_t place) {
    std::string text;
    for (char c; (c = at<char>(place++)) != 0;) text.push_back(c);
    return text;
  }
  bool missed() const { return missed_; }

 private:
  std::span<const std::byte> bytes_;
  bool missed_ = false;
};

class Table {
 public:
  Table(std::span<const std::byte> kernel, std::size_t digits) : bytes_(kernel), digits_(digits) {}

  // Empty: what looked like its tokens was something else.
  std::vector<Symbol> read() {
    if (!find_tokens() || !find_offsets() || !find_names()) return {};
    std::vector<Symbol> symbols;
    symbols.reserve(count_);
    std::size_t at = names_;
    for (std::size_t i = 0; i < count_ && !bytes_.missed(); ++i) {
      const std::string name = next_name(at);
      const std::uint64_t address = base_ + bytes_.at<std::uint32_t>(offsets_ + 4 * i);
      if (name.size() > 1) symbols.push_back({.name = name.substr(1), .address = address});
    }
    return bytes_.missed() ? std::vector<Symbol>() : symbols;
  }

 private:
  // Digits are tokens of their own, which is where the table was recognized.
  bool find_tokens() {
    std::size_t at = digits_;
    for (std::size_t token = '0'; token < kTokens; ++token) at += bytes_.text(at).size() + 1;
    index_ = up8(at);
    const std::size_t before = bytes_.at<std::uint16_t>(index_ + 2 * '0');
    if (before > digits_) return false;
    start_ = at = digits_ - before;
    for (std::size_t token = 0; token < kTokens; ++token) {
      if (bytes_.at<std::uint16_t>(index_ + 2 * token) != at - start_) return false;
      tokens_[token] = bytes_.text(at);
      at += tokens_[token].size() + 1;
    }
    return !bytes_.missed();
  }
  // Offsets are small, so the first word with a kernel address in it is the base.
  bool find_offsets() {
    offsets_ = up8(index_ + 2 * kTokens);
    for (count_ = 0; count_ < kMostSymbols && !bytes_.missed(); count_ += 2) {
      base_ = bytes_.at<std::uint64_t>(offsets_ + 4 * count_);
      if (base_ >> 32 == 0xFFFFFFFF) break;
    }
    if (count_ == 0 || count_ == kMostSymbols || bytes_.missed()) return false;
    if (bytes_.at<std::uint32_t>(offsets_ + 4 * (count_ - 1)) == 0) --count_;  // that was padding
    return true;
  }
  // The markers say how far it is from the first name to the last ones; the number of symbols is before it.
  bool find_names() {
    const std::size_t markers_count = (count_ + 255) / 256;
    const std::size_t markers_bytes = up8(4 * markers_count);
    if (markers_count < 2 || markers_bytes > start_) return false;
    const std::size_t markers = start_ - markers_bytes;
    const std::size_t last = bytes_.at<std::uint32_t>(markers + 4 * (markers_count - 1));
    for (std::size_t tail = 0; tail < 256 * 130 && last + tail + 16 <= markers; tail += 8) {
      names_ = (markers - last - tail) & ~std::size_t{7};
      if (bytes_.at<std::uint32_t>(names_ - 8) == count_) break;
    }
    std::size_t at = names_;
    for (unsigned i = 0; i < 256; ++i) next_name(at);
    return at - names_ == bytes_.at<std::uint32_t>(markers + 4) && !bytes_.missed();
  }
  std::string next_name(std::size_t& at) {
    std::size_t length = bytes_.at<std::uint8_t>(at++);
    if ((length & 0x80) != 0) length = (length & 0x7F) | std::size_t{bytes_.at<std::uint8_t>(at++)} << 7;
    std::string name;
    for (; length != 0; --length) name += tokens_[bytes_.at<std::uint8_t>(at++)];
    return name;
  }

  Bytes bytes_;
  std::size_t digits_, start_ = 0, index_ = 0, offsets_ = 0, names_ = 0, count_ = 0;
  std::uint64_t base_ = 0;
  std::array<std::string, kTokens> tokens_;
};

// A symbol reaches to the next one, and the last no further than its first byte. Of several at one address
// the last is shown: functions rather than marks like __init_begin.
std::vector<Symbol> in_order(std::vector<Symbol> symbols) {
  std::ranges::stable_sort(symbols, {}, [](const Symbol& symbol) {
    return std::pair(symbol.address, !symbol.name.starts_with("__"));
  });
  if (!symbols.empty()) symbols.back().bytes = 1;
  return symbols;
}

}  // namespace

std::vector<Symbol> kernel_symbols(std::span<const std::byte> kernel) {
  std::array<std::byte, 20> digits{};
  for (std::size_t i = 0; i < 10; ++i) digits[2 * i] = static_cast<std::byte>('0' + i);
  const std::boyer_moore_horspool_searcher searcher(digits.begin(), digits.end());
  for (auto from = kernel.begin();;) {
    const auto found = std::search(from, kernel.end(), searcher);
    if (found == kernel.end()) return {};
    auto symbols = Table(kernel, static_cast<std::size_t>(found - kernel.begin())).read();
    if (!symbols.empty()) return in_order(std::move(symbols));
    from = found + 1;
  }
}

isa::Result<std::vector<Symbol>, std::string> system_map_symbols(const std::string& path) {
  std::vector<Symbol> symbols;
  const std::string problem = read_system_map(path, [&](std::uint64_t address, const std::string& name) {
    symbols.push_back({.name = name, .address = address});
    return std::string();
  });
  if (!problem.empty()) return isa::Failure{problem};
  return in_order(std::move(symbols));
}

}  // namespace hvsim::sim
