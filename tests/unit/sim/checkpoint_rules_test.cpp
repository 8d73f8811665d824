// What a run that goes on from a checkpoint has of the config that it was made with.
#include "sim/checkpoint_rules.h"

#include <gtest/gtest.h>

namespace hvsim::sim {
namespace {

CheckpointFacts made() {
  CheckpointFacts facts;
  facts.config = Json{{"name", "n"},
                      {"observe", {{"trace", "count=1"}}},
                      {"checkpoint", {{"at", "cycles=5"}}},
                      {"boot", {{"image", "guest"}, {"fast_forward", "cycles=1"}}},
                      {"limits", {{"max_cycles", 100u}, {"max_instructions", 50u}, {"watchdog_cycles", 9u}}}};
  facts.cycles = 99;
  facts.instructions = 49;
  return facts;
}

TEST(ConfigToGoOn, HasAllButWhatWasAskedOfThatRunAlone) {
  const Json config = config_to_go_on(made());
  EXPECT_EQ(config,
            Json({{"name", "n"},
                  {"boot", {{"image", "guest"}}},
                  {"limits", {{"max_cycles", 100}, {"max_instructions", 50}, {"watchdog_cycles", 9}}}}));
}

TEST(ConfigToGoOn, HasNoLimitThatIsPassed) {
  CheckpointFacts late = made();
  late.cycles = 100;
  EXPECT_EQ(config_to_go_on(late)["limits"], Json({{"max_instructions", 50}, {"watchdog_cycles", 9}}));
  late = made();
  late.instructions = 50;
  EXPECT_EQ(config_to_go_on(late)["limits"], Json({{"max_cycles", 100}, {"watchdog_cycles", 9}}));
}

TEST(ConfigToGoOn, TakesWhatADamagedCheckpointSays) {
  CheckpointFacts odd = made();
  odd.config["limits"] = "none";
  EXPECT_EQ(config_to_go_on(odd)["limits"], "none");
}

}  // namespace
}  // namespace hvsim::sim
