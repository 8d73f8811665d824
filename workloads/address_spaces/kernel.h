// address_spaces without a machine: processes that fork, write, load another program and end; their pages are
// shared until somebody writes. What they read does not depend on how the pages are kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"

namespace workload::address_spaces {

inline constexpr std::size_t kMostProcesses = 8, kMostPages = 64;
inline constexpr std::size_t kWordsPerPage = 512;

struct Parameters {
  std::uint64_t steps;    // forks, program loads, ends; between them a process runs
  std::uint64_t pages;    // of a process
  std::uint64_t touches;  // reads and writes each time that it runs
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.steps = arguments.number("steps", 2000, 1, 1'000'000'000),
          .pages = arguments.number("pages", 32, 1, kMostPages),
          .touches = arguments.number("touches", 64, 0, 1'000'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

// `Spaces` keeps the address spaces: create(process), fork(parent, child), destroy(process), run(process),
// and of the one that runs read(page, word), write(page, word, value). New pages are zero.
template <class Spaces, class WorkDone>
constexpr std::uint64_t run(const Parameters& parameters, Spaces& spaces, WorkDone&& work_done) {
  Prng prng{parameters.seed};
  Checksum sum;
  std::array<bool, kMostProcesses> alive{};
  alive[0] = true;
  spaces.create(0);
  for (std::uint64_t step = 0; step < parameters.steps; ++step) {
    std::size_t process = prng.below(kMostProcesses);
    const std::size_t other = prng.below(kMostProcesses);
    const std::uint64_t event = prng.below(8);
    while (!alive[process]) process = (process + 1) % kMostProcesses;
    if (event < 4 && !alive[other]) {
      spaces.fork(process, other);
      alive[other] = true;
      process = other;
    } else if (event == 4) {  // as exec does
      spaces.destroy(process);
      spaces.create(process);
    } else if (event >= 6 && other != process && alive[other]) {
      spaces.destroy(other);
      alive[other] = false;
    }
    spaces.run(process);
    for (std::uint64_t touch = 0; touch < parameters.touches; ++touch) {
      const std::uint64_t page = prng.below(parameters.pages), word = prng.below(kWordsPerPage);
      const std::uint64_t value = prng.next();
      sum.add(spaces.read(page, word));
      if (touch % 4 == 0) spaces.write(page, word, value);
    }
    work_done(std::uint64_t{1});
  }
  return sum.value();
}

}  // namespace workload::address_spaces
