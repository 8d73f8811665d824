// Ranges that several field lists share.
#pragma once

#include "sim/describe.h"

namespace hvsim::sim {

inline constexpr Rule kLatency{.max = 100'000};

}  // namespace hvsim::sim
