// Explains a trap: its cause, who was to handle it and why, the walk that failed, and where it goes on.
#pragma once

#include <string>
#include <vector>

#include "models/cpu/hart_state.h"
#include "models/cpu/observer.h"
#include "sim/config.h"
#include "sim/json_document.h"
#include "sim/symbols.h"

namespace hvsim::sim {

struct Explained {
  const cpu::HartState& hart;
  const cpu::TrapSeen& seen;
  const Config& config;
  const Symbols& symbols;
  std::uint64_t number = 0;  // of this explanation, from 1
};

std::string explain_text(const Explained& trap);  // one block of lines
Json explain_json(const Explained& trap);

// "vm-name VCPU 0", "" if nobody said who runs.
std::string runner_name(const Config& config, std::uint32_t vm, std::uint32_t vcpu);

}  // namespace hvsim::sim
