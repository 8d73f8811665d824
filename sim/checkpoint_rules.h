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

}  // namespace hvsim::sim
