// The command line: exit codes, and one line for each mistake.
#include "sim/cli.h"

#include <gmock/gmock.h>

#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLine : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    setenv("HVSIM_IMAGES", path("images").c_str(), 1);
  }
  void TearDown() override {
    unsetenv("HVSIM_IMAGES");
    Scratch::TearDown();
  }
  int hvsim(std::vector<std::string> words) {
    words.insert(words.begin(), "hvsim");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const int code = command_line(static_cast<int>(arguments.size()), arguments.data(),
                                  [this](const WorkerOptions& options) {
                                    worker_output_ = options.output;
                                    return 42;
                                  });
    out = ::testing::internal::GetCapturedStdout();
    err = ::testing::internal::GetCapturedStderr();
    return code;
  }
  std::string out, err, worker_output_;
};

TEST_F(CommandLine, MistakesOfUseAreOneLineAndCodeTwo) {
  const std::vector<std::vector<std::string>> mistakes{
      {}, {"rnu"}, {"run"}, {"run", "--bad"}, {"config"}, {"run", "c.json", "--jobs", "many"}};
  for (const auto& mistake : mistakes) {
    EXPECT_EQ(hvsim(mistake), 2);
    EXPECT_EQ(std::ranges::count(err, '\n'), 1) << err;
    EXPECT_EQ(out, "");
  }
}

TEST_F(CommandLine, AMisspeltCommandHearsTheNearest) {
  EXPECT_EQ(hvsim({"rnu", "c.json"}), 2);
  EXPECT_EQ(err, "hvsim: \"rnu\" is no command, did you mean \"run\"? (hvsim --help lists what is there)\n");
  EXPECT_EQ(hvsim({"abracadabra"}), 2);
  EXPECT_THAT(err, StartsWith("hvsim: \"abracadabra\" is no command ("));
  EXPECT_EQ(hvsim({"run-oen"}), 2);
  EXPECT_THAT(err, Not(HasSubstr("run-one")));
}

TEST_F(CommandLine, ABadConfigLeavesNoDirectory) {
  const std::string config = write("c.json", bare(R"("machine": {"harts": 0})"));
  EXPECT_EQ(hvsim({"run", config, "--out", path("runs")}), 2);
  EXPECT_THAT(err, StartsWith(config + ": machine.harts: 0: expected"));
  EXPECT_FALSE(std::filesystem::exists(path("runs")));
}

TEST_F(CommandLine, AnUnwritablePlaceForResultsIsCodeTwo) {
  const std::string config = write("c.json", bare(""));
  EXPECT_EQ(hvsim({"run", config, "--out", "/proc/nowhere"}), 2);
  EXPECT_THAT(err, HasSubstr("--out: /proc/nowhere: "));
}

TEST_F(CommandLine, ABareImageThatIsNotThereIsNamed) {
  EXPECT_EQ(hvsim({"run", "--elf", path("absent.elf")}), 2);
  EXPECT_EQ(err, "--elf: boot.image: \"" + path("absent.elf") +
                     "\": No such file or directory, expected a readable file\n");
}

TEST_F(CommandLine, OptionsThatSetKeysAreNamedInMistakes) {
  const std::string config = write("c.json", bare(""));
  EXPECT_EQ(hvsim({"run", config, "--set", "machine.mode=quick"}), 2);
  EXPECT_THAT(err, StartsWith("--set: machine.mode: \"quick\": expected"));
}

TEST_F(CommandLine, ValidConfigsAreSaidToBe) {
  const std::string config = write("c.json", bare(""));
  EXPECT_EQ(hvsim({"config", "validate", config}), 0);
  EXPECT_THAT(out, StartsWith(config + ": valid, 1 run\n"));
}

TEST_F(CommandLine, PresetsThatBootNothingCanBeShown) {
  const std::string preset = write("c.json", R"({"version": 1, "machine": {"harts": 3}})");
  EXPECT_EQ(hvsim({"config", "show", preset, "--set", "machine.costs.mul=7"}), 0);
  EXPECT_EQ(Json::parse(out)["machine"]["harts"], 3);
  EXPECT_EQ(Json::parse(out)["machine"]["costs"]["mul"], 7);
  EXPECT_EQ(hvsim({"config", "validate", preset}), 2);
}

TEST_F(CommandLine, TheSchemaIsJson) {
  EXPECT_EQ(hvsim({"config", "schema"}), 0);
  EXPECT_TRUE(Json::parse(out).contains("properties"));
}

TEST_F(CommandLine, DifferencesOfConfigsAreListed) {
  const std::string one = write("1.json", bare("")), two = write("2.json", bare(R"("seed": 5)"));
  EXPECT_EQ(hvsim({"config", "diff", one, two}), 0);
  EXPECT_EQ(out, "seed: 1 -> 5\n");
}

TEST_F(CommandLine, WorkersAreHandedOn) {
  EXPECT_EQ(hvsim({"run-one", "--config-fd", "8", "--message-fd", "9", "--out", "there"}), 42);
  EXPECT_EQ(worker_output_, "there");
}

}  // namespace
}  // namespace hvsim::sim
