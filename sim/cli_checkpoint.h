// What `hvsim checkpoint` does.
#pragma once

#include <string>

namespace hvsim::sim {

int check_checkpoint(const std::string& file);
int show_checkpoint(const std::string& file, bool json);

}  // namespace hvsim::sim
