// compute without a machine: CRC, sort, integer matrix, floating-point matrix, bodies under gravity.
#pragma once

#include <cstdint>

#include "workloads/compute/floating.h"
#include "workloads/compute/integer.h"
#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"

namespace workload::compute {

// Rounds of each part; 0 leaves a part out.
struct Parameters {
  std::uint64_t crc;     // CRC-32C over 4096 bytes
  std::uint64_t sort;    // heap sort of 2048 numbers
  std::uint64_t matrix;  // product of two 32 x 32 integer matrices
  std::uint64_t linear;  // product of two 24 x 24 double matrices by fused multiply-add
  std::uint64_t bodies;  // time steps of five bodies
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  constexpr std::uint64_t kMany = 1'000'000'000;
  return {.crc = arguments.number("crc", 100, 0, kMany),
          .sort = arguments.number("sort", 12, 0, kMany),
          .matrix = arguments.number("matrix", 16, 0, kMany),
          .linear = arguments.number("linear", 36, 0, kMany),
          .bodies = arguments.number("bodies", 9000, 0, kMany),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

struct Report {
  std::uint64_t crc = 0, sort = 0, matrix = 0, linear = 0, bodies = 0;

  std::uint64_t checksum() const {
    Checksum sum;
    for (const std::uint64_t part : {crc, sort, matrix, linear, bodies}) sum.add(part);
    return sum.value();
  }
};

// Too large for a stack.
struct Storage {
  Bytes bytes;
  Numbers numbers;
  IntegerMatrix integer_a, integer_b, integer_product;
  DoubleMatrix double_a, double_b, double_product;
};

// `work_done(rounds)` hears of each finished round.
template <class WorkDone>
Report run(const Parameters& parameters, Storage& storage, WorkDone&& work_done) {
  const auto rounds = [&](std::uint64_t count, auto&& round) {
    Checksum sum;
    for (std::uint64_t i = 0; i < count; ++i) {
      sum.add(round(i));
      work_done(std::uint64_t{1});
    }
    return sum.value();
  };
  Prng prng{parameters.seed};
  fill(storage.bytes, prng);
  fill(storage.integer_a, prng);
  fill(storage.integer_b, prng);
  fill(storage.double_a, prng);
  fill(storage.double_b, prng);
  Bodies bodies;

  Report report;
  report.crc = rounds(parameters.crc, [&](std::uint64_t) { return crc_round(storage.bytes); });
  report.sort = rounds(parameters.sort, [&](std::uint64_t) {
    fill(storage.numbers, prng);
    return sort_round(storage.numbers);
  });
  report.matrix = rounds(parameters.matrix, [&](std::uint64_t i) {
    return matrix_round(storage.integer_a, storage.integer_b, storage.integer_product, i);
  });
  report.linear = rounds(parameters.linear, [&](std::uint64_t i) {
    return linear_round(storage.double_a, storage.double_b, storage.double_product, i);
  });
  report.bodies = rounds(parameters.bodies, [&](std::uint64_t) { return bodies.step(); });
  return report;
}

}  // namespace workload::compute
