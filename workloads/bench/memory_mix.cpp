// Benchmark: loads and stores over 8 MiB: streaming copy, strided sums, a random pointer chase.
#include <array>
#include <cstring>

#include "workloads/bench/bench.h"
#include "workloads/memory_walk/kernel.h"

namespace {

using namespace workload;

constexpr std::uint64_t kRounds = 30;  // about 7.5 million instructions each
constexpr std::uint64_t kWords = (std::uint64_t{8} << 20) / sizeof(std::uint64_t);
constexpr std::uint64_t kChaseSteps = 400'000;

// Behind the image, where RAM is: 8 MiB would only bloat the file.
std::span<std::uint64_t> memory() { return {reinterpret_cast<std::uint64_t*>(0x8040'0000), kWords}; }

void copy_upper_half_down(std::span<std::uint64_t> words) {
  const std::size_t half = words.size() / 2;
  std::memcpy(words.data(), words.data() + half, half * sizeof words[0] / 2);
}

std::uint64_t strided_sum(std::span<const std::uint64_t> words, std::size_t stride) {
  std::uint64_t sum = 0;
  for (std::size_t first = 0; first < stride; first += 8)
    for (std::size_t i = first; i < words.size(); i += stride) sum += words[i];
  return sum;
}

std::uint64_t chase(std::span<const std::uint64_t> words) {
  std::uint64_t line = 0;
  for (std::uint64_t step = 0; step < kChaseSteps; ++step) line = words[line * memory_walk::kWordsPerLine];
  return line;
}

}  // namespace

extern "C" void bench_main() {
  const std::span<std::uint64_t> words = memory();
  std::uint64_t value = 1;
  for (std::uint64_t& word : words) word = value += 0x9E3779B97F4A7C15;
  Checksum sum;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    copy_upper_half_down(words);
    sum.add(strided_sum(words, 520));
    memory_walk::link_cycle(words, round);
    sum.add(chase(words));
    sum.add(strided_sum(words, 8));
  }
  bench::done("memory_mix", sum.value());
}
