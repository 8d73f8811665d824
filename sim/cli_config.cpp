// Looking at configs without running them.
#include "sim/cli_config.h"

#include <cstdio>

#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/json_path.h"
#include "sim/schema.h"
#include "sim/topology.h"

namespace hvsim::sim {
namespace {

int refuse(const Problem& problem) {
  std::fprintf(stderr, "%s\n", problem.text().c_str());
  return 2;
}

isa::Result<Document, Problem> load_with(const std::string& file, const std::vector<std::string>& settings) {
  auto document = load_document(file);
  if (!document) return document;
  for (const std::string& setting : settings)
    if (auto problem = apply_setting(document.value(), setting)) return isa::Failure{*problem};
  return document;
}

isa::Result<Experiment, Problem> load(const std::string& file, const std::vector<std::string>& settings) {
  const auto document = load_with(file, settings);
  if (!document) return isa::Failure{document.error()};
  return expand(*document, image_directories());
}

void print(const Json& json) { std::printf("%s\n", json.dump(2).c_str()); }

Json resolved(const Experiment& experiment) {
  if (experiment.runs.size() == 1) return resolved_json(experiment.runs[0].config);
  Json json = Json::object();
  for (const Run& run : experiment.runs) json[run.label] = resolved_json(run.config);
  return json;
}

}  // namespace

int validate_config(const std::string& file, const std::vector<std::string>& settings) {
  const auto experiment = load(file, settings);
  if (!experiment) return refuse(experiment.error());
  std::printf("%s: valid, %zu %s\n", file.c_str(), experiment->runs.size(),
              experiment->runs.size() == 1 ? "run" : "runs");
  for (const Run& run : experiment->runs) std::printf("  %s  %s\n", run.identity.c_str(), run.label.c_str());
  return 0;
}

// A single config need not be complete to be shown: machine presets boot nothing by themselves.
int show_config(const std::string& file, const std::vector<std::string>& settings) {
  const auto document = load_with(file, settings);
  if (!document) return refuse(document.error());
  if (document->json.contains("runs") || document->json.contains("axes")) {
    const auto experiment = expand(*document, image_directories());
    if (!experiment) return refuse(experiment.error());
    print(resolved(*experiment));
  } else {
    const auto config = read_config(*document);
    if (!config) return refuse(config.error());
    print(resolved_json(*config));
  }
  return 0;
}

int show_topology(const std::string& file, const std::vector<std::string>& settings) {
  const auto document = load_with(file, settings);
  if (!document) return refuse(document.error());
  const auto config = read_config(*document);
  if (!config) return refuse(config.error());
  const MachineConfig& machine = config->machine;
  if (machine.topology.kind == TopologyKind::ideal) {
    std::fprintf(stderr, "%s: machine.topology.kind is \"ideal\": nothing to draw\n", file.c_str());
    return 2;
  }
  if (const auto found = problem_of(machine.topology, machine.harts, machine.memory_bytes))
    return refuse({file, "machine.topology." + found->key, found->value, found->expected});
  std::fputs(Topology(machine).dot().c_str(), stdout);
  return 0;
}

int show_schema() {
  print(config_schema());
  return 0;
}

int diff_configs(const std::string& before, const std::string& after) {
  const auto left = load(before, {}), right = load(after, {});
  if (!left) return refuse(left.error());
  if (!right) return refuse(right.error());
  for (const Difference& each : differences(resolved(*left), resolved(*right)))
    std::printf("%s: %s -> %s\n", each.path.c_str(), each.before.c_str(), each.after.c_str());
  return 0;
}

}  // namespace hvsim::sim
