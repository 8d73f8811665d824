// What `hvsim statistics` does: every statistic with its unit and a line of help, without running anything.
#pragma once

#include <string>

namespace hvsim::sim {

// Those whose path starts with `prefix`; the result is the exit code (2: there is none).
int list_statistics(const std::string& prefix, bool json);

}  // namespace hvsim::sim
