// Argument parsing without a library: splits at blanks, finds keys, checks ranges.
#include "workloads/runtime/arguments.h"

namespace guest {

namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// The digit's value, or 16 where `c` is no digit of any base up to 16.
constexpr unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

}  // namespace

bool parse_number(std::string_view text, std::uint64_t& value) {
  unsigned base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty()) return false;
  std::uint64_t result = 0;
  for (const char c : text) {
    const unsigned digit = digit_value(c);
    if (digit >= base) return false;
    if (__builtin_mul_overflow(result, base, &result)) return false;
    if (__builtin_add_overflow(result, digit, &result)) return false;
  }
  value = result;
  return true;
}

Arguments::Arguments(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && is_blank(text[at])) ++at;
    const std::size_t begin = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    if (at > begin) add(slice(text, begin, at));
  }
}

void Arguments::add(std::string_view token) {
  using Kind = ArgumentError::Kind;
  const std::size_t equals = token.find('=');
  if (equals == std::string_view::npos || equals == 0) return fail({Kind::malformed, token});
  const std::string_view key = slice(token, 0, equals);
  if (key.starts_with("bare.")) return;
  if (find(key) != nullptr) return fail({Kind::duplicate, token});
  if (count_ == kMaximumEntries) return fail({Kind::too_many, token});
  entries_[count_++] = {token, key, slice(token, equals + 1, token.size())};
}

std::uint64_t Arguments::number(std::string_view key, std::uint64_t fallback, std::uint64_t minimum,
                                std::uint64_t maximum) {
  using Kind = ArgumentError::Kind;
  Entry* entry = find(key);
  if (entry == nullptr) return fallback;
  entry->used = true;
  std::uint64_t value = 0;
  if (!parse_number(entry->value, value)) {
    fail({Kind::not_a_number, entry->token, minimum, maximum});
    return fallback;
  }
  if (value < minimum || value > maximum) {
    fail({Kind::out_of_range, entry->token, minimum, maximum});
    return fallback;
  }
  return value;
}

void Arguments::reject_unknown() {
  for (std::size_t i = 0; i < count_; ++i)
    if (!entries_[i].used) return fail({ArgumentError::Kind::unknown, entries_[i].token});
}

Arguments::Entry* Arguments::find(std::string_view key) {
  for (std::size_t i = 0; i < count_; ++i)
    if (entries_[i].key == key) return &entries_[i];
  return nullptr;
}

void Arguments::fail(ArgumentError error) {
  if (ok()) error_ = error;
}

}  // namespace guest
