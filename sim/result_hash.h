// Hashes that tell runs apart, and results: equal on every host for equal inputs.
#pragma once

#include <string>
#include <string_view>

#include "sim/config.h"
#include "sim/statistics.h"

namespace hvsim::sim {

std::string_view simulator_version();

std::string hash_text(std::string_view text);    // 16 hexadecimal digits
std::string hash_file(const std::string& file);  // of its contents; empty if it cannot be read

// Of everything that a result may depend on: the config with the images' contents in place of their names,
// and the simulator's version. Not of the run's name and description.
std::string run_identity(const Config& config, const ImagePaths& images);

// Of what came out: statistics, console, exit code, together with the identity's ingredients.
std::string result_hash(const Config& config, const ImagePaths& images, const RunResult& result);

}  // namespace hvsim::sim
