// timer_ticks without a machine: the work whose checksum no tick may change.
#pragma once

#include <cstdint>

#include "workloads/kernels/work_unit.h"

namespace workload::timer_ticks {

struct Parameters {
  std::uint64_t hz;     // timer interrupts per second
  std::uint64_t ticks;  // interrupts to take in all
  std::uint64_t work;   // units of work
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.hz = arguments.number("hz", 1000, 1, 100'000),
          .ticks = arguments.number("ticks", 20, 0, 1'000'000'000),
          .work = arguments.number("work", 24'000, 0, 1'000'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

template <class WorkDone>
constexpr std::uint64_t run(const Parameters& parameters, WorkDone&& work_done) {
  WorkUnits work{parameters.seed};
  for (std::uint64_t unit = 0; unit < parameters.work; ++unit) {
    work.run_one();
    work_done(std::uint64_t{1});
  }
  return work.checksum();
}

}  // namespace workload::timer_ticks
