// Keys of configs, sorted into those that a machine's state hangs on and those that only its time does.
#include "sim/checkpoint_rules.h"

#include <array>
#include <span>

#include "sim/json_path.h"

namespace hvsim::sim {
namespace {

using Keys = std::span<const char* const>;

// Of the machine and the hypervisor, what only takes time. A key that is not named here counts as what
// software can see.
constexpr std::array kTimeOfMachine{"mode", "quantum_cycles",   "caches", "topology",
                                    "mmu",  "branch_predictor", "costs",  "pipeline"};
constexpr std::array kTimeOfHypervisor{"costs", "calibration"};
// How a run begins.
constexpr std::array kBeginning{"restore", "restored_models", "fast_forward", "warm_instructions"};
constexpr std::array kProvenance{"calibration"};  // of the costs, for people
constexpr std::array kOfOneRun{"checkpoint", "observe", "limits"};

// A checkpoint's config may be anything.
Json section(const Json& config, const char* key) {
  if (!config.is_object()) return Json::object();
  const auto found = config.find(key);
  return found != config.end() ? *found : Json::object();
}

Json without(Json json, Keys keys) {
  if (json.is_object())
    for (const char* key : keys) json.erase(key);
  return json;
}

Json machine_of(const Json& config) {
  return Json{{"seed", config.is_object() ? config.value("seed", Json()) : Json()},
              {"machine", without(section(config, "machine"), kTimeOfMachine)},
              {"boot", without(section(config, "boot"), kBeginning)},
              {"hypervisor", without(section(config, "hypervisor"), kTimeOfHypervisor)},
              {"vms", section(config, "vms")}};
}

Json models_of(const Json& config) {
  return Json{{"machine", section(config, "machine")},
              {"hypervisor", without(section(config, "hypervisor"), kProvenance)},
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

Json config_to_go_on(const Json& made) {
  Json config = without(made, kOfOneRun);
  config["boot"] = without(section(made, "boot"), kBeginning);
  return config;
}

Json functional_twin(const Json& config) {
  constexpr std::array recorded{"statistics", "observe", "checkpoint"};
  constexpr std::array of_the_end{"fast_forward", "warm_instructions"};
  Json twin = without(config, recorded);
  twin["machine"] = without(section(config, "machine"), kTimeOfMachine);
  twin["machine"]["mode"] = "functional";
  twin["hypervisor"] = without(section(config, "hypervisor"), kTimeOfHypervisor);
  twin["boot"] = without(section(config, "boot"), of_the_end);
  return twin;
}

}  // namespace hvsim::sim
