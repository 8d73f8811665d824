// What may differ between the config that a checkpoint was made with and the one that it is restored with.
#pragma once

#include <string>

#include "sim/checkpoint.h"
#include "sim/config.h"
#include "sim/json_document.h"

namespace hvsim::sim {

// One line about the first thing that keeps a run from going on from a checkpoint; else empty.
// A key that must not differ and does, or a limit that the run would have ended at before. Where models begin
// empty, what takes time and what is recorded may differ.
std::string different_run(const CheckpointFacts& made, const Config& now, RestoredModels models);
// A file that holds something else by now.
std::string different_files(const CheckpointFacts& made, const Config& now, const ImagePaths& images);
// Only the build that has made it goes on as if nothing had happened, and knows the host's hypervisor's
// bytes.
std::string different_build(const CheckpointFacts& made, const Config& now, RestoredModels models);

// Of a checkpoint's config, what a run that goes on from it has, too: all but what was asked of that run
// alone, and limits that it has passed.
Json config_to_go_on(const CheckpointFacts& made);

// The run that fast-forwards in the stead of `config`: functional, and the same for all configs that differ
// only in what takes time and what is recorded, so that they can share it.
Json functional_twin(const Json& config);

}  // namespace hvsim::sim
