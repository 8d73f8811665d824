// Keys of configs, sorted into those that a machine's state hangs on and those that only its time does.
#include "sim/checkpoint_rules.h"

#include <initializer_list>

#include "sim/json_path.h"

namespace hvsim::sim {
namespace {

// A checkpoint's config may be anything.
Json section(const Json& config, const char* key) {
  if (!config.is_object()) return Json::object();
  const auto found = config.find(key);
  return found != config.end() ? *found : Json::object();
}

Json without(Json json, std::initializer_list<const char*> keys) {
  if (json.is_object())
    for (const char* key : keys) json.erase(key);
  return json;
}

Json machine_of(const Json& config) {
  return Json{
      {"seed", config.is_object() ? config.value("seed", Json()) : Json()},
      {"machine", without(section(config, "machine"), {"mode", "quantum_cycles", "caches", "topology", "mmu",
                                                       "branch_predictor", "costs", "pipeline"})},
      {"boot", without(section(config, "boot"), {"restore", "restored_models", "fast_forward"})},
      {"hypervisor", without(section(config, "hypervisor"), {"costs"})},
      {"vms", section(config, "vms")}};
}

Json models_of(const Json& config) {
  return Json{{"machine", section(config, "machine")},
              {"hypervisor", section(config, "hypervisor")},
              {"statistics", section(config, "statistics")}};
}

std::string first_difference(const Json& made, const Json& now) {
  const auto found = differences(made, now);
  if (found.empty()) return {};
  const Difference& first = found.front();
  return "was made with another " + first.path + ": " + first.before + ", and not " + first.after;
}

}  // namespace

std::string different_machine(const Json& made, const Json& now) {
  return first_difference(machine_of(made), machine_of(now));
}

std::string different_models(const Json& made, const Json& now) {
  return first_difference(models_of(made), models_of(now));
}

}  // namespace hvsim::sim
