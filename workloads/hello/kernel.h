// The computation of `hello`: a few dozen steps, enough for a checksum.
#pragma once

#include <cstdint>

#include "workloads/kernels/checksum.h"

namespace workload::hello {

template <class Arguments>
constexpr std::uint64_t seed(Arguments& arguments) {
  return arguments.number("seed", 1, 0, ~std::uint64_t{0});
}

constexpr std::uint64_t checksum(std::uint64_t seed) {
  Checksum sum;
  for (std::uint64_t i = 0; i < 16; ++i) sum.add(seed + i);
  return sum.value();
}

}  // namespace workload::hello
