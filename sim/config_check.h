// Values that are fine by themselves and impossible together.
#pragma once

#include <optional>

#include "sim/config.h"
#include "sim/json_document.h"

namespace hvsim::sim {

std::optional<Problem> find_contradiction(const Config& config, const Origins& origins);

}  // namespace hvsim::sim
