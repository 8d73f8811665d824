// The invariants of ARCHITECTURE.md that the text of the sources can prove or break.
#pragma once

#include <string>
#include <vector>

#include "tests/architecture/include_graph.h"

namespace hvsim::architecture {

// Each returns one line per violation, "file:line: what is wrong"; empty when the invariant holds.
std::vector<std::string> hypervisor_violations(const std::vector<Source>& sources);  // I1
std::vector<std::string> systemc_violations(const std::vector<Source>& sources);     // I2
std::vector<std::string> direction_violations(const std::vector<Source>& sources);   // I3
std::vector<std::string> time_violations(const std::vector<Source>& sources);        // I4
std::vector<std::string> include_style_violations(const std::vector<Source>& sources);

}  // namespace hvsim::architecture
