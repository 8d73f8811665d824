// Files of a run directory, and the renames that make it appear whole.
#include "sim/run_directory.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "sim/config_load.h"
#include "sim/hash.h"
#include "sim/result_hash.h"
#include "sim/statistics_json.h"

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr char kPartial[] = ".partial-";

// Half-written runs carry their writer's machine and process: on a shared file system only that machine knows
// whether the process still lives.
std::string partial_suffix(int process) {
  char host[HOST_NAME_MAX + 1] = {};
  gethostname(host, HOST_NAME_MAX);
  return "-" + std::string(host) + "-" + std::to_string(process);
}

bool abandoned(const std::string& name) {
  const auto dash = name.rfind('-');
  int process = 0;
  const auto parsed = std::from_chars(name.data() + dash + 1, name.data() + name.size(), process);
  return parsed.ec == std::errc{} && process > 0 && name.ends_with(partial_suffix(process)) &&
         kill(process, 0) != 0 && errno == ESRCH;
}

Problem cannot_write(const std::string& file, int error) {
  return {"--out", file, std::strerror(error), "expected a directory that can be written"};
}

// Writes files until one fails.
class Writer {
 public:
  explicit Writer(fs::path directory) : directory_(std::move(directory)) { make(directory_); }

  void file(const std::string& name, const std::string& text) {
    if (error_ != 0) return;
    const fs::path path = directory_ / name;
    make(path.parent_path());
    errno = 0;
    std::ofstream stream(path, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) fail(path, errno != 0 ? errno : EIO);
  }
  // What an open file holds, piece by piece.
  void file(const std::string& name, std::FILE& content) {
    if (error_ != 0) return;
    const fs::path path = directory_ / name;
    errno = 0;
    std::ofstream stream(path, std::ios::binary);
    std::vector<char> piece(std::size_t{1} << 20);
    for (std::size_t bytes; (bytes = std::fread(piece.data(), 1, piece.size(), &content)) != 0;)
      stream.write(piece.data(), static_cast<std::streamsize>(bytes));
    stream.close();
    if (!stream || std::ferror(&content) != 0) fail(path, errno != 0 ? errno : EIO);
  }
  void file(const std::string& name, const Json& json) { file(name, json.dump(2) + "\n"); }

  std::optional<Problem> problem() const {
    if (error_ == 0) return std::nullopt;
    return cannot_write(failed_, error_);
  }

 private:
  void make(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) fail(directory, error.value());
  }
  void fail(const fs::path& path, int error) {
    if (error_ != 0) return;
    error_ = error;
    failed_ = path.string();
  }

  fs::path directory_;
  int error_ = 0;
  std::string failed_;
};

Json image_json(const std::string& file) {
  if (file.empty()) return nullptr;
  return Json{{"file", file}, {"hash", hash_file(file)}};
}

Json manifest(const Run& run, const RunResult& result, const std::string& hash, const HostFacts& host) {
  Json workloads = Json::object(), initrds = Json::object(), vm_disks = Json::object();
  for (std::size_t i = 0; i < run.images.workloads.size(); ++i) {
    const std::string& vm = run.config.vms[i].name;
    workloads[vm] = image_json(run.images.workloads[i]);
    if (!run.images.vm_initrds[i].empty()) initrds[vm] = image_json(run.images.vm_initrds[i]);
    if (!run.images.vm_disks[i].empty()) vm_disks[vm] = image_json(run.images.vm_disks[i]);
  }
  Json disks = Json::array();
  for (const BlockConfig& block : run.config.machine.devices.block) disks.push_back(image_json(block.file));
  return Json{{"format", 1},
              {"name", run.config.name},
              {"label", run.label},
              {"simulator", simulator_version()},
              {"compiler", __VERSION__},
              {"identity", run.identity},
              {"result_hash", hash},
              {"exit_code", exit_code(result)},
              {"debugged", result.debugged},
              {"seed", run.config.seed},
              {"cycles", result.cycles},
              {"wall_seconds", host.wall_seconds},
              {"images",
               {{"firmware", image_json(run.images.firmware)},
                {"image", image_json(run.images.image)},
                {"initrd", image_json(run.images.initrd)},
                {"machine_disks", disks},
                {"hypervisor", image_json(run.images.hypervisor)},
                {"workloads", workloads},
                {"initrds", initrds},
                {"disks", vm_disks}}}};
}

Json stats(const RunResult& result) {
  Json json = statistics_json(result);
  json["summary"] = summary_json(summarize(result));
  json["help"] = statistics_help();
  return json;
}

// Both names exist: swap them, so that there is no moment without a whole run.
int exchange(const fs::path& fresh, const fs::path& final) {
  if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, final.c_str(), RENAME_EXCHANGE) == 0) return 0;
  std::error_code error;
  fs::remove_all(final, error);
  return rename(fresh.c_str(), final.c_str()) == 0 ? 0 : errno;
}

int publish(const fs::path& fresh, const fs::path& final) {
  if (rename(fresh.c_str(), final.c_str()) == 0) return 0;
  if (errno != EEXIST && errno != ENOTEMPTY) return errno;
  return exchange(fresh, final);
}

}  // namespace

std::optional<Problem> check_output(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return cannot_write(directory, error.value());
  std::string probe = (fs::path(directory) / ".probe-XXXXXX").string();
  const int file = mkstemp(probe.data());
  if (file < 0) return cannot_write(directory, errno);
  close(file);
  unlink(probe.c_str());
  remove_partial_runs(directory);
  return std::nullopt;
}

std::string partial_path(const std::string& directory, const std::string& name) {
  return (fs::path(directory) / (kPartial + name + partial_suffix(getpid()))).string();
}

isa::Result<std::string, Problem> write_run(const std::string& directory, const Run& run,
                                            const RunResult& result, const std::string& hash,
                                            const HostFacts& host) {
  // What a debugger has changed must not pass for the result of the config.
  const std::string name = run.directory_name() + (result.debugged ? "-debugged" : "");
  const fs::path fresh = partial_path(directory, name);
  const fs::path final = fs::path(directory) / name;
  Writer writer(fresh);
  writer.file("config.json", resolved_json(run.config));
  writer.file("stats.json", stats(result));
  writer.file("exits.csv", exits_csv(result));
  if (result.epochs.length != 0) writer.file("epochs.csv", epochs_csv(result));
  for (std::size_t i = 0; i < result.dumps.size(); ++i)
    writer.file(result.dumps[i].file, result.dump_texts[i]);
  writer.file("console/all.log", result.console);
  if (run.config.machine.devices.console.present) writer.file("console/virtio.log", result.virtio_console);
  for (const auto& [owner, text] : split_console(result.console, run.config))
    writer.file("console/" + owner + ".log", text);
  if (result.timeline != nullptr) writer.file("trace.json", *result.timeline);
  writer.file("manifest.json", manifest(run, result, hash, host));

  auto problem = writer.problem();
  if (!problem)
    if (const int error = publish(fresh, final)) problem = cannot_write(final.string(), error);
  std::error_code ignored;
  fs::remove_all(fresh, ignored);  // the run that was replaced, or what could not be finished
  if (problem) return isa::Failure{*problem};
  return final.string();
}

void remove_partial_runs(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (name.starts_with(kPartial) && abandoned(name)) fs::remove_all(entry.path(), ignored);
  }
}

std::optional<std::uint64_t> earlier_cycles(const std::string& directory, const Run& run) {
  const fs::path file = fs::path(directory) / run.directory_name() / "manifest.json";
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  const auto json = read_json_file(file.string());
  if (!json || !json->is_object() || !json->contains("cycles")) return std::nullopt;
  const Json& cycles = (*json)["cycles"];
  if (!cycles.is_number_unsigned()) return std::nullopt;
  return cycles.get<std::uint64_t>();
}

std::map<std::string, std::string> split_console(const std::string& console, const Config& config) {
  std::map<std::string, std::string> logs;
  for (const VmConfig& vm : config.vms) logs[vm.name];
  logs["machine"];
  std::istringstream lines(console);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto close = line.starts_with("[") ? line.find("] ") : std::string::npos;
    const std::string owner = close == std::string::npos ? "" : line.substr(1, close - 1);
    const bool of_vm = owner != "machine" && logs.contains(owner);
    logs[of_vm ? owner : "machine"] += (of_vm ? line.substr(close + 2) : line) + "\n";
  }
  return logs;
}

}  // namespace hvsim::sim
