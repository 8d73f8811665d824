// What deferring hypercalls saves, and where it comes from.
#pragma once

#include <string>
#include <vector>

#include "sim/experiment_pool.h"

namespace hvsim::sim {

// The run that differs from this one in delivering hypercalls immediately and in nothing else, if there is
// one.
const Outcome* baseline_of(const Outcome& outcome, const std::vector<Outcome>& outcomes);

std::string saving_sentence(const Run& run, const RunSummary& deferred, const RunSummary& immediate);

}  // namespace hvsim::sim
