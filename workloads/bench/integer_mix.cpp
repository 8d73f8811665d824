// Benchmark: integer work as programs mix it: hashing, table look-ups, branches, calls, multiply and divide.
#include "workloads/bench/bench.h"
#include "workloads/compute/integer.h"

namespace {

using namespace workload;

constexpr std::uint64_t kRounds = 250;  // about 1.3 million instructions each

constinit compute::Bytes bytes{};
constinit compute::Numbers numbers{};
constinit compute::IntegerMatrix left{}, right{}, product{};

// Calls and unpredictable branches: steps until the Collatz sequence of `start` reaches 1.
[[gnu::noinline]] std::uint64_t collatz_steps(std::uint64_t start) {
  std::uint64_t steps = 0;
  for (std::uint64_t n = start; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return steps;
}

}  // namespace

extern "C" void bench_main() {
  Prng prng{1};
  compute::fill(bytes, prng);
  compute::fill(left, prng);
  compute::fill(right, prng);
  Checksum sum;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 8; ++i) sum.add(compute::crc_round(bytes));
    compute::fill(numbers, prng);
    sum.add(compute::sort_round(numbers));
    sum.add(compute::matrix_round(left, right, product, round));
    for (std::uint64_t n = 1; n <= 250; ++n) sum.add(collatz_steps(round * 250 + n));
  }
  bench::done("integer_mix", sum.value());
}
