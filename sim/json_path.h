// Dotted paths into JSON: "vms[0].arguments.calls", "vms[*].memory_bytes".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/json_document.h"

namespace hvsim::sim {

// Sets the value at `path`, making objects on the way. List elements must exist; [*] means all of them.
std::optional<Problem> set_path(Document& document, const std::string& path, const Json& value,
                                const std::string& origin);

// "a.b=c" as --set has it: c is JSON if it parses as such, text otherwise.
std::optional<Problem> apply_setting(Document& document, const std::string& setting);

struct Difference {
  std::string path;
  std::string before, after;  // "-" where a side has no such value
};
std::vector<Difference> differences(const Json& before, const Json& after);

}  // namespace hvsim::sim
