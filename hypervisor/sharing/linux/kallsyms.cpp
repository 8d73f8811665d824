// The symbol table that a Linux kernel carries in its own memory. Its parts lie one behind the other, each
// aligned to 8 bytes: number of symbols, names, markers (where each 256th name begins), token table, token
// index, offsets, the base that they are relative to. Names are sequences of tokens with a length before them.
#include "hypervisor/sharing/linux/kallsyms.h"

namespace hv {
namespace {

constexpr std::uint64_t up8(std::uint64_t at) { return (at + 7) & ~std::uint64_t{7}; }

}  // namespace

// Four digits in a row with zeros between, at either alignment.
bool Kallsyms::looks_like_digits(std::uint64_t word) {
  constexpr std::uint64_t odd = 0xFF00FF00FF00FF00, steps = 0x0003000200010000;
  if ((word & odd) != 0) word >>= (word & ~odd) == 0 ? 8 : 0;
  if ((word & odd) != 0) return false;
  const std::uint64_t first = word & 0xFF;
  return first >= '0' && first <= '6' && word == first * 0x0001000100010001 + steps;
}

bool Kallsyms::open(GuestWindow& memory, std::uint64_t digits) {
  for (std::uint64_t i = 0; i < 20; ++i)
    if (memory.byte(digits + i) != (i % 2 == 0 ? '0' + i / 2 : 0)) return false;
  std::uint64_t at = digits;
  for (std::uint64_t token = '0'; token < kTokens; ++token) {  // to the end of the table
    std::uint64_t length = 0;
    while (memory.byte(at) != 0 && ++length < 64) ++at;
    if (length == 64) return false;
    ++at;
  }
  token_index_ = up8(at);
  tokens_ = digits - memory.value<std::uint16_t>(token_index_ + 2 * '0');
  at = tokens_;
  for (std::uint64_t token = 0; token < kTokens; ++token) {
    if (memory.value<std::uint16_t>(token_index_ + 2 * token) != at - tokens_) return false;
    while (memory.byte(at) != 0) ++at;
    ++at;
  }
  return find_tables(memory) && find_names(memory);
}

// Offsets are small, so the first word with a kernel address in it is the base.
bool Kallsyms::find_tables(GuestWindow& memory) {
  offsets_ = up8(token_index_ + 2 * kTokens);
  for (symbols_ = 0; symbols_ < kMaxSymbols; symbols_ += 2) {
    relative_base_ = memory.value<std::uint64_t>(offsets_ + 4 * symbols_);
    if (memory.missed()) return false;
    if (relative_base_ >> 32 == 0xFFFFFFFF) break;
  }
  if (symbols_ == 0 || symbols_ == kMaxSymbols) return false;
  if (memory.value<std::uint32_t>(offsets_ + 4 * (symbols_ - 1)) == 0) --symbols_;  // that was padding
  return true;
}

std::uint64_t Kallsyms::entry_bytes(GuestWindow& memory, std::uint64_t at) const {
  const std::uint64_t length = memory.byte(at);
  return (length & 0x80) == 0 ? 1 + length : 2 + ((length & 0x7F) | std::uint64_t{memory.byte(at + 1)} << 7);
}

// The names begin behind the number of symbols, and the markers say how far it is from there to the last ones.
bool Kallsyms::find_names(GuestWindow& memory) {
  const std::uint64_t count = (symbols_ + 255) / 256;
  const std::uint64_t markers = tokens_ - up8(4 * count);
  if (count < 2 || memory.value<std::uint32_t>(markers) != 0) return false;
  const std::uint64_t last = memory.value<std::uint32_t>(markers + 4 * (count - 1));
  for (std::uint64_t tail = 0; tail < 256 * 130; tail += 8) {
    names_ = (markers - last - tail) & ~std::uint64_t{7};
    if (memory.value<std::uint32_t>(names_ - 8) == symbols_) break;
  }
  std::uint64_t at = names_;
  for (unsigned i = 0; i < 256; ++i) at += entry_bytes(memory, at);
  next_symbol_ = 0;
  next_name_ = names_;
  return at - names_ == memory.value<std::uint32_t>(markers + 4);
}

// Without the first character, which is the symbol's type; longer names than any that is wanted are cut.
std::string_view Kallsyms::expand(GuestWindow& memory, std::uint64_t at) {
  std::uint64_t length = memory.byte(at++);
  if ((length & 0x80) != 0) length = (length & 0x7F) | std::uint64_t{memory.byte(at++)} << 7;
  std::size_t size = 0;
  bool type = true;
  for (; length != 0 && size < name_.size(); --length) {
    const std::uint8_t token = memory.byte(at++);
    std::uint64_t from = tokens_ + memory.value<std::uint16_t>(token_index_ + 2 * token);
    for (std::uint8_t c = memory.byte(from); c != 0 && size < name_.size(); c = memory.byte(++from)) {
      if (!type) name_[size++] = static_cast<char>(c);
      type = false;
    }
  }
  return {name_.data(), size};
}

bool Kallsyms::step(GuestWindow& memory, std::uint64_t symbols) {
  for (; symbols != 0 && next_symbol_ < symbols_; --symbols, ++next_symbol_) {
    const std::uint64_t bytes = entry_bytes(memory, next_name_);
    if (bytes <= name_.size()) {
      const std::string_view name = expand(memory, next_name_);
      for (unsigned i = 0; i < wanted_count; ++i)
        if (name == kNames[i])
          found_[i] = relative_base_ + memory.value<std::uint32_t>(offsets_ + 4 * next_symbol_);
    }
    next_name_ += bytes;
  }
  return next_symbol_ == symbols_;
}

}  // namespace hv
