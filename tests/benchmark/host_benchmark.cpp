// How much processor time do guests that call their hypervisor a lot take, with the hypervisor on target and
// on the host? Whole runs, start and boot included, one after the other; docs/speed.md tells what is wanted.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sim/json_document.h"

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr double kAim = 5;  // target's time in the host's
const std::string kConfig = HVSIM_SOURCE "/configs/experiments/host-speed.json";

struct Took {
  double seconds = -1;  // of processor time; negative: the run failed
  fs::path results;
};

Took run(const std::string& label, const fs::path& output) {
  const std::string directory = output.string();
  std::array<const char*, 11> arguments{
      HVSIM_SIMULATOR, "run", kConfig.c_str(), "--only", label.c_str(), "--out", directory.c_str(),
      "--jobs",        "1",   "--quiet",       nullptr};
  posix_spawn_file_actions_t silent{};
  posix_spawn_file_actions_init(&silent);
  posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawn(&child, HVSIM_SIMULATOR, &silent, nullptr,
                                 const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&silent);
  int status = 0;
  rusage used{};
  if (failed != 0 || wait4(child, &status, 0, &used) != child || status != 0) return {};
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  Took took{seconds(used.ru_utime) + seconds(used.ru_stime), {}};
  for (const auto& entry : fs::directory_iterator(output))
    if (entry.path().filename().string().find(label) != std::string::npos) took.results = entry.path();
  return took;
}

// Of the instructions behind boot, those that a guest did not execute itself.
double hypervisors_share(const fs::path& results) {
  std::ifstream file(results / "stats.json");
  const Json stats = Json::parse(file, nullptr, false);
  double hypervisor = 0, guests = 0;
  if (stats.is_discarded()) return 0;
  for (const Json& row : stats["shares"]) {
    const std::string mode = row["mode"];
    const double instructions = row["events"]["instructions"];
    if (mode == "VS" || mode == "VU") guests += instructions;
    if ((mode == "HS" || mode == "M") && row["vm"] != "-") hypervisor += instructions;
  }
  return hypervisor / std::max(hypervisor + guests, 1.0);
}

struct Compared {
  std::string guest;
  double share = 0, target = 0, host = 0;  // seconds per run
  double ratio() const { return host > 0 ? target / host : 0; }
};
std::vector<Compared> compared;

void compare(benchmark::State& state, const std::string& guest) {
  const fs::path output =
      fs::temp_directory_path() / ("hvsim-host-benchmark-" + std::to_string(getpid()) + "-" + guest);
  double target = 0, host = 0, share = 0;
  for (auto _ : state) {
    const Took there = run(guest + "-target", output), here = run(guest + "-host", output);
    if (there.seconds < 0 || here.seconds < 0) {
      state.SkipWithError("a run failed");
      break;
    }
    target += there.seconds;
    host += here.seconds;
    share = hypervisors_share(there.results);
    state.SetIterationTime(here.seconds);
  }
  const auto runs = static_cast<double>(std::max<benchmark::IterationCount>(state.iterations(), 1));
  const Compared result{.guest = guest, .share = share, .target = target / runs, .host = host / runs};
  state.counters["target"] = result.target;
  state.counters["host"] = result.host;
  state.counters["ratio"] = result.ratio();
  state.counters["share"] = result.share;
  compared.push_back(result);
  std::error_code ignored;
  fs::remove_all(output, ignored);
}

// In the order of docs/speed.md, whose table this is.
void print_table() {
  std::printf("\n%-22s %6s %9s %9s %6s  (aim: %g)\n", "guest", "share", "target", "host", "ratio", kAim);
  for (const Compared& each : compared)
    std::printf("%-22s %4.0f %% %7.2f s %7.2f s %6.1f%s\n", each.guest.c_str(), 100 * each.share, each.target,
                each.host, each.ratio(), each.ratio() < kAim ? "  missed" : "");
  const auto reached =
      std::ranges::count_if(compared, [](const Compared& each) { return each.ratio() >= kAim; });
  std::printf("%td of %zu guests reach the aim\n", reached, compared.size());
}

bool add_all() {
  std::ifstream file(kConfig);
  const Json config = Json::parse(file, nullptr, false);
  if (config.is_discarded()) return false;
  for (const Json& guest : config["axes"]["guest"]) {
    const std::string name = guest["name"];
    benchmark::RegisterBenchmark(name.c_str(), compare, name)
        ->Unit(benchmark::kSecond)
        ->UseManualTime()
        ->Iterations(3);
  }
  return true;
}

}  // namespace
}  // namespace hvsim::sim

int main(int argc, char** argv) {
  if (!hvsim::sim::add_all()) return EXIT_FAILURE;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  hvsim::sim::print_table();
}
