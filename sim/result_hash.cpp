// XXH3 over canonical JSON text.
#include "sim/result_hash.h"

#include <xxhash.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "sim/config_load.h"
#include "sim/statistics_json.h"

namespace hvsim::sim {
namespace {

// What a run that goes on as if nothing had happened began with is no part of what it is. Keys that say
// nothing do not count, so that runs keep their identities.
void canonical_start(Json& boot, const BootConfig& config) {
  if (config.fast_forward.empty()) boot.erase("fast_forward");
  if (config.warm_instructions == 0) boot.erase("warm_instructions");
  const bool cold = !config.restore.empty() && config.restored_models != RestoredModels::exact;
  if (cold)
    boot["restore"] = hash_file(config.restore);
  else
    boot.erase("restore"), boot.erase("restored_models");
}

Json canonical(const Config& config, const ImagePaths& images) {
  Json json = resolved_json(config);
  json.erase("name");
  json.erase("description");
  json.erase("observe");
  json.erase("checkpoint");
  canonical_start(json["boot"], config.boot);
  json["hypervisor"].erase("calibration");
  json["boot"]["firmware"] = hash_file(images.firmware);
  json["boot"]["image"] = hash_file(images.image);
  json["boot"]["initrd"] = hash_file(images.initrd);
  json["hypervisor"]["image"] = hash_file(images.hypervisor);
  json["machine"]["console"]["input_file"] = hash_file(config.machine.console.input_file);
  json["machine"]["devices"]["console"]["typed"]["input_file"] =
      hash_file(config.machine.devices.console.typed.input_file);
  for (std::size_t i = 0; i < config.machine.devices.block.size(); ++i) {
    const BlockConfig& block = config.machine.devices.block[i];
    // A disk that the run changes is known by its name alone: this is asked before and after.
    if (block.access != device::DiskAccess::read_write)
      json["machine"]["devices"]["block"][i]["file"] = hash_file(block.file);
  }
  for (std::size_t i = 0; i < images.workloads.size(); ++i) {
    json["vms"][i]["workload"] = hash_file(images.workloads[i]);
    json["vms"][i]["initrd"] = hash_file(images.vm_initrds[i]);
    json["vms"][i]["symbols"] = hash_file(images.vm_symbols[i]);
    json["vms"][i]["disk"] = hash_file(images.vm_disks[i]);
  }
  return json;
}

}  // namespace

std::string_view simulator_version() { return HVSIM_VERSION; }

std::string hash_text(std::string_view text) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, std::uint64_t{XXH3_64bits(text.data(), text.size())});
  return digits;
}

std::string hash_file(const std::string& file) {
  if (file.empty()) return {};
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return {};
  std::ostringstream text;
  text << stream.rdbuf();
  return hash_text(text.view());
}

// A disk that the run changes counts by what it holds before.
std::string run_identity(const Config& config, const ImagePaths& images) {
  std::string changing;
  for (const BlockConfig& block : config.machine.devices.block)
    if (block.access == device::DiskAccess::read_write) changing += hash_file(block.file);
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
