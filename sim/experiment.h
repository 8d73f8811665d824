// An experiment: one config and its variants, each of them checked before anything runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/json_document.h"

namespace hvsim::sim {

struct Run {
  std::string label;  // what tells it from its siblings: "target-dlh-8"; a single run's is its name
  Config config;
  ImagePaths images;
  std::string identity;              // hash of config, images and simulator version
  std::optional<std::string> gdb{};  // where a debugger may attach

  std::string directory_name() const { return config.name + "-" + identity; }
};

struct Experiment {
  std::string name;
  std::string description;
  std::vector<Run> runs;
};

// Variants come from "runs" (a list of names with overrides) or "axes" (every combination of their values);
// without either there is one run.
isa::Result<Experiment, Problem> expand(const Document& document,
                                        const std::vector<std::string>& image_directories);

}  // namespace hvsim::sim
