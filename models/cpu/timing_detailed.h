// The timing policy of the `detailed` mode.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "models/cpu/pipeline.h"
#include "models/cpu/timing_policy.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

// The same models around a pipeline that knows of every instruction when it is fetched, issued and committed.
struct Detailed : InOrder {
  static constexpr bool detailed = true;

  template <class... Arguments>
  explicit Detailed(const PipelineConfig& config, Arguments&&... arguments)
      : InOrder(std::forward<Arguments>(arguments)...),
        pipeline(stores_of(config, *caches), costs, stores_latency(*caches),
                 caches->config().l1d.mshrs == 1) {}

  void persist(state::Archive& archive);

  Pipeline pipeline;
};

}  // namespace hvsim::cpu
