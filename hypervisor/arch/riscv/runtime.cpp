// The functions that gcc may call in any freestanding program, word-wise where alignment allows.
#include <cstddef>
#include <cstdint>

// Without the attribute gcc recognises these loops and replaces them by calls to themselves.
#define HV_PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))

namespace {

using Word [[gnu::may_alias]] = std::uint64_t;

bool word_aligned(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(Word) == 0;
}

}  // namespace

extern "C" {

// From a source at another offset within its words: each word read once, two of them shifted together. The
// words read hold at least one byte each of what is copied, so nothing outside is touched.
HV_PLAIN_LOOPS static void copy_shifted(Word* words, const unsigned char* in, std::size_t count) {
  const auto misfit = reinterpret_cast<std::uintptr_t>(in) % sizeof(Word);
  const auto* source = reinterpret_cast<const Word*>(in - misfit);
  const unsigned low = static_cast<unsigned>(8 * misfit), high = 64 - low;
  for (Word before = *source; count != 0; --count) {
    const Word after = *++source;
    *words++ = before >> low | after << high;
    before = after;
  }
}

HV_PLAIN_LOOPS void* memcpy(void* to, const void* from, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (word_aligned(out) && word_aligned(in)) {
    for (; bytes >= 32; bytes -= 32, out += 32, in += 32) {
      auto* words = reinterpret_cast<Word*>(out);
      const auto* source = reinterpret_cast<const Word*>(in);
      const Word a = source[0], b = source[1], c = source[2], d = source[3];
      words[0] = a, words[1] = b, words[2] = c, words[3] = d;
    }
    for (; bytes >= 8; bytes -= 8, out += 8, in += 8)
      *reinterpret_cast<Word*>(out) = *reinterpret_cast<const Word*>(in);
  }
  if (bytes >= 64) {
    for (; !word_aligned(out); --bytes) *out++ = *in++;
    if (!word_aligned(in)) {
      const std::size_t words = bytes / sizeof(Word);
      copy_shifted(reinterpret_cast<Word*>(out), in, words);
      out += words * sizeof(Word), in += words * sizeof(Word), bytes %= sizeof(Word);
    }
  }
  for (; bytes != 0; --bytes) *out++ = *in++;
  return to;
}

HV_PLAIN_LOOPS void* memmove(void* to, const void* from, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out <= in || out >= in + bytes) return memcpy(to, from, bytes);
  while (bytes-- != 0) out[bytes] = in[bytes];
  return to;
}

HV_PLAIN_LOOPS void* memset(void* to, int value, std::size_t bytes) {
  auto* out = static_cast<unsigned char*>(to);
  const auto byte = static_cast<unsigned char>(value);
  const Word word = byte * std::uint64_t{0x0101010101010101};
  if (word_aligned(out)) {
    for (; bytes >= 64; bytes -= 64, out += 64) {
      auto* words = reinterpret_cast<Word*>(out);
      words[0] = word, words[1] = word, words[2] = word, words[3] = word;
      words[4] = word, words[5] = word, words[6] = word, words[7] = word;
    }
    for (; bytes >= 8; bytes -= 8, out += 8) *reinterpret_cast<Word*>(out) = word;
  }
  for (; bytes != 0; --bytes) *out++ = byte;
  return to;
}

HV_PLAIN_LOOPS int memcmp(const void* left, const void* right, std::size_t bytes) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (; bytes != 0; --bytes, ++a, ++b)
    if (*a != *b) return *a - *b;
  return 0;
}

HV_PLAIN_LOOPS void* memchr(const void* in, int value, std::size_t bytes) {
  auto* at = static_cast<const unsigned char*>(in);
  for (; bytes != 0; --bytes, ++at)
    if (*at == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(at);
  return nullptr;
}

HV_PLAIN_LOOPS std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}
}
