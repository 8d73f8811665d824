// The integer parts of `compute`: one round each.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/crc32c.h"
#include "workloads/kernels/prng.h"

namespace workload::compute {

using Bytes = std::array<std::uint8_t, 4096>;
using Numbers = std::array<std::int64_t, 2048>;
inline constexpr std::size_t kIntegerRows = 32;
using IntegerMatrix = std::array<std::array<std::int32_t, kIntegerRows>, kIntegerRows>;

constexpr void fill(Bytes& bytes, Prng& prng) {
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(prng.next());
}
constexpr void fill(Numbers& numbers, Prng& prng) {
  for (std::int64_t& number : numbers) number = static_cast<std::int64_t>(prng.next());
}
constexpr void fill(IntegerMatrix& matrix, Prng& prng) {
  for (auto& row : matrix)
    for (std::int32_t& cell : row) cell = static_cast<std::int32_t>(prng.next() >> 44);
}

// The buffer changes with each round, so no round repeats the one before it.
constexpr std::uint64_t crc_round(Bytes& bytes) {
  const std::uint32_t crc = crc32c(bytes);
  for (unsigned i = 0; i < 4; ++i) bytes[crc % bytes.size()] ^= static_cast<std::uint8_t>(crc >> 8 * i);
  return crc;
}

constexpr void sift_down(std::span<std::int64_t> heap, std::size_t at) {
  const std::int64_t value = heap[at];
  for (std::size_t child = 2 * at + 1; child < heap.size(); child = 2 * at + 1) {
    if (child + 1 < heap.size() && heap[child] < heap[child + 1]) ++child;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}

constexpr void heap_sort(std::span<std::int64_t> numbers) {
  for (std::size_t at = numbers.size() / 2; at-- > 0;) sift_down(numbers, at);
  for (std::size_t last = numbers.size() - 1; last > 0; --last) {
    const std::int64_t largest = numbers[0];
    numbers[0] = numbers[last];
    numbers[last] = largest;
    sift_down(numbers.first(last), 0);
  }
}

constexpr std::uint64_t sort_round(Numbers& numbers) {
  heap_sort(numbers);
  Checksum sum;
  std::uint64_t disorder = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    sum.add(static_cast<std::uint64_t>(numbers[i]));
    if (i > 0 && numbers[i - 1] > numbers[i]) ++disorder;
  }
  return sum.value() ^ disorder;
}

// Multiplies, then divides and shifts the trace, so that MUL, DIV and REM all take part.
constexpr std::uint64_t matrix_round(const IntegerMatrix& a, const IntegerMatrix& b, IntegerMatrix& product,
                                     std::uint64_t round) {
  for (std::size_t row = 0; row < kIntegerRows; ++row)
    for (std::size_t column = 0; column < kIntegerRows; ++column) {
      std::int64_t sum = static_cast<std::int64_t>(round);
      for (std::size_t k = 0; k < kIntegerRows; ++k)
        sum += std::int64_t{a[row][k]} * std::int64_t{b[k][column]};
      product[row][column] = static_cast<std::int32_t>(sum % 0x7FFFFFFF);
    }
  std::uint64_t trace = 1;
  for (std::size_t i = 0; i < kIntegerRows; ++i) {
    const auto cell = static_cast<std::uint64_t>(std::int64_t{product[i][i]});
    trace = std::rotl(trace, 7) + cell / (1 + trace % 1021);
  }
  return trace;
}

}  // namespace workload::compute
