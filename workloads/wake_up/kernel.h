// wake_up without a machine: what it does each time it has been woken.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "workloads/kernels/work_unit.h"

namespace workload::wake_up {

struct Parameters {
  std::uint64_t period_us;  // from one deadline to the next
  std::uint64_t wakes;
  std::uint64_t work;  // units of work after each
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.period_us = arguments.number("period_us", 1000, 1, 10'000'000),
          .wakes = arguments.number("wakes", 1000, 1, 1'000'000'000),
          .work = arguments.number("work", 20, 0, 1'000'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

// `wait()` returns when the next deadline has passed and somebody noticed.
template <class Wait, class WorkDone>
constexpr std::uint64_t run(const Parameters& parameters, Wait&& wait, WorkDone&& work_done) {
  WorkUnits work{parameters.seed};
  for (std::uint64_t wake = 0; wake < parameters.wakes; ++wake) {
    wait();
    for (std::uint64_t unit = 0; unit < parameters.work; ++unit) work.run_one();
    work_done(parameters.work);
  }
  return work.checksum();
}

// Latencies in steps of a quarter of a power of two: quantiles are at most a quarter too high.
class Histogram {
 public:
  constexpr void add(std::uint64_t value) {
    ++counts_[step_of(value)];
    ++count_;
    if (value > most_) most_ = value;
  }
  constexpr std::uint64_t quantile(std::uint64_t per_mille) const {
    const std::uint64_t rank = (count_ * per_mille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < counts_.size(); ++step)
      if ((seen += counts_[step]) >= rank && seen != 0)
        return highest_of(step) < most_ ? highest_of(step) : most_;
    return most_;
  }
  constexpr std::uint64_t most() const { return most_; }

 private:
  static constexpr std::size_t step_of(std::uint64_t value) {
    if (value < 4) return static_cast<std::size_t>(value);
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
    return 4 * (power - 1) + static_cast<std::size_t>(value >> (power - 2) & 3);
  }
  static constexpr std::uint64_t highest_of(std::size_t step) {
    if (step < 4) return step;
    return ((std::uint64_t{5} + step % 4) << (step / 4 - 1)) - 1;
  }

  std::array<std::uint64_t, 256> counts_{};
  std::uint64_t count_ = 0, most_ = 0;
};

}  // namespace workload::wake_up
