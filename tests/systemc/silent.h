// For simulations of which nobody wants to hear while they run.
#pragma once

#include <string_view>

#include "sim/simulation.h"

namespace hvsim::sim {

struct Silent final : Progress {
  void advanced(isa::Cycles, std::uint64_t) override {}
  void console(std::string_view) override {}
};

}  // namespace hvsim::sim
