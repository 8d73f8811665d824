// The command line: hvsim run, config, version.
#pragma once

#include "sim/experiment_worker.h"

namespace hvsim::sim {

// `worker` does the one run of an internal `run-one` command. The result is the process's exit code.
int command_line(int argc, char** argv, const std::function<int(const WorkerOptions&)>& worker);

}  // namespace hvsim::sim
