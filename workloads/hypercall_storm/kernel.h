// hypercall_storm without a machine: which work and which calls, in which order, and the checksum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hypervisor/abi/hypercall.h"
#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"
#include "workloads/kernels/work_unit.h"

namespace workload::hypercall_storm {

struct Parameters {
  std::uint64_t iterations;  // rounds of work and calls
  std::uint64_t work;        // units of work per iteration
  std::uint64_t calls_per_iteration;
  std::uint64_t deferrable_percent;  // of the calls; the others are queries
  std::uint64_t routine;             // longest routine or query, in iterations
  std::uint64_t seed;
  bool exact = false;          // all of them are that long, and routines are all that is deferred
  std::uint64_t sleep_us = 0;  // the guest sleeps for so long after each iteration
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  constexpr std::uint64_t kMany = 1'000'000'000;
  return {.iterations = arguments.number("iterations", 1500, 1, kMany),
          .work = arguments.number("work", 12, 0, kMany),
          .calls_per_iteration = arguments.number("calls_per_iteration", 8, 0, 1'000'000),
          .deferrable_percent = arguments.number("deferrable_percent", 75, 0, 100),
          .routine = arguments.number("routine", 100, 1, hv::abi::kMaxRoutineIterations),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0}),
          .exact = arguments.number("exact", 0, 0, 1) != 0,
          .sleep_us = arguments.number("sleep_us", 0, 0, 1'000'000)};
}

enum class Kind : std::size_t { query, statistics_update, routine, event_send, console_write, count };

struct Report {
  std::uint64_t checksum = 0;  // over work and query values: does not depend on time or on other VMs
  std::array<std::uint64_t, static_cast<std::size_t>(Kind::count)> calls{};

  // What another VCPU of the guest did.
  constexpr void add(const Report& other) {
    Checksum both;
    both.add(checksum);
    both.add(other.checksum);
    checksum = both.value();
    for (std::size_t i = 0; i < calls.size(); ++i) calls[i] += other.calls[i];
  }
};

// Of 1024 deferrable calls this many are of each rare kind; the rest are halves of the two common ones.
inline constexpr std::uint64_t kConsoleOf1024 = 1, kEventsOf1024 = 64;

template <class Calls>
constexpr Kind deferrable_kind(std::uint64_t draw, const Calls& calls) {
  if (draw < kConsoleOf1024) return Kind::console_write;
  if (draw < kConsoleOf1024 + kEventsOf1024)
    return calls.has_peers() ? Kind::event_send : Kind::statistics_update;
  return draw % 2 == 0 ? Kind::statistics_update : Kind::routine;
}

// `Calls` makes the calls: query(n) -> value, statistics_update(counter, increment), routine(n),
// event_send(draw), console_write(iteration), work_done(units), has_peers(), sleep(microseconds).
template <class Calls>
constexpr Report run(const Parameters& parameters, Calls& calls) {
  Report report;
  Prng prng{parameters.seed};
  WorkUnits work{prng.next()};
  Checksum answers;
  for (std::uint64_t iteration = 0; iteration < parameters.iterations; ++iteration) {
    for (std::uint64_t unit = 0; unit < parameters.work; ++unit) {
      work.run_one();
      calls.work_done(1);
    }
    for (std::uint64_t call = 0; call < parameters.calls_per_iteration; ++call) {
      // The same three draws for every call, so that no choice shifts the sequence.
      const bool deferred = prng.below(100) < parameters.deferrable_percent;
      const std::uint64_t choice = prng.below(1024);
      const std::uint64_t argument = prng.next();
      const std::uint64_t length = parameters.exact ? parameters.routine : 1 + argument % parameters.routine;
      const Kind some = parameters.exact ? Kind::routine : deferrable_kind(choice, calls);
      const Kind kind = deferred ? some : Kind::query;
      ++report.calls[static_cast<std::size_t>(kind)];
      switch (kind) {
        case Kind::query:
          answers.add(calls.query(length));
          break;
        case Kind::statistics_update:
          calls.statistics_update(argument % 16, argument >> 56);
          break;
        case Kind::routine:
          calls.routine(length);
          break;
        case Kind::event_send:
          calls.event_send(argument);
          break;
        case Kind::console_write:
          calls.console_write(iteration);
          break;
        case Kind::count:
          break;
      }
    }
    if (parameters.sleep_us != 0) calls.sleep(parameters.sleep_us);
  }
  Checksum all;
  all.add(work.checksum());
  all.add(answers.value());
  report.checksum = all.value();
  return report;
}

}  // namespace workload::hypercall_storm
