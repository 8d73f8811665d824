// Keys of configs, sorted into those that a machine's state hangs on and those that only its time does.
#include "sim/checkpoint_rules.h"

#include <array>
#include <span>

#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/hash.h"
#include "sim/json_path.h"
#include "sim/result_hash.h"

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
constexpr std::array kOfOneRun{"checkpoint", "observe"};
constexpr std::array kEnds{"max_cycles", "max_instructions"};
constexpr char kCold[] = " (boot.restored_models=cold begins with empty caches, and counts anew)";

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
              {"statistics", section(config, "statistics")},
              {"limits", without(section(config, "limits"), kEnds)}};
}

std::string first_difference(const Json& made, const Json& now) {
  const auto found = differences(made, now);
  if (found.empty()) return {};
  const Difference& first = found.front();
  return "was made with another " + first.path + ": " + first.before + ", and not " + first.after;
}

// A run with this limit would have been over by then.
bool is_passed(std::uint64_t limit, std::uint64_t come) { return limit != 0 && come >= limit; }

std::string passed(const char* key, std::uint64_t limit, std::uint64_t come, const char* unit) {
  if (!is_passed(limit, come)) return {};
  return "was made after " + std::to_string(come) + " " + unit + ", expected fewer than limits." + key +
         ", which is " + std::to_string(limit);
}

std::string passed_limit(const CheckpointFacts& made, const LimitsConfig& limits) {
  std::string why = passed("max_instructions", limits.max_instructions, made.instructions, "instructions");
  return why.empty() ? passed("max_cycles", limits.max_cycles, made.cycles, "cycles") : why;
}

}  // namespace

std::string different_run(const CheckpointFacts& made, const Config& now, RestoredModels models) {
  const Json config = resolved_json(now);
  if (auto why = first_difference(machine_of(made.config), machine_of(config)); !why.empty()) return why;
  if (models == RestoredModels::exact)
    if (auto why = first_difference(models_of(made.config), models_of(config)); !why.empty())
      return why + kCold;
  return passed_limit(made, now.limits);
}

std::string different_files(const CheckpointFacts& made, const Config& now, const ImagePaths& images) {
  for (const auto& [key, file] : files_by_key(now, images)) {
    const auto before = made.images.find(key);
    if (before == made.images.end() || *before != hash_file(file))
      return "was made with another " + key + ": what " + file + " holds has changed since";
  }
  return {};
}

std::string different_build(const CheckpointFacts& made, const Config& now, RestoredModels models) {
  const bool exact = models == RestoredModels::exact, on_host = now.hypervisor.run == HypervisorRun::host;
  if (!exact && !on_host) return {};
  if (made.simulator == simulator_version() && made.build == simulator_build()) return {};
  return "was made by another build of the simulator" + std::string(on_host ? "" : kCold);
}

Json config_to_go_on(const CheckpointFacts& made) {
  Json config = without(made.config, kOfOneRun);
  config["boot"] = without(section(made.config, "boot"), kBeginning);
  Json limits = section(made.config, "limits");
  const auto erase_passed = [&](const char* key, std::uint64_t come) {
    const auto limit = limits.is_object() ? limits.find(key) : limits.end();
    if (limit != limits.end() && limit->is_number_unsigned() && is_passed(limit->get<std::uint64_t>(), come))
      limits.erase(limit);
  };
  erase_passed("max_cycles", made.cycles);
  erase_passed("max_instructions", made.instructions);
  config["limits"] = std::move(limits);
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
