// Runs the simulator's executable and QEMU as a user would.
#include "tests/twin/runs.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "sim/boot.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/run_directory.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"
#include "tests/support/sums.h"

namespace hvsim::twin {
namespace {

namespace fs = std::filesystem;

fs::path write_config(const fs::path& directory, Json config, const std::string& run) {
  config["hypervisor"]["run"] = run;
  const fs::path path = directory / "config.json";
  std::ofstream(path) << config.dump(2);
  return path;
}

sim::Run expand_one(const fs::path& path) {
  const auto document = sim::load_document(path.string());
  if (!document) throw std::runtime_error(document.error().text());
  const std::string all = HVSIM_IMAGE_DIRECTORIES;
  const auto colon = all.find(':');
  const auto experiment = sim::expand(*document, {all.substr(0, colon), all.substr(colon + 1)});
  if (!experiment) throw std::runtime_error(experiment.error().text());
  return experiment->runs.at(0);
}

bool is_hypervisor_row(const Json& row) {
  return row.at("mode") == "HS" && row.at("cause") != "-" && row.at("phase") != "idle";
}

void read_statistics(const fs::path& run, Outcome& outcome) {
  const Json stats = Json::parse(tests::slurp(run / "stats.json"));
  outcome.broken_sums = tests::Sums(stats).broken();
  for (const Json& dump : stats.at("dumps")) {
    outcome.dumps.push_back(Json::parse(tests::slurp(run / dump.at("file").get<std::string>())));
    outcome.broken_sums += tests::Sums(outcome.dumps.back()).broken();
  }
  for (const Json& hart : stats.at("harts")) {
    outcome.cycles = std::max(outcome.cycles, hart.at("cycles").get<std::uint64_t>());
    outcome.retired += hart.at("retired").get<std::uint64_t>();
  }
  for (const Json& vm : stats.at("vms")) outcome.vms[vm.at("name").get<std::string>()] = vm;
  for (const Json& exit : stats.at("exits"))
    outcome.exits[exit.at("cause").get<std::string>()] += exit.at("count").get<std::uint64_t>();
  for (const Json& sample : stats.at("sharing_samples")) {
    std::uint64_t& peak = outcome.peak_saved_pages[sample.at("vm").get<std::string>()];
    peak = std::max(peak, sample.at("shared_pages").get<std::uint64_t>());
  }
  for (const Json& row : stats.at("cpi"))
    for (const auto& [name, cycles] : row.at("components").items())
      if (name != "idle") outcome.vm_cycles[row.at("vm")] += cycles.get<std::uint64_t>();
  for (const Json& row : stats.at("cpi"))
    if (is_hypervisor_row(row))
      for (const auto& [name, cycles] : row.at("components").items())
        outcome.hypervisor_cycles += cycles.get<std::uint64_t>();
  outcome.result_hash = Json::parse(tests::slurp(run / "manifest.json")).at("result_hash").get<std::string>();
  outcome.stats = stats;
}

}  // namespace

std::string checksums(const Outcome& outcome, const std::string& vm) {
  const auto console = outcome.console.find(vm);
  if (console == outcome.console.end()) return {};
  std::string result;
  std::istringstream lines(console->second);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("checksum")) result += line + "\n";
  return result;
}

Outcome simulate(const Json& config, const std::string& run) {
  const tests::Scratch scratch;
  const fs::path file = write_config(scratch.path(), config, run);
  const fs::path out = scratch.path() / "runs";
  const tests::Ended command =
      tests::shell(std::string("HVSIM_IMAGES=" HVSIM_IMAGE_DIRECTORIES " " HVSIM_EXECUTABLE " run ") +
                   file.string() + " --quiet --out " + out.string());
  Outcome outcome;
  outcome.exit_code = command.code;
  outcome.log = command.output;
  if (!fs::exists(out)) return outcome;
  for (const auto& entry : fs::directory_iterator(out)) {
    read_statistics(entry.path(), outcome);
    if (fs::exists(entry.path() / "trace.json"))
      outcome.timeline = Json::parse(tests::slurp(entry.path() / "trace.json"));
    for (const auto& log : fs::directory_iterator(entry.path() / "console"))
      outcome.console[log.path().stem().string()] = tests::slurp(log.path());
  }
  return outcome;
}

std::string run_config(const std::string& file) {
  const tests::Scratch scratch;
  return tests::shell("HVSIM_IMAGES=" HVSIM_IMAGE_DIRECTORIES " " HVSIM_EXECUTABLE " run " + file +
                      " --out " + (scratch.path() / "runs").string())
      .output;
}

Outcome qemu(const Json& config) {
  const tests::Scratch scratch;
  const sim::Run run = expand_one(write_config(scratch.path(), config, "target"));
  const auto bundle = sim::bundle_of(run.config, run.images);
  if (!bundle) throw std::runtime_error(bundle.error());
  const fs::path initrd = scratch.path() / "bundle";
  tests::write_file(initrd, *bundle);
  const tests::Ended command = tests::shell(
      "timeout 120 qemu-system-riscv64 -M virt -cpu rv64,h=true -nographic -monitor none -serial stdio -m " +
      std::to_string(run.config.machine.memory_bytes >> 20) + "M -smp " +
      std::to_string(run.config.machine.harts) + " -bios " HVSIM_FIRMWARE " -kernel " +
      run.images.hypervisor + " -initrd " + initrd.string() + " < /dev/null");
  return {.exit_code = command.code,
          .console = sim::split_console(command.output, run.config),
          .exits = {},
          .vms = {},
          .peak_saved_pages = {},
          .cycles = 0,
          .retired = 0,
          .vm_cycles = {},
          .hypervisor_cycles = 0,
          .result_hash = {},
          .log = command.output};
}

}  // namespace hvsim::twin
