// Random numbers that are the same on every host: SplitMix64, and the choices made with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>

namespace hvsim::oracle {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E37'79B9'7F4A'7C15;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
  }
  unsigned below(std::size_t limit) { return static_cast<unsigned>(next() % limit); }
  unsigned between(unsigned low, unsigned high) { return low + below(high - low + 1); }
  bool one_in(unsigned n) { return below(n) == 0; }
  template <class Choices>
  auto of(const Choices& choices) {
    return *(std::begin(choices) + below(std::size(choices)));
  }
  template <class T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }

  // Integers as programs meet them: small, sign boundaries of all widths, single bits, or anything.
  std::uint64_t integer();
  // f registers: boxed singles and doubles of every kind, and badly boxed values.
  std::uint64_t floating();

 private:
  std::uint64_t state_;
};

}  // namespace hvsim::oracle
