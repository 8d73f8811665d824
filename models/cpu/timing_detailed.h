// The timing policy of the `detailed` mode.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "models/cpu/pipeline.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

// The same models around a pipeline that knows of every instruction when it is fetched, issued and committed.
struct Detailed : InOrder {
  static constexpr bool detailed = true;

  template <class... Arguments>
  explicit Detailed(const PipelineConfig& config, Arguments&&... arguments)
      : InOrder(std::forward<Arguments>(arguments)...),
        pipeline(config, costs, caches->config().memory_write_latency) {}

  // Op::issue is how many words must be fetched for the op after those for the one before it. A block's first
  // op pays for its first word, whoever came before it.
  void schedule_block(std::span<Op> ops, std::uint64_t pc) const {
    std::uint64_t fetched = pc >> 2;
    for (Op& op : ops) {
      const std::uint64_t last = (pc + op.offset + op.length - 1) >> 2;
      op.issue = static_cast<std::uint16_t>(last + 1 - fetched);
      fetched = last + 1;
    }
  }

  Pipeline pipeline;
};

}  // namespace hvsim::cpu
