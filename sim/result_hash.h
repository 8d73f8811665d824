// Hashes that tell runs apart, and results: equal on every host for equal inputs.
#pragma once

#include <string>
#include <string_view>

#include "sim/config.h"
#include "sim/json_document.h"
#include "sim/statistics.h"

namespace hvsim::sim {

std::string_view simulator_version();
std::string simulator_build();  // hash of this executable

// Of everything that a result may depend on: the config with the images' contents in place of their names,
// and the simulator's version. Not of the run's name and description, nor of what is only told of it.
std::string run_identity(const Config& config, const ImagePaths& images);

// How a run began, if not by booting: keys of `boot` with contents in place of names. One that goes on from a
// checkpoint as if nothing had happened began as the run that made it.
Json beginning(const BootConfig& boot);

// Of what came out: statistics, console, exit code, together with the identity's ingredients.
std::string result_hash(const Config& config, const ImagePaths& images, const RunResult& result);

}  // namespace hvsim::sim
