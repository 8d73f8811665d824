// The part of a run before what somebody wants to measure, in the functional mode.
#pragma once

#include <functional>
#include <string>

#include "sim/checkpoint.h"
#include "sim/config.h"
#include "sim/statistics.h"

namespace hvsim::sim {

// Runs a functional twin of the config until boot.fast_forward has come, in a process of its own: a process
// is one machine. Call it before this one has built any. The error is one line.
isa::Result<Checkpoint, std::string> fast_forward(
    const Config& config,
    const std::function<isa::Result<RunResult, std::string>(const Config& functional)>& run);

}  // namespace hvsim::sim
