// The memory access that an instruction is about to make.
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/hart_state.h"
#include "models/cpu/op.h"

namespace hvsim::sim {

struct AccessOf {
  std::uint64_t address = 0;
  unsigned bytes = 0;
  bool reads = false, writes = false;  // AMOs do both; SC may fail
};

// Nothing: it makes none, or manages a cache block without storing to it.
std::optional<AccessOf> access_of(const cpu::HartState& hart, const cpu::Op& op);

}  // namespace hvsim::sim
