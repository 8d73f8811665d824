// The help that stats.json carries, as a list.
#include "sim/cli_statistics.h"

#include <cstdio>

#include "sim/statistics_json.h"

namespace hvsim::sim {

int list_statistics(const std::string& prefix, bool json) {
  Json found = Json::object();
  const Json all = statistics_help();
  for (const auto& [path, entry] : all.items())
    if (path.starts_with(prefix)) found[path] = entry;
  if (found.empty()) {
    std::fprintf(stderr, "no statistic's path starts with \"%s\"; hvsim statistics lists all\n",
                 prefix.c_str());
    return 2;
  }
  if (json) {
    std::printf("%s\n", found.dump(2).c_str());
    return 0;
  }
  for (const auto& [path, entry] : found.items()) {
    const std::string unit = entry["unit"].get<std::string>();
    std::printf("%s%s: %s\n", path.c_str(), unit.empty() ? "" : (" [" + unit + "]").c_str(),
                entry["help"].get<std::string>().c_str());
  }
  return 0;
}

}  // namespace hvsim::sim
