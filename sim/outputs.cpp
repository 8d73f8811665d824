// The keys that name files which a run writes, in one list.
#include "sim/outputs.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOfTheRun = "{run}";

struct Output {
  const char* key;
  std::string& file;
  bool wanted;
};

std::vector<Output> outputs(Config& config) {
  ObserveConfig& observe = config.observe;
  return {{"observe.explain_output", observe.explain_output, !observe.explain.empty()},
          {"observe.trace_output", observe.trace_output, !observe.trace.empty()},
          {"observe.signature", observe.signature, true},
          {"checkpoint.file", config.checkpoint.file, !config.checkpoint.at.empty()}};
}

// Terminals, pipes and /dev/null may be shared.
bool keeps_what_is_written(const std::string& file) {
  std::error_code error;
  return !fs::is_other(file, error);
}

}  // namespace

void name_outputs(Run& run) {
  for (const Output& output : outputs(run.config))
    for (std::size_t at; (at = output.file.find(kOfTheRun)) != std::string::npos;)
      output.file.replace(at, kOfTheRun.size(), run.directory_name());
}

std::optional<Problem> find_shared_output(const Document& document, const std::vector<Run>& runs) {
  std::map<fs::path, std::string> users;
  for (const Run& run : runs) {
    Config config = run.config;
    for (const Output& output : outputs(config)) {
      if (!output.wanted || output.file.empty() || !keeps_what_is_written(output.file)) continue;
      std::error_code error;
      const std::string user = "\"" + run.label + "\" (" + output.key + ")";
      fs::path place = fs::weakly_canonical(output.file, error);
      if (error) place = output.file;
      const auto [found, fresh] = users.emplace(std::move(place), user);
      if (!fresh)
        return Problem{document.origins.of(output.key), output.key, "\"" + output.file + "\"",
                       "expected another file: " + found->second + " writes it, too; " +
                           std::string(kOfTheRun) + " in a file's name stands for the run"};
    }
  }
  return std::nullopt;
}

}  // namespace hvsim::sim
