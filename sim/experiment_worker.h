// The process that does one run: reads its config, simulates, writes the run directory, reports.
#pragma once

#include <functional>
#include <string>

#include "sim/simulation.h"

namespace hvsim::sim {

using Simulate = std::function<isa::Result<RunResult, Refusal>(const Config&, const ImagePaths&, Progress&,
                                                               const Attached&)>;

struct WorkerOptions {
  int config_descriptor = -1;   // a Run as worker_input() wrote it
  int message_descriptor = -1;  // where messages go
  std::string output;           // directory of run directories
  // Of a session: commands and answers; the run leaves nothing but what they ask.
  int session_descriptor = -1;
  std::string warm_ups{};  // Attached::warm_ups
};

struct Run;
std::string worker_input(const Run& run);

// The process's exit code.
int work(const WorkerOptions& options, const Simulate& simulate);

}  // namespace hvsim::sim
