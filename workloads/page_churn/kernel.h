// Page churn: bursts of pages are freed and, after a rest, allocated again, each with a stamp that is checked
// before it is freed. Knows no machine: time, memory and rest come from the caller.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"
#include "workloads/page_churn/buddy.h"

namespace workload::page_churn {

inline constexpr std::uint64_t kPageWords = 512;

struct Parameters {
  std::uint64_t seed, rounds, burst, free_percent, pause_us, busy_us, delay_us, dirty, order, work, check;
};

template <class Arguments>
Parameters parameters(Arguments& arguments) {
  const std::uint64_t pause_us = arguments.number("pause_us", 1000, 0, 1'000'000'000);
  return {.seed = arguments.number("seed", 1, 0, ~std::uint64_t{0}),
          .rounds = arguments.number("rounds", 100, 0, 1'000'000'000),
          .burst = arguments.number("burst", 64, 0, 1'000'000),
          .free_percent = arguments.number("free_percent", 70, 0, 100),
          .pause_us = pause_us,
          .busy_us = arguments.number("busy_us", pause_us, 0, 1'000'000'000),
          .delay_us = arguments.number("delay_us", 0, 0, 1'000'000'000),
          .dirty = arguments.number("dirty", 1, 0, 1),
          .order = arguments.number("order", 0, 0, Buddy::kMaxOrder),
          .work = arguments.number("work", 1, 1, 64),
          .check = arguments.number("check", 1, 0, 1)};
}

// Latencies in cycles, in steps of a quarter of a power of two: within 19 %.
class Latencies {
 public:
  constexpr void add(std::uint64_t cycles) {
    ++buckets_[bucket(cycles)];
    ++count_;
    if (cycles > longest_) longest_ = cycles;
  }
  constexpr std::uint64_t count() const { return count_; }
  constexpr std::uint64_t longest() const { return longest_; }
  // So many per mille of them were no longer than this.
  constexpr std::uint64_t quantile(std::uint64_t per_mille) const {
    std::uint64_t seen = 0;
    for (unsigned i = 0; i < buckets_.size(); ++i)
      if ((seen += buckets_[i]) * 1000 >= count_ * per_mille) {
        const std::uint64_t edge = upper_edge(i);
        return edge < longest_ ? edge : longest_;
      }
    return longest_;
  }

 private:
  static constexpr unsigned bucket(std::uint64_t cycles) {
    unsigned power = 0;
    while (power < 61 && cycles >> (power + 1) >= 4) ++power;
    return cycles < 4 ? static_cast<unsigned>(cycles) : 4 * power + static_cast<unsigned>(cycles >> power);
  }
  static constexpr std::uint64_t upper_edge(unsigned index) {
    if (index < 4) return index;
    const unsigned power = index / 4 - 1;
    return ((std::uint64_t{index % 4} + 5) << power) - 1;
  }
  std::array<std::uint64_t, 256> buckets_{};
  std::uint64_t count_ = 0, longest_ = 0;
};

// What is in word `i` of a page: the owner's number in the upper half, so that any word tells whose it is.
constexpr std::uint64_t stamp(std::uint32_t owner, std::uint64_t page, std::uint64_t generation,
                              std::uint64_t i) {
  const std::uint64_t low = (page * 0x9E3779B1 + generation * 0x85EBCA77 + i * 0xC2B2AE3D) & 0xFFFFFFFF;
  return std::uint64_t{owner} << 32 | low;
}

struct Report {
  std::uint64_t allocated = 0, failed = 0;
  std::uint64_t lost = 0;     // words of used pages that do not hold what was written
  std::uint64_t foreign = 0;  // words of fresh pages that neither are zero nor carry the owner's number
  std::uint64_t checksum = 0;
  Latencies latencies;  // of an allocation up to its first store
};

// `Machine`: page(n) -> std::span<std::uint64_t, 512> of the n-th page; cycles(); ticks(); work_done(n);
// sleep_us(n); rest(microseconds): the same, and gives pages back if asked to; deflate(): a balloon lets some
// of its pages go, false if it has none.
template <class Machine>
class Churn {
 public:
  struct Held {
    std::uint32_t page = 0;
    std::uint32_t generation = 0;
  };

  // `held` has room for as many runs as there may be.
  Churn(const Parameters& parameters, Buddy& buddy, std::span<Held> held, std::uint32_t owner,
        Machine& machine)
      : parameters_(parameters),
        buddy_(buddy),
        held_(held),
        owner_(owner),
        machine_(machine),
        random_(parameters.seed) {}

  Report run() {
    const std::uint64_t run_pages = std::uint64_t{1} << parameters_.order;
    machine_.sleep_us(parameters_.delay_us);
    const std::uint64_t used = buddy_.pages() * (100 - parameters_.free_percent) / 100;
    while (count_ * run_pages < used && count_ < held_.size() && take(false)) {
    }
    machine_.ready();
    for (std::uint64_t round = 0; round < parameters_.rounds; ++round) {
      const std::uint64_t burst = parameters_.burst < count_ ? parameters_.burst : count_;
      for (std::uint64_t i = 0; i < burst; ++i) drop(random_.below(count_));
      machine_.rest(parameters_.pause_us);
      for (std::uint64_t i = 0; i < burst; ++i)
        if (!take(true)) break;
      machine_.work_done(burst);
      machine_.rest(parameters_.busy_us);
    }
    while (count_ != 0) drop(count_ - 1);
    Checksum sum;
    sum.add(report_.lost);
    sum.add(parameters_.rounds);
    report_.checksum = sum.value();
    return report_;
  }

 private:
  bool take(bool measured) {
    const std::uint64_t start = machine_.cycles();
    std::uint32_t page = buddy_.allocate(static_cast<unsigned>(parameters_.order));
    while (page == Buddy::kNone && machine_.deflate())
      page = buddy_.allocate(static_cast<unsigned>(parameters_.order));
    if (page == Buddy::kNone) {
      ++report_.failed;
      return false;
    }
    ++generation_;
    const std::uint64_t run_pages = std::uint64_t{1} << parameters_.order;
    for (std::uint64_t n = 0; n < run_pages; ++n) {
      const auto words = machine_.page(page + n);
      if (parameters_.check != 0) look_for_foreign(words);
      const std::uint64_t before = n == 0 ? start : machine_.cycles();
      words[0] = stamp(owner_, page + n, generation_, 0);
      if (measured) report_.latencies.add(machine_.cycles() - before);
      for (std::uint64_t i = 1; i < kPageWords; i += parameters_.work)
        words[i] = stamp(owner_, page + n, generation_, i);
    }
    held_[count_++] = {page, static_cast<std::uint32_t>(generation_)};
    ++report_.allocated;
    return true;
  }

  // Whatever a fresh page holds must be this VM's own, or nothing.
  void look_for_foreign(std::span<std::uint64_t, kPageWords> words) {
    for (std::uint64_t i = 0; i < kPageWords; i += 8)
      if (words[i] != 0 && words[i] >> 32 != owner_) ++report_.foreign;
  }

  void drop(std::uint64_t index) {
    const Held held = held_[index];
    held_[index] = held_[--count_];
    const std::uint64_t run_pages = std::uint64_t{1} << parameters_.order;
    for (std::uint64_t n = 0; n < run_pages; ++n) {
      const auto words = machine_.page(held.page + n);
      if (words[0] != stamp(owner_, held.page + n, held.generation, 0)) ++report_.lost;
      for (std::uint64_t i = 1; i < kPageWords; i += 8 * parameters_.work)
        if (words[i] != stamp(owner_, held.page + n, held.generation, i)) ++report_.lost;
    }
    buddy_.release(held.page, static_cast<unsigned>(parameters_.order), machine_.ticks());
  }

  const Parameters& parameters_;
  Buddy& buddy_;
  std::span<Held> held_;
  std::uint32_t owner_;
  Machine& machine_;
  Prng random_;
  std::uint64_t count_ = 0, generation_ = 0;
  Report report_;
};

}  // namespace workload::page_churn
