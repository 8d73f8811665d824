// Files that runs write beside their directories: explanations, traces, signatures, checkpoints.
#pragma once

#include <optional>
#include <vector>

#include "sim/config_problem.h"
#include "sim/experiment.h"

namespace hvsim::sim {

// In the names of these files, "{run}" becomes the name of the run's directory.
void name_outputs(Run& run);

// A file that two runs would write, or one run twice: each would spoil the other's.
std::optional<Problem> find_shared_output(const Document& document, const std::vector<Run>& runs);

}  // namespace hvsim::sim
