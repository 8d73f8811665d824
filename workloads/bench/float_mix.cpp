// Benchmark: double-precision matrix products, square roots, divisions and conversions.
#include "workloads/bench/bench.h"
#include "workloads/compute/floating.h"

namespace {

using namespace workload;

constexpr std::uint64_t kRounds = 1200;  // about 0.2 million instructions each

constinit compute::DoubleMatrix left{}, right{}, product{};

}  // namespace

extern "C" void bench_main() {
  Prng prng{1};
  compute::fill(left, prng);
  compute::fill(right, prng);
  compute::Bodies bodies;
  Checksum sum;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    sum.add(compute::linear_round(left, right, product, round));
    for (int i = 0; i < 200; ++i) sum.add(bodies.step());
  }
  bench::done("float_mix", sum.value());
}
