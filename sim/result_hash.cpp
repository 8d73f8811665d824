// Hashes over canonical JSON text.
#include "sim/result_hash.h"

#include "sim/checkpoint.h"
#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/hash.h"
#include "sim/json_path.h"
#include "sim/statistics_json.h"

namespace hvsim::sim {
namespace {

// Keys that say nothing do not count, so that runs keep their identities.
void canonical_start(Json& boot, const BootConfig& config) {
  for (const char* key : {"restore", "restored_models", "fast_forward", "warm_instructions"}) boot.erase(key);
  boot.update(beginning(config));
}

// A disk that the run changes is known by its name alone: results are asked for before and after.
bool changes(const Config& config, const std::string& key) {
  for (std::size_t i = 0; i < config.machine.devices.block.size(); ++i)
    if (key == disk_key(i)) return config.machine.devices.block[i].access == device::DiskAccess::read_write;
  return false;
}

Json canonical(const Config& config, const ImagePaths& images) {
  Document document;
  Json& json = document.json = resolved_json(config);
  json.erase("name");
  json.erase("description");
  json.erase("observe");
  // A run that ends where it writes a checkpoint is another one; else writing it changes nothing.
  if (config.checkpoint.at.empty() || config.checkpoint.then != AfterCheckpoint::stop)
    json.erase("checkpoint");
  else
    json["checkpoint"].erase("file");
  json["hypervisor"].erase("calibration");
  for (const auto& [key, file] : files_by_key(config, images))
    if (!changes(config, key)) set_path(document, key, hash_file(file), {});
  canonical_start(json["boot"], config.boot);
  return json;
}

}  // namespace

std::string_view simulator_version() { return HVSIM_VERSION; }

std::string simulator_build() { return hash_file("/proc/self/exe"); }

Json beginning(const BootConfig& boot) {
  Json how = Json::object();
  if (!boot.restore.empty() && boot.restored_models == RestoredModels::exact)
    if (const auto facts = read_checkpoint_facts(boot.restore)) return facts->beginning;
  if (!boot.restore.empty() && boot.restored_models == RestoredModels::cold) {
    how["restore"] = hash_file(boot.restore);
    how["restored_models"] = "cold";
  }
  if (!boot.fast_forward.empty()) how["fast_forward"] = boot.fast_forward;
  if (boot.warm_instructions != 0) how["warm_instructions"] = boot.warm_instructions;
  return how;
}

// A disk that the run changes counts by what it holds before.
std::string run_identity(const Config& config, const ImagePaths& images) {
  std::string changing;
  for (const auto& [key, file] : files_by_key(config, images))
    if (changes(config, key)) changing += hash_file(file);
  return hash_text(canonical(config, images).dump() + std::string(simulator_version()) + changing);
}

std::string result_hash(const Config& config, const ImagePaths& images, const RunResult& result) {
  std::string dumps;
  for (const std::string& text : result.dump_texts) dumps += hash_text(text);
  const Json whole{{"config", canonical(config, images)},
                   {"statistics", statistics_json(result)},
                   {"dumps", dumps},
                   {"console", hash_text(result.console)},
                   {"virtio_console", hash_text(result.virtio_console)},
                   {"exit_code", exit_code(result)}};
  return hash_text(whole.dump());
}

}  // namespace hvsim::sim
