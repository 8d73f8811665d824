// Runs that are saved, and go on in other processes.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::tests {

// What a run left behind.
struct Leavings {
  int code = -1;
  std::string log, hash{}, directory{};
  std::map<std::string, std::string> all{};  // of the run directory, but for what names hosts and times
  std::uint64_t retired = 0;
};

// Runs one config again and again. `program`: what is typed before "run" and "checkpoint".
class SavedRuns {
 public:
  using Json = nlohmann::json;

  explicit SavedRuns(std::string program) : program_(std::move(program)) {}

  std::string file() const { return (scratch_.path() / "checkpoint").string(); }

  Leavings run(const Json& config, const std::string& options) {
    const auto file = scratch_.path() / "config.json";
    std::ofstream(file) << config.dump(2);
    return run_file(file.string(), options);
  }
  Leavings run_file(const std::string& config, const std::string& options) {
    namespace fs = std::filesystem;
    const fs::path out = scratch_.path() / ("runs" + std::to_string(runs_++));
    const Ended ended = shell(program_ + " run " + config + " " + options + " --quiet --out " + out.string());
    Leavings left{.code = ended.code, .log = ended.output};
    if (!fs::exists(out)) return left;
    for (const auto& directory : fs::directory_iterator(out)) {
      left.directory = directory.path().filename().string();
      for (const auto& entry : fs::recursive_directory_iterator(directory.path())) {
        const std::string name = fs::relative(entry.path(), directory.path()).string();
        if (!entry.is_regular_file() || name == "config.json") continue;
        if (name == "manifest.json")
          left.hash = Json::parse(slurp(entry.path())).at("result_hash");
        else
          left.all[name] = slurp(entry.path());
      }
    }
    if (!left.all.contains("stats.json")) return left;
    const Json stats = Json::parse(left.all["stats.json"]);
    for (const Json& hart : stats.at("harts")) left.retired += hart.at("retired").get<std::uint64_t>();
    return left;
  }

  // Points as shares of the run's instructions, in thousandths; HVSIM_CHECKPOINT_POINTS=N adds N random ones.
  void expect_no_difference(const std::string& config, const std::string& options,
                            std::vector<unsigned> points) {
    const Leavings whole = run_file(config, options);
    ASSERT_FALSE(whole.hash.empty()) << whole.log;
    ASSERT_GT(whole.retired, 1000u);
    if (const char* more = std::getenv("HVSIM_CHECKPOINT_POINTS")) {
      std::mt19937 random(std::random_device{}());
      for (int i = std::atoi(more); i > 0; --i) points.push_back(static_cast<unsigned>(random() % 1000));
    }
    for (const unsigned point : points) {
      const std::string at = std::to_string(whole.retired * point / 1000);
      SCOPED_TRACE("at instruction " + at);
      const Leavings saved =
          run_file(config, options + " --checkpoint " + file() + " --checkpoint-at instructions=" + at);
      EXPECT_EQ(saved.hash, whole.hash) << "saving changed the run: " << saved.log;
      const Leavings restored = run_file(config, options + " --restore " + file());
      EXPECT_EQ(restored.code, whole.code) << restored.log;
      EXPECT_EQ(restored.hash, whole.hash);
      EXPECT_EQ(restored.all == whole.all, true) << "run directories differ";
      const Ended again = shell(program_ + " checkpoint verify " + file());
      EXPECT_EQ(again.code, 0) << again.output;
      if (testing::Test::HasFailure()) return;
    }
  }
  void expect_no_difference(const Json& config, std::vector<unsigned> points) {
    const auto file = scratch_.path() / "config.json";
    std::ofstream(file) << config.dump(2);
    expect_no_difference(file.string(), "", std::move(points));
  }

 private:
  std::string program_;
  Scratch scratch_;
  unsigned runs_ = 0;
};

}  // namespace hvsim::tests
