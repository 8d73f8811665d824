// What may differ between the config that a checkpoint was made with and the one that it is restored with.
#pragma once

#include <string>

#include "sim/json_document.h"

namespace hvsim::sim {

// One line about the first key that must not differ and does; else empty.
// What software can know of the machine, and what runs on it.
std::string different_machine(const Json& made, const Json& now);
// What takes time, and what is recorded: differences there only mean that models begin empty.
std::string different_models(const Json& made, const Json& now);

// Of a checkpoint's config, what a run that goes on from it has, too: all but what was asked of that run
// alone.
Json config_to_go_on(const Json& made);

// The run that fast-forwards in the stead of `config`: functional, and the same for all configs that differ
// only in what takes time and what is recorded, so that they can share it.
Json functional_twin(const Json& config);

}  // namespace hvsim::sim
