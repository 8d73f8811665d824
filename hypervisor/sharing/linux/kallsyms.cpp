// The symbol table that a Linux kernel carries in its own memory. Its parts lie one behind the other, each
// aligned to 8 bytes: number of symbols, names, markers (where each 256th name begins), token table, token
// index, offsets, the base that they are relative to. Names are sequences of tokens with a length before
// them.
#include "hypervisor/sharing/linux/kallsyms.h"

#include <algorithm>

namespace hv {
namespace {

constexpr std::uint64_t kMostTokens = 16;  // no wanted name has more characters, with that of the type

constexpr std::uint64_t up8(std::uint64_t at) { return (at + 7) & ~std::uint64_t{7}; }

}  // namespace

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
    while (memory.byte(at) != 0)
      if (++at - tokens_ >= kTokenBytes) return false;
    ++at;
  }
  offsets_ = up8(token_index_ + 2 * kTokens);
  symbols_ = 0;
  return true;
}

// Offsets are small, so the first word with a kernel address in it is the base.
Kallsyms::Progress Kallsyms::count(GuestWindow& memory, std::uint64_t symbols) {
  for (const std::uint64_t end = std::min(kMaxSymbols, symbols_ + symbols);; symbols_ += 2) {
    if (symbols_ == kMaxSymbols) return Progress::no;
    if (symbols_ >= end) return Progress::more;
    relative_base_ = memory.value<std::uint64_t>(offsets_ + 4 * symbols_);
    if (memory.missed()) return Progress::no;
    if (relative_base_ >> 32 == 0xFFFFFFFF) break;
  }
  if (symbols_ == 0) return Progress::no;
  if (memory.value<std::uint32_t>(offsets_ + 4 * (symbols_ - 1)) == 0) --symbols_;  // that was padding
  return find_names(memory) ? Progress::yes : Progress::no;
}

std::uint64_t Kallsyms::entry_bytes(GuestWindow& memory, std::uint64_t at) const {
  const std::uint64_t length = memory.byte(at);
  return (length & 0x80) == 0 ? 1 + length : 2 + ((length & 0x7F) | std::uint64_t{memory.byte(at + 1)} << 7);
}

// The names begin behind the number of symbols, and the markers say how far it is from there to the last
// ones.
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

void Kallsyms::copy_tokens(GuestWindow& memory, Tokens& tokens) const {
  for (std::uint64_t i = 0; i < kTokens; ++i)
    tokens.index[i] =
        static_cast<std::uint16_t>(memory.value<std::uint16_t>(token_index_ + 2 * i) % kTokenBytes);
  for (std::uint64_t i = 0; i < kTokenBytes; ++i)
    tokens.text[i] = static_cast<char>(memory.byte(tokens_ + i));
  tokens.text.back() = 0;
}

// Which of the wanted names the tokens at [at, end) spell, wanted_count for none. Their first character is
// the symbol's type. Most symbols differ in one of the first characters.
unsigned Kallsyms::match(GuestWindow& memory, const Tokens& tokens, std::uint64_t at,
                         std::uint64_t end) const {
  unsigned candidates = (1u << wanted_count) - 1;
  std::size_t length = 0;
  for (bool type = true; at != end; ++at)
    for (const char* c = &tokens.text[tokens.index[memory.byte(at)]]; *c != 0; ++c) {
      if (type) {
        type = false;
        continue;
      }
      for (unsigned i = 0; i < wanted_count; ++i)
        if (length >= kNames[i].size() || kNames[i][length] != *c) candidates &= ~(1u << i);
      if (candidates == 0) return wanted_count;
      ++length;
    }
  for (unsigned i = 0; i < wanted_count; ++i)
    if ((candidates >> i & 1) != 0 && kNames[i].size() == length) return i;
  return wanted_count;
}

bool Kallsyms::step(GuestWindow& memory, std::uint64_t symbols) {
  Tokens tokens;
  copy_tokens(memory, tokens);
  for (; symbols != 0 && next_symbol_ < symbols_; --symbols, ++next_symbol_) {
    const std::uint64_t end = next_name_ + entry_bytes(memory, next_name_);
    const std::uint64_t begin = next_name_ + ((memory.byte(next_name_) & 0x80) == 0 ? 1 : 2);
    const unsigned found = end - begin <= kMostTokens ? match(memory, tokens, begin, end) : wanted_count;
    if (found != wanted_count)
      found_[found] = relative_base_ + memory.value<std::uint32_t>(offsets_ + 4 * next_symbol_);
    next_name_ = end;
  }
  return next_symbol_ == symbols_;
}

}  // namespace hv
