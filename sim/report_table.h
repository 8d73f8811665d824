// The answer of an experiment in tables and sentences.
#pragma once

#include <string>
#include <vector>

#include "sim/experiment_pool.h"
#include "sim/json_document.h"

namespace hvsim::sim {

std::string report_text(const Experiment& experiment, const ExperimentResult& result);
Json report_json(const Experiment& experiment, const ExperimentResult& result);

}  // namespace hvsim::sim
