// What the VCPUs of each VM did with their time, and the latencies that guests told, as a table.
#pragma once

#include <string>
#include <vector>

#include "sim/experiment_pool.h"

namespace hvsim::sim {

// Empty where no VM had to wait for a hart and none told latencies.
std::string times_of_vms(const std::vector<Outcome>& outcomes);

}  // namespace hvsim::sim
