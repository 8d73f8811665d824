// The memory functions that the compiler may call behind our back.
#include <cstddef>
#include <cstdint>

// Without this the compiler would recognise the loops and turn each function into a call of itself.
#pragma GCC optimize("no-tree-loop-distribute-patterns")

namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

bool word_aligned(const void* a, const void* b) {
  return ((reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b)) % kWordBytes) == 0;
}

using Word [[gnu::may_alias]] = std::uint64_t;

}  // namespace

extern "C" void* memcpy(void* target, const void* source, std::size_t count) {
  auto* to = static_cast<unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  if (word_aligned(to, from))
    for (; count >= kWordBytes; count -= kWordBytes, to += kWordBytes, from += kWordBytes)
      *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
  for (; count != 0; --count) *to++ = *from++;
  return target;
}

extern "C" void* memmove(void* target, const void* source, std::size_t count) {
  auto* to = static_cast<unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  if (to <= from) return memcpy(target, source, count);
  while (count-- != 0) to[count] = from[count];
  return target;
}

extern "C" void* memset(void* target, int value, std::size_t count) {
  auto* to = static_cast<unsigned char*>(target);
  const auto byte = static_cast<unsigned char>(value);
  if (word_aligned(to, to)) {
    const Word word = 0x0101010101010101 * std::uint64_t{byte};
    for (; count >= kWordBytes; count -= kWordBytes, to += kWordBytes) *reinterpret_cast<Word*>(to) = word;
  }
  for (; count != 0; --count) *to++ = byte;
  return target;
}

extern "C" int memcmp(const void* left, const void* right, std::size_t count) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (; count != 0; --count, ++a, ++b)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}

extern "C" std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

extern "C" void* memchr(const void* block, int value, std::size_t count) {
  const auto* at = static_cast<const unsigned char*>(block);
  for (; count != 0; --count, ++at)
    if (*at == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(at);
  return nullptr;
}
