// A run's results on disk: written under a temporary name and renamed, so that there is a whole run or none.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "models/cpu/isa/result.h"
#include "sim/config_problem.h"
#include "sim/experiment.h"
#include "sim/statistics.h"

namespace hvsim::sim {

// What is wrong with the place for results; found before anything runs.
std::optional<Problem> check_output(const std::string& directory);

// Facts about this execution, none of which is part of the result.
struct HostFacts {
  double wall_seconds = 0;
};

// The path of the finished directory. An earlier run of the same identity is replaced at once.
isa::Result<std::string, Problem> write_run(const std::string& directory, const Run& run,
                                            const RunResult& result, const std::string& hash,
                                            const HostFacts& host);

// What this process has begun to write there: remove_partial_runs() of another knows it.
std::string partial_path(const std::string& directory, const std::string& name);

// Removes what processes of this machine that are no more have left half-written.
void remove_partial_runs(const std::string& directory);

// Cycles of an earlier run of the same identity, to foretell how long this one takes.
std::optional<std::uint64_t> earlier_cycles(const std::string& directory, const Run& run);

// The console by VM: lines that start with "[name] " belong to that VM, all others to "machine".
std::map<std::string, std::string> split_console(const std::string& console, const Config& config);

}  // namespace hvsim::sim
