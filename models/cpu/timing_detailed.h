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
        pipeline(stores_of(config, *caches), costs, stores_latency(*caches)) {}

  // Op::issue is how many words must be fetched for the op after those for the one before it. A block's first
  // op pays for its first word, whoever came before it.
  void schedule_block(std::span<Op> ops, std::uint64_t pc) const {
    const unsigned shift = pipeline.fetch_shift();
    std::uint64_t fetched = pc >> shift;
    for (Op& op : ops) {
      const std::uint64_t last = (pc + op.offset + op.length - 1) >> shift;
      op.issue = static_cast<std::uint16_t>(last + 1 - fetched);
      fetched = last + 1;
    }
  }

  Pipeline pipeline;

 private:
  // A cache that writes back takes a store per cycle, and keeps it.
  static PipelineConfig stores_of(PipelineConfig config, const mem::Hierarchy& levels) {
    if (!writes_through(levels)) config.write_transaction = 0;
    return config;
  }
  static isa::Cycles stores_latency(const mem::Hierarchy& levels) {
    return writes_through(levels) ? levels.write_latency() : 1;
  }
  static bool writes_through(const mem::Hierarchy& levels) {
    return levels.config().l1d.write_policy == mem::WritePolicy::write_through;
  }
};

}  // namespace hvsim::cpu
