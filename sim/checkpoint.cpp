// The parts of a run, in the order in which they are loaded.
#include "sim/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "hypervisor/arch/host/host_hypervisor.h"
#include "sim/checkpoint_rules.h"
#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/hash.h"
#include "sim/limits.h"
#include "sim/machine.h"
#include "sim/recorder.h"
#include "sim/result_hash.h"

namespace hvsim::sim {
namespace {

// Saves or loads, part by part.
class Parts {
 public:
  explicit Parts(std::map<std::string, state::Bytes>& to) : saved_(&to) {}
  explicit Parts(const std::map<std::string, state::Bytes>& from) : from_(&from) {}

  bool loading() const { return from_ != nullptr; }
  const std::string& problem() const { return problem_; }

  void operator()(const std::string& name, const std::function<void(state::Archive&)>& persist) {
    if (!problem_.empty()) return;
    if (!loading()) {
      state::Archive archive;
      persist(archive);
      if (archive.failed()) problem_ = name + " " + archive.failure();
      (*saved_)[name] = archive.take();
      return;
    }
    const auto found = from_->find(name);
    if (found == from_->end()) {
      problem_ = "has no part \"" + name + "\"";
      return;
    }
    state::Archive archive(found->second);
    persist(archive);
    if (archive.left() != 0) archive.fail("is too long");
    if (archive.failed()) problem_ = "part \"" + name + "\" " + archive.failure();
  }

 private:
  std::map<std::string, state::Bytes>* saved_ = nullptr;
  const std::map<std::string, state::Bytes>* from_ = nullptr;
  std::string problem_;
};

// Its own data as they lie in memory: a build's. Load it behind the memory.
void persist_hypervisor(state::Archive& archive, hv::HostHypervisor& hypervisor, Machine& machine) {
  const std::span<std::byte> state = hypervisor.state();
  std::uint64_t bytes = state.size();
  archive(bytes);
  if (!archive.require(bytes == state.size(), "is of another build of the simulator")) return;
  archive.bytes({reinterpret_cast<std::uint8_t*>(state.data()), state.size()});
  if (!archive.loading() || archive.failed()) return;
  const auto why = hypervisor.impossible(machine.harts(), [&](isa::Hpa from, void* to, std::size_t count) {
    std::memset(to, 0, count);
    machine.memory().copy_out(from, {static_cast<std::uint8_t*>(to), count});
  });
  archive.require(why.empty(), "has the hypervisor in an impossible state: " + std::string(why));
}

std::string persist_run(Parts& parts, const Running& run, bool models) {
  using state::Archive;
  Machine& machine = run.machine;
  const auto of_harts = [&](const std::string& name, auto persist) {
    for (unsigned hart = 0; hart < machine.harts(); ++hart)
      parts("hart" + std::to_string(hart) + "." + name,
            [&](Archive& archive) { persist(archive, machine.hart(hart)); });
  };
  parts("memory", [&](Archive& archive) { machine.persist_memory(archive); });
  of_harts("state", [](Archive& archive, cpu::Hart& hart) { hart.persist_state(archive); });
  parts("devices", [&](Archive& archive) { machine.persist_devices(archive); });
  parts("console", [&](Archive& archive) { archive(run.console); });
  if (run.hypervisor != nullptr)
    parts("hypervisor", [&](Archive& archive) { persist_hypervisor(archive, *run.hypervisor, machine); });
  if (models) {
    parts("limits", [&](Archive& archive) { run.limits.persist(archive); });
    parts("recorder", [&](Archive& archive) { run.recorder.persist(archive); });
  }
  of_harts("counts", [](Archive& archive, cpu::Hart& hart) { hart.persist_counts(archive); });
  if (models) {
    parts("caches", [&](Archive& archive) { machine.persist_caches(archive); });
    of_harts("models", [](Archive& archive, cpu::Hart& hart) { hart.persist_model(archive); });
  }
  parts("counts", [&](Archive& archive) { machine.persist_counts(archive); });
  return parts.problem();
}

}  // namespace

CheckpointFacts facts_of_run(const Config& config, const ImagePaths& images) {
  CheckpointFacts facts;
  facts.simulator = simulator_version();
  facts.build = simulator_build();
  Config going_on = config;
  going_on.checkpoint = {};
  facts.identity = run_identity(going_on, images);
  for (const auto& [key, file] : files_by_key(config, images)) facts.images[key] = hash_file(file);
  facts.beginning = beginning(config.boot);
  return facts;
}

isa::Result<Checkpoint, std::string> take_checkpoint(const Running& run, CheckpointFacts of_run) {
  Checkpoint checkpoint{.facts = std::move(of_run), .parts = {}};
  CheckpointFacts& facts = checkpoint.facts;
  facts.cycles = facts.instructions = 0;
  facts.config = resolved_json(run.config);
  for (unsigned hart = 0; hart < run.machine.harts(); ++hart) {
    const cpu::HartState& state = run.machine.hart(hart).hart_state();
    facts.cycles = std::max(facts.cycles, state.cycle);
    facts.instructions += state.retired;
  }
  facts.debugged = run.debugged;
  Parts parts(checkpoint.parts);
  if (auto problem = persist_run(parts, run, true); !problem.empty()) return isa::Failure{problem};
  return checkpoint;
}

std::string restore_checkpoint(const Checkpoint& checkpoint, const Running& run, RestoredModels models) {
  if (auto other = different_run(checkpoint.facts, run.config, models); !other.empty()) return other;
  const bool exact = models == RestoredModels::exact;
  Parts parts(checkpoint.parts);
  if (auto problem = persist_run(parts, run, exact); !problem.empty()) return problem;
  run.debugged = checkpoint.facts.debugged;
  if (exact) return {};
  for (unsigned hart = 0; hart < run.machine.harts(); ++hart) run.machine.hart(hart).begin_anew();
  run.recorder.reset();
  if (const std::uint64_t first = run.config.boot.warm_instructions; first != 0) run.recorder.warm_for(first);
  return {};
}

std::string verify_checkpoint(const Checkpoint& checkpoint) {
  struct Nobody final : Progress {
    void advanced(isa::Cycles, std::uint64_t) override {}
    void console(std::string_view) override {}
  } nobody;
  Document document;
  merge(document, config_to_go_on(checkpoint.facts), "the checkpoint's config");
  const auto config = read_config(document);
  if (!config) return config.error().text();
  const bool on_host = config->hypervisor.run == HypervisorRun::host;
  auto machine = Machine::build(config->machine, config->seed, on_host, [](std::uint8_t) {});
  if (!machine) return machine.error();
  Recorder recorder(**machine, *config);
  Limits limits(**machine, config->limits, nobody, false);
  std::optional<hv::HostHypervisor> hypervisor;
  if (on_host) hypervisor.emplace(config->hypervisor.costs);
  std::string console;
  bool debugged = false;
  const Running run{.config = *config,
                    .machine = **machine,
                    .recorder = recorder,
                    .limits = limits,
                    .console = console,
                    .debugged = debugged,
                    .hypervisor = hypervisor ? &*hypervisor : nullptr};
  if (auto problem = restore_checkpoint(checkpoint, run, RestoredModels::exact); !problem.empty())
    return problem;
  const auto again = take_checkpoint(run, checkpoint.facts);
  if (!again) return again.error();
  for (const auto& [name, part] : checkpoint.parts) {
    const auto found = again->parts.find(name);
    if (found == again->parts.end() || found->second != part)
      return "part \"" + name + "\" is not what it was once it is restored and taken again";
  }
  return {};
}

}  // namespace hvsim::sim
