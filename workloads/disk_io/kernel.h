// disk_io without a machine: which blocks are read and written, what is in them, and the work between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"
#include "workloads/kernels/work_unit.h"

namespace workload::disk_io {

inline constexpr std::uint64_t kMostDepth = 4, kMostSectors = 16, kMostBlocks = 64, kSectorWords = 64;

struct Parameters {
  std::uint64_t batches;
  std::uint64_t depth;    // requests of a batch that are under way at once
  std::uint64_t sectors;  // of 512 bytes, of each request
  std::uint64_t write_percent;
  std::uint64_t work;      // units of work while a batch is under way
  std::uint64_t pause_us;  // sleep after each batch
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  constexpr std::uint64_t kMany = 1'000'000'000;
  return {.batches = arguments.number("batches", 500, 0, kMany),
          .depth = arguments.number("depth", 2, 1, kMostDepth),
          .sectors = arguments.number("sectors", 8, 1, kMostSectors),
          .write_percent = arguments.number("write_percent", 40, 0, 100),
          .work = arguments.number("work", 10, 0, kMany),
          .pause_us = arguments.number("pause_us", 100, 0, 1'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

struct Report {
  std::uint64_t checksum = 0;  // over the work and all that was read
  std::uint64_t wrong = 0;     // words that do not hold what was written, and requests that failed
};

constexpr std::uint64_t stamp(std::uint64_t block, std::uint64_t generation, std::uint64_t word) {
  return (block << 48 | generation << 24 | word) * 0x9E3779B97F4A7C15;
}

// `Disk`: buffer(slot) -> std::span of words; begin(slot, writes, block); finish(slot) -> whether it went
// well; blocks(); rest(); done(requests). Slots are 0 to depth - 1.
template <class Disk>
constexpr Report run(const Parameters& parameters, Disk& disk) {
  Report report;
  Prng prng{parameters.seed};
  WorkUnits work{prng.next()};
  Checksum read;
  std::array<std::uint64_t, kMostBlocks> generations{};  // 0: never written
  struct Request {
    std::uint64_t block;
    bool writes;
  };
  std::array<Request, kMostDepth> batch{};
  const std::uint64_t blocks = disk.blocks(), words = parameters.sectors * kSectorWords;
  for (std::uint64_t number = 0; number < parameters.batches; ++number) {
    const std::uint64_t first = prng.below(blocks);
    for (std::uint64_t slot = 0; slot < parameters.depth; ++slot) {
      Request& request = batch[slot];
      request.block = (first + slot) % blocks;  // different ones: there are more blocks than slots
      request.writes = prng.below(100) < parameters.write_percent || generations[request.block] == 0;
      if (request.writes) {
        const std::uint64_t generation = ++generations[request.block];
        for (std::uint64_t i = 0; i < words; ++i) disk.buffer(slot)[i] = stamp(request.block, generation, i);
      }
      disk.begin(slot, request.writes, request.block);
    }
    for (std::uint64_t unit = 0; unit < parameters.work; ++unit) work.run_one();
    for (std::uint64_t slot = 0; slot < parameters.depth; ++slot) {
      const Request& request = batch[slot];
      if (!disk.finish(slot)) ++report.wrong;
      if (request.writes) continue;
      for (std::uint64_t i = 0; i < words; ++i) {
        const std::uint64_t word = disk.buffer(slot)[i];
        if (word != stamp(request.block, generations[request.block], i)) ++report.wrong;
        read.add(word);
        disk.buffer(slot)[i] = 0;  // so that a read that does nothing is seen
      }
    }
    disk.done(parameters.depth);
    disk.rest();
  }
  Checksum all;
  all.add(work.checksum());
  all.add(read.value());
  report.checksum = all.value();
  return report;
}

}  // namespace workload::disk_io
