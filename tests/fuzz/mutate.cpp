// Flips, overwrites with values at which arithmetic breaks, cuts, repeats.
#include "tests/fuzz/mutate.h"

#include <algorithm>

namespace hvsim::fuzz {
namespace {

constexpr std::uint64_t kAwkward[] = {0,
                                      1,
                                      0x7F,
                                      0x80,
                                      0xFF,
                                      0x7FFF,
                                      0x8000,
                                      0xFFFF,
                                      0x7FFF'FFFF,
                                      0x8000'0000,
                                      0xFFFF'FFFF,
                                      0x7FFF'FFFF'FFFF'FFFF,
                                      0x8000'0000'0000'0000,
                                      0xFFFF'FFFF'FFFF'FFFF};
constexpr std::size_t kLongest = 1 << 16;

std::size_t below(std::mt19937& random, std::size_t limit) { return random() % limit; }

void overwrite(Bytes& input, std::mt19937& random) {
  const std::uint64_t value = kAwkward[below(random, std::size(kAwkward))];
  const std::size_t width = std::size_t{1} << below(random, 4), at = below(random, input.size());
  std::memcpy(input.data() + at, &value, std::min(width, input.size() - at));
}

void repeat(Bytes& input, std::mt19937& random) {
  const std::size_t from = below(random, input.size()), to = below(random, input.size());
  const std::size_t count = std::min({1 + below(random, 64), input.size() - from, kLongest - input.size()});
  const Bytes piece(input.begin() + static_cast<std::ptrdiff_t>(from),
                    input.begin() + static_cast<std::ptrdiff_t>(from + count));
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(to), piece.begin(), piece.end());
}

}  // namespace

Bytes mutate(Bytes input, std::mt19937& random) {
  const std::size_t changes = 1 + below(random, 8);
  for (std::size_t i = 0; i < changes; ++i) {
    if (input.empty()) input.push_back(static_cast<std::uint8_t>(random()));
    const std::size_t at = below(random, input.size());
    switch (below(random, 6)) {
      case 0:
        input[at] ^= static_cast<std::uint8_t>(1u << below(random, 8));
        break;
      case 1:
        input[at] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        overwrite(input, random);
        break;
      case 3:
        repeat(input, random);
        break;
      case 4:
        input.insert(input.end(), {static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random())});
        break;
      default:
        input.resize(at);
        break;
    }
  }
  return input;
}

}  // namespace hvsim::fuzz
