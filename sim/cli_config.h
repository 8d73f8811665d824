// What `hvsim config` does; errors go to standard error, the result is the exit code.
#pragma once

#include <string>
#include <vector>

namespace hvsim::sim {

int validate_config(const std::string& file, const std::vector<std::string>& settings);
int show_config(const std::string& file, const std::vector<std::string>& settings);
int show_topology(const std::string& file, const std::vector<std::string>& settings);
int show_schema();
int diff_configs(const std::string& before, const std::string& after);

}  // namespace hvsim::sim
