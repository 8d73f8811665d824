// How deferrable hypercalls were delivered, run by run.
#pragma once

#include <string>
#include <vector>

#include "sim/experiment_pool.h"

namespace hvsim::sim {

// A table with its legend; empty if no run made a deferrable hypercall.
std::string delivery_table(const std::vector<Outcome>& outcomes);

}  // namespace hvsim::sim
