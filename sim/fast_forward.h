// The part of a run before what somebody wants to measure, in the functional mode.
#pragma once

#include <functional>
#include <string>

#include "sim/checkpoint.h"
#include "sim/config.h"
#include "sim/simulation.h"
#include "sim/statistics.h"

namespace hvsim::sim {

using RunOnce = std::function<isa::Result<RunResult, Refusal>(const Config&)>;

// Runs the config's functional_twin() until boot.fast_forward has come, in a process of its own: a process is
// one machine. Call it before this one has built any. The error is one line.
// `shared`: a directory whose checkpoint of the same twin is taken instead, and made if there is none, once
// for all who ask at the same time; empty: none. `progress` is told of waiting and of warming up.
isa::Result<Checkpoint, Refusal> fast_forward(const Config& config, const ImagePaths& images,
                                              const std::string& shared, const RunOnce& run,
                                              Progress& progress);

}  // namespace hvsim::sim
