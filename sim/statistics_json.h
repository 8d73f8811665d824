// Statistics as JSON, with a unit and a line of help for every one of them.
#pragma once

#include <string>

#include "sim/json_document.h"
#include "sim/statistics.h"

namespace hvsim::sim {

Json statistics_json(const RunResult& result);  // everything but the console
Json statistics_help();                         // path -> {unit, help}
Json summary_json(const RunSummary& summary);
isa::Result<RunSummary, Problem> read_summary(const Json& json);
std::string exits_csv(const RunResult& result);
std::string epochs_csv(const RunResult& result);

}  // namespace hvsim::sim
