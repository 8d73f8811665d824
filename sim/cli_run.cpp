// Load, check, run, report.
#include "sim/cli_run.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "sim/checkpoint.h"
#include "sim/checkpoint_rules.h"
#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/experiment_pool.h"
#include "sim/json_path.h"
#include "sim/progress.h"
#include "sim/report_table.h"
#include "sim/run_directory.h"

namespace hvsim::sim {
namespace {

int refuse(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
  return 2;
}

// The image boots without firmware, on the machine that the config describes or on a default one.
void set_bare(Document& document, const std::string& elf) {
  const std::string image = std::filesystem::absolute(elf).string();
  if (document.json.empty()) {
    const std::string name = std::filesystem::path(elf).stem().string();
    merge(document, Json{{"version", kConfigVersion}, {"name", name}}, "--elf");
  }
  merge(document, Json{{"boot", {{"image", image}, {"firmware", "none"}}}}, "--elf");
}

// The config that a checkpoint was made with, but for what was asked of that run alone.
std::optional<Problem> set_checkpointed(Document& document, const std::string& file) {
  auto facts = read_checkpoint_facts(file);
  if (!facts) return Problem{"--restore", file, "", facts.error()};
  merge(document, config_to_go_on(*facts), file);
  return std::nullopt;
}

std::optional<std::string> absolute(const std::optional<std::string>& file) {
  return file ? std::optional(std::filesystem::absolute(*file).string()) : file;
}

// Explanations on standard error and the progress line do not go together.
bool talks(const Run& run) {
  const ObserveConfig& observe = run.config.observe;
  return (!observe.explain.empty() && observe.explain_output.empty()) ||
         (!observe.trace.empty() && observe.trace_output.empty());
}

// Several runs at a time would write into one another.
std::optional<std::string> find_mixed_output(const Experiment& experiment) {
  if (experiment.runs.size() == 1 || std::ranges::none_of(experiment.runs, talks)) return std::nullopt;
  return "observe: " + std::to_string(experiment.runs.size()) +
         " runs: expected one run when traps are explained or instructions traced on standard error (--only "
         "LABEL chooses one), or a file for each: {run} in an output's name stands for the run";
}

isa::Result<Document, Problem> assemble(const RunOptions& options) {
  Document document;
  if (!options.config.empty()) {
    auto loaded = load_document(options.config);
    if (!loaded) return loaded;
    document = std::move(loaded.value());
  }
  if (options.config.empty() && options.elf.empty())
    if (auto problem = set_checkpointed(document, *options.restore)) return isa::Failure{*problem};
  if (!options.elf.empty()) set_bare(document, options.elf);
  std::optional<Problem> problem;
  auto set = [&](const char* option, const char* path, const auto& value) {
    if (!problem && value) problem = set_path(document, path, Json(*value), option);
  };
  for (const std::string& setting : options.settings)
    if (!problem) problem = apply_setting(document, setting);
  set("--max-cycles", "limits.max_cycles", options.max_cycles);
  set("--max-instructions", "limits.max_instructions", options.max_instructions);
  set("--seed", "seed", options.seed);
  set("--explain", "observe.explain", options.explain);
  set("--explain-output", "observe.explain_output", absolute(options.explain_output));
  set("--trace", "observe.trace", options.trace);
  set("--trace-output", "observe.trace_output", absolute(options.trace_output));
  set("--observe-format", "observe.format", options.observe_format);
  set("--signature", "observe.signature", absolute(options.signature));
  set("--checkpoint", "checkpoint.file", absolute(options.checkpoint));
  set("--checkpoint-at", "checkpoint.at", options.checkpoint_at);
  if (options.checkpoint_stop) set("--checkpoint-stop", "checkpoint.then", std::optional("stop"));
  set("--restore", "boot.restore", absolute(options.restore));
  if (options.cold) set("--cold", "boot.restored_models", std::optional("cold"));
  set("--fast-forward", "boot.fast_forward", options.fast_forward);
  set("--warm", "boot.warm_instructions", options.warm);
  set("--signature-granularity", "observe.signature_granularity", options.signature_granularity);
  if (options.timeline) set("--timeline", "observe.timeline", std::optional(true));
  if (problem) return isa::Failure{*problem};
  return document;
}

void report(const RunOptions& options, const Experiment& experiment, const ExperimentResult& result) {
  if (options.json) {
    std::printf("%s\n", report_json(experiment, result).dump(2).c_str());
  } else {
    std::printf("%s", report_text(experiment, result).c_str());
  }
}

}  // namespace

int run(const RunOptions& options) {
  if (options.config.empty() && options.elf.empty() && !options.restore)
    return refuse(
        "run: missing: expected a config file, --elf with an image, or --restore with a checkpoint");
  const auto document = assemble(options);
  if (!document) return refuse(document.error().text());
  auto experiment = expand(*document, image_directories(), options.only);
  if (!experiment) return refuse(experiment.error().text());
  if (options.gdb) {
    if (experiment->runs.size() != 1)
      return refuse("--gdb: expected one run, the experiment has " + std::to_string(experiment->runs.size()) +
                    " (--only LABEL chooses one)");
    Run& run = experiment.value().runs[0];
    const bool vcpus = options.gdb_view == "vcpus";
    if (vcpus && run.config.hypervisor.run == HypervisorRun::none)
      return refuse("--gdb-view=vcpus: expected hypervisor.run to be target or host: there are no VCPUs");
    run.gdb = DebugOptions{.where = *options.gdb, .view = vcpus ? DebugView::vcpus : DebugView::harts};
  }
  if (auto problem = find_mixed_output(*experiment)) return refuse(*problem);
  if (auto problem = check_output(options.output)) return refuse(problem->text());

  ExperimentResult result;
  {
    ProgressDisplay progress(progress_style(options.quiet || talks(experiment->runs.front())));
    const bool alone = experiment->runs.size() == 1;
    result = run_experiment(*experiment,
                            {.output = options.output,
                             .jobs = options.jobs,
                             .echo_console = alone && !options.json && !options.quiet,
                             .worker = {}},
                            progress);
  }
  if (result.signal != 0) {
    std::fprintf(stderr, "interrupted: unfinished runs left nothing behind\n");
    return exit_code(result);
  }
  if (!result.refused.empty()) return refuse(result.refused);
  report(options, *experiment, result);
  if (options.timeline && !options.json)
    std::printf("timelines: trace.json in each run's directory, for https://ui.perfetto.dev\n");
  return exit_code(result);
}

}  // namespace hvsim::sim
