// Commands and options, by CLI11.
#include "sim/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "sim/cli_checkpoint.h"
#include "sim/cli_config.h"
#include "sim/cli_run.h"
#include "sim/cli_statistics.h"
#include "sim/disasm.h"
#include "sim/json_read.h"
#include "sim/result_hash.h"

namespace hvsim::sim {
namespace {

constexpr int kUsageError = 2;

constexpr char kExitCodes[] =
    "Exit codes: 0 pass, 1 guest failure, 2 usage or config, 3 simulator fault,\n"
    "4 limit reached or ended by a debugger, 5 no progress, 6 unexpected trap, 130 interrupted.";

struct Commands {
  RunOptions run;
  DisasmOptions disasm;
  WorkerOptions worker;
  std::string file, other_file;
  std::vector<std::string> settings;
  bool json = false;
};

void add_run(CLI::App& app, RunOptions& options) {
  app.add_option("config", options.config, "experiment or machine config (JSON)");
  app.add_option("--elf", options.elf, "boot this bare-metal ELF instead of what the config says");
  app.add_option("--set", options.settings, "override a key: --set hypervisor.delivery=dlh")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--only", options.only, "run those of an experiment whose labels match: --only 'target-*'")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--max-cycles", options.max_cycles, "stop when a hart has run so many cycles");
  app.add_option("--max-instructions", options.max_instructions,
                 "stop after so many instructions of all harts");
  app.add_option("--seed", options.seed, "of everything random");
  app.add_option("--out", options.output, "directory for run directories")->capture_default_str();
  app.add_option("--jobs", options.jobs, "runs at a time; 0: one per core")->capture_default_str();
  app.add_option("--gdb", options.gdb,
                 "wait for GDB at a loopback port (1234 if none is named, 0: any) or at unix:PATH")
      ->expected(0, 1)
      ->default_str("");
  app.add_option("--gdb-view", options.gdb_view, "what GDB's threads are: harts, or the VCPUs of the VMs")
      ->check(CLI::IsMember({"harts", "vcpus"}))
      ->capture_default_str();
  app.add_option("--explain", options.explain,
                 "explain traps: --explain for all, or --explain=cause=page_fault,mode=VS,count=10");
  app.add_option("--explain-output", options.explain_output, "file for them instead of standard error");
  app.add_option("--trace", options.trace, "list instructions: --trace, or --trace=start=main,count=1000");
  app.add_option("--trace-output", options.trace_output, "file for them instead of standard error");
  app.add_option("--observe-format", options.observe_format,
                 "of both: text, or json with one object per line");
  app.add_option("--signature", options.signature,
                 "file for what the image leaves between begin_signature and end_signature");
  app.add_option("--signature-granularity", options.signature_granularity,
                 "bytes in a line of it: 4, 8 or 16");
  app.add_option("--checkpoint", options.checkpoint, "file for a checkpoint");
  app.add_option("--checkpoint-at", options.checkpoint_at,
                 "when to write it: instructions=N, cycles=N, mark=N or symbol=NAME");
  app.add_flag("--checkpoint-stop", options.checkpoint_stop, "end the run there");
  app.add_option("--restore", options.restore, "go on from a checkpoint, by its own config if none is named");
  app.add_flag("--cold", options.cold, "with other timing, empty caches and new statistics");
  app.add_option("--warm", options.warm,
                 "with --cold or --fast-forward: instructions that fill the caches before statistics count");
  app.add_option("--fast-forward", options.fast_forward,
                 "be functional until instructions=N, cycles=N, mark=N or symbol=NAME");
  app.add_flag("--timeline", options.timeline,
               "write trace.json for Perfetto into the run directory: what harts and VCPUs did when");
  app.add_flag("--json", options.json, "print JSON instead of tables");
  app.add_flag("--quiet", options.quiet, "no progress, no guest console");
}

void add_disasm(CLI::App& app, DisasmOptions& options) {
  app.add_option("file", options.file, "an ELF, or a flat image with --base")->required();
  app.add_option("--base", options.base, "address of a flat image's first byte");
  app.add_option("--start", options.start, "first address");
  app.add_option("--end", options.end, "address behind the last one");
  app.add_option("--symbol", options.symbol,
                 "list this function only, by its name with or without its C++ mangling");
  app.add_flag("--canonical", options.canonical,
               "no aliases, registers by number: objdump -M no-aliases,numeric");
}

void add_settings(CLI::App& app, std::vector<std::string>& settings) {
  app.add_option("--set", settings, "override a key")->allow_extra_args(false)->take_all();
}

// The filter of --explain and --trace is optional and comes after '=', so that a config may follow either.
std::vector<std::string> complete_observers(std::vector<std::string> arguments) {
  for (std::string& each : arguments)
    if (each == "--explain" || each == "--trace") each += "=all";
  return arguments;
}

// A first word that is no command.
std::optional<std::string> misspelt(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0].starts_with("-")) return std::nullopt;
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == arguments[0]) return std::nullopt;
    if (!each->get_group().empty()) names.push_back(each->get_name());  // it is no internal one
  }
  const auto guess = nearest(arguments[0], {names.begin(), names.end()});
  return '"' + arguments[0] + "\" is no command" + (guess ? ", did you mean \"" + *guess + "\"?" : "");
}

}  // namespace

int command_line(int argc, char** argv, const std::function<int(const WorkerOptions&)>& worker) {
  Commands c;
  CLI::App app{"A cycle-approximate full-system simulator of a virtualized RISC-V machine.", "hvsim"};
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "hvsim: " + std::string(error.what()) + " (hvsim --help lists what is there)\n";
  });

  auto* run_command = app.add_subcommand("run", "run an experiment and print what came out");
  add_run(*run_command, c.run);

  auto* trace_command = app.add_subcommand("trace", "run --timeline: what happened when, for Perfetto");
  add_run(*trace_command, c.run);

  auto* config = app.add_subcommand("config", "look at configs without running them");
  config->require_subcommand(1);
  auto* validate = config->add_subcommand("validate", "check a config and everything that it names");
  validate->add_option("config", c.file)->required();
  add_settings(*validate, c.settings);
  auto* schema = config->add_subcommand("schema", "print the JSON Schema of configs");
  auto* show = config->add_subcommand("show", "print a config with every key and its value");
  show->add_option("config", c.file)->required();
  add_settings(*show, c.settings);
  auto* topology = config->add_subcommand("topology", "draw the machine's interconnect, for Graphviz (DOT)");
  topology->add_option("config", c.file)->required();
  add_settings(*topology, c.settings);
  auto* diff = config->add_subcommand("diff", "print the keys in which two configs differ");
  diff->add_option("before", c.file)->required();
  diff->add_option("after", c.other_file)->required();

  auto* disasm_command = app.add_subcommand("disasm", "list the instructions of an ELF or a flat image");
  add_disasm(*disasm_command, c.disasm);

  auto* statistics = app.add_subcommand("statistics", "list every statistic with its unit and what it means");
  statistics->add_option("prefix", c.file, "only paths that start so: harts[].l1d, walks");
  statistics->add_flag("--json", c.json, "print JSON: path, unit and help");

  auto* checkpoint = app.add_subcommand("checkpoint", "look at checkpoints");
  checkpoint->require_subcommand(1);
  auto* info = checkpoint->add_subcommand("info", "print what a checkpoint says of itself, and check it");
  info->add_option("file", c.file)->required();
  auto* verify =
      checkpoint->add_subcommand("verify", "restore a checkpoint and take it again: is it the same?");
  verify->add_option("file", c.file)->required();
  info->add_flag("--json", c.json, "print JSON, with the whole config");

  auto* version = app.add_subcommand("version", "print the version");

  auto* run_one = app.add_subcommand("run-one")->group("");  // internal
  run_one->add_option("--config-fd", c.worker.config_descriptor)->required();
  run_one->add_option("--message-fd", c.worker.message_descriptor)->required();
  run_one->add_option("--out", c.worker.output)->required();
  run_one->add_option("--session-fd", c.worker.session_descriptor);
  run_one->add_option("--warm-ups", c.worker.warm_ups);

  std::vector<std::string> arguments = complete_observers({argv + 1, argv + argc});
  if (const auto wrong = misspelt(app, arguments)) {
    std::fprintf(stderr, "hvsim: %s (hvsim --help lists what is there)\n", wrong->c_str());
    return kUsageError;
  }
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (*trace_command) c.run.timeline = true;
  if (*run_command || *trace_command) return run(c.run);
  if (*validate) return validate_config(c.file, c.settings);
  if (*schema) return show_schema();
  if (*show) return show_config(c.file, c.settings);
  if (*topology) return show_topology(c.file, c.settings);
  if (*diff) return diff_configs(c.file, c.other_file);
  if (*disasm_command) return disasm(c.disasm);
  if (*statistics) return list_statistics(c.file, c.json);
  if (*verify) return check_checkpoint(c.file);
  if (*info) return show_checkpoint(c.file, c.json);
  if (*version) return std::printf("hvsim %s\n", std::string(simulator_version()).c_str()), 0;
  return worker(c.worker);
}

}  // namespace hvsim::sim
