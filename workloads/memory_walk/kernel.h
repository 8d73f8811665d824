// memory_walk without a machine: strided writes and reads, then a pointer chase through one random cycle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"

namespace workload::memory_walk {

inline constexpr std::uint64_t kLineBytes = 64, kWordsPerLine = kLineBytes / 8;

struct Parameters {
  std::uint64_t bytes;       // size of the walked memory
  std::uint64_t stride;      // bytes between accesses that follow each other
  std::uint64_t passes;      // strided passes over all lines, each a write and a read
  std::uint64_t chase;       // steps of the pointer chase
  std::uint64_t page_bytes;  // 4096 or 2097152
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  constexpr std::uint64_t kMegaPage = std::uint64_t{2} << 20;
  return {.bytes = arguments.number("bytes", 4 << 20, 4096, std::uint64_t{1} << 34),
          .stride = arguments.number("stride", 4160, kLineBytes, std::uint64_t{1} << 30),
          .passes = arguments.number("passes", 16, 1, 1'000'000),
          .chase = arguments.number("chase", 500'000, 0, 1'000'000'000),
          .page_bytes = arguments.number("page_bytes", 4096, 4096, kMegaPage),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

// What is wrong with the parameters beyond their ranges, or nullptr.
constexpr const char* mistake(const Parameters& parameters) {
  if (parameters.page_bytes != 4096 && parameters.page_bytes != (2 << 20))
    return "page_bytes must be 4096 or 2097152";
  if (parameters.bytes % parameters.page_bytes != 0) return "bytes must be a multiple of page_bytes";
  if (parameters.stride % kLineBytes != 0) return "stride must be a multiple of 64";
  return nullptr;
}

struct Report {
  std::uint64_t checksum = 0;
  std::uint64_t mismatches = 0;  // words that did not hold what had been written
};

// Visits the first word of every line once: start at line 0, 1, ... below the stride, step by the stride.
template <class Visit>
constexpr void for_each_line(std::uint64_t lines, std::uint64_t stride_lines, Visit&& visit) {
  for (std::uint64_t first = 0; first < stride_lines && first < lines; ++first)
    for (std::uint64_t line = first; line < lines; line += stride_lines) visit(line);
}

constexpr std::uint64_t pattern(std::uint64_t line, std::uint64_t pass) {
  return (line + 1) * 0x9E3779B97F4A7C15 ^ pass;
}

// Links all lines into one cycle (Sattolo's shuffle).
constexpr void link_cycle(std::span<std::uint64_t> words, std::uint64_t seed) {
  const std::uint64_t lines = words.size() / kWordsPerLine;
  Prng prng{seed};
  for (std::uint64_t line = 0; line < lines; ++line) words[line * kWordsPerLine] = line;
  for (std::uint64_t line = lines - 1; line > 0; --line) {
    std::uint64_t& here = words[line * kWordsPerLine];
    std::uint64_t& there = words[prng.below(line) * kWordsPerLine];
    const std::uint64_t kept = here;
    here = there;
    there = kept;
  }
}

inline constexpr auto kJustDoIt = [](auto&& work) { work(); };

// `words` is all of the walked memory; `work_done(lines)` hears of each pass and of the chase, and
// `around_chase` calls what it is given, which is the chase alone.
template <class WorkDone, class Around = decltype(kJustDoIt)>
constexpr Report run(const Parameters& parameters, std::span<std::uint64_t> words, WorkDone&& work_done,
                     const Around& around_chase = kJustDoIt) {
  const std::uint64_t lines = words.size() / kWordsPerLine;
  const std::uint64_t stride_lines = parameters.stride / kLineBytes;
  Report report;
  Checksum sum;
  for (std::uint64_t pass = 0; pass < parameters.passes; ++pass) {
    for_each_line(lines, stride_lines,
                  [&](std::uint64_t line) { words[line * kWordsPerLine] = pattern(line, pass); });
    std::uint64_t total = 0;
    for_each_line(lines, stride_lines, [&](std::uint64_t line) {
      const std::uint64_t value = words[line * kWordsPerLine];
      total += value ^ line;
      if (value != pattern(line, pass)) ++report.mismatches;
    });
    sum.add(total);
    work_done(2 * lines);
  }
  link_cycle(words, parameters.seed);
  std::uint64_t line = 0;
  around_chase([&] {
    for (std::uint64_t step = 0; step < parameters.chase; ++step) line = words[line * kWordsPerLine];
  });
  sum.add(line);
  work_done(parameters.chase);
  report.checksum = sum.value();
  return report;
}

}  // namespace workload::memory_walk
