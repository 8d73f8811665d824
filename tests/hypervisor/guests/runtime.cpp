// What gcc may call in a freestanding guest.
#include <cstddef>

extern "C" {

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void* memset(void* to, int value,
                                                                           std::size_t n) {
  for (auto* out = static_cast<unsigned char*>(to); n != 0; --n) *out++ = static_cast<unsigned char>(value);
  return to;
}
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void* memcpy(void* to, const void* from,
                                                                           std::size_t n) {
  auto* out = static_cast<unsigned char*>(to);
  for (auto* in = static_cast<const unsigned char*>(from); n != 0; --n) *out++ = *in++;
  return to;
}
int memcmp(const void* left, const void* right, std::size_t n) {
  auto* a = static_cast<const unsigned char*>(left);
  auto* b = static_cast<const unsigned char*>(right);
  for (; n != 0; --n, ++a, ++b)
    if (*a != *b) return *a - *b;
  return 0;
}
std::size_t strlen(const char* text) {
  std::size_t n = 0;
  while (text[n] != '\0') ++n;
  return n;
}
}
