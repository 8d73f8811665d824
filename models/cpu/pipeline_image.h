// What a pipeline that found everything in its caches remembers, as times from its last commit: two pipelines
// with equal images do the same with whatever comes next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hvsim::cpu {

struct PipelineImage {
  // Front end and issue, units, 32 + 32 registers, scoreboard entries.
  static constexpr std::size_t kUnits = 11, kRegisters = 31 + 32, kMaxScoreboard = 64;
  std::array<std::int32_t, kUnits + kRegisters + kMaxScoreboard> times{};

  friend bool operator==(const PipelineImage&, const PipelineImage&) = default;
};

}  // namespace hvsim::cpu
