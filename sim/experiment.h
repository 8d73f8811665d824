// An experiment: one config and its variants, each of them checked before anything runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/debugger.h"
#include "sim/json_document.h"

namespace hvsim::sim {

struct Run {
  std::string label;  // what tells it from its siblings: "target-dlh-8"; a single run's is its name
  Config config;
  ImagePaths images;
  std::string identity;               // hash of config, images and simulator version
  std::optional<DebugOptions> gdb{};  // how a debugger may attach

  std::string directory_name() const { return config.name + "-" + identity; }
};

struct Experiment {
  std::string name;
  std::string description;
  std::vector<Run> runs;
};

// Variants come from "runs" (a list of names with overrides) or "axes" (every combination of their values);
// without either there is one run.
// `only`: shell patterns of labels; empty: all runs. Runs that would change the same disk, or write the same
// file, are refused.
isa::Result<Experiment, Problem> expand(const Document& document,
                                        const std::vector<std::string>& image_directories,
                                        const std::vector<std::string>& only = {});

}  // namespace hvsim::sim
