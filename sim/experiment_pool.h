// Runs an experiment: one worker process per run, as many at once as there are cores.
#pragma once

#include <string>
#include <vector>

#include "sim/experiment.h"
#include "sim/experiment_messages.h"
#include "sim/progress.h"

namespace hvsim::sim {

struct PoolOptions {
  std::string output = "runs";
  unsigned jobs = 0;          // 0: one per core
  bool echo_console = false;  // the guests' output goes to standard output as it comes
  std::string worker;         // executable that understands `run-one`; empty: this one
};

struct Outcome {
  const Run* run = nullptr;
  bool done = false;
  Finished result;
};

struct ExperimentResult {
  std::vector<Outcome> outcomes;  // in the experiment's order
  std::string refused;            // a mistake of the user that a worker found: nothing else counts
  int signal = 0;                 // SIGINT or SIGTERM stopped it
};

ExperimentResult run_experiment(const Experiment& experiment, const PoolOptions& options,
                                ProgressDisplay& progress);

// The exit code of the whole: that of the first run that did not pass.
int exit_code(const ExperimentResult& result);

}  // namespace hvsim::sim
