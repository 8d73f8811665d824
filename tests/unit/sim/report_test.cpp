// What people read at the end.
#include <gmock/gmock.h>

#include <sstream>

#include "sim/report_saving.h"
#include "sim/report_table.h"
#include "sim/report_text.h"
#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportText, NumbersAreGroupedAndScaled) {
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(12), "12");
  EXPECT_EQ(scaled(12345678), "12.35M");
  EXPECT_EQ(scaled(-56789), "-56.8k");
  EXPECT_EQ(percent(1, 0), "-");
  EXPECT_EQ(ratio(10, 4), "2.5");
}

TEST(ReportText, ParagraphsBreakAtAHundredColumns) {
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  std::istringstream lines(paragraph(words, 2));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u);
}

class Reports : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    experiment_ = experiment(virtualized(R"("name": "q", "axes": {
        "run": [{"name": "host", "hypervisor": {"run": "host"}}],
        "delivery": [{"name": "immediate", "hypervisor": {"delivery": "immediate"}},
                     {"name": "dlh-1", "hypervisor": {"delivery": "dlh"}},
                     {"name": "dlh-8", "hypervisor": {"delivery": "dlh", "calls_per_notification": 8}}]})"));
    for (const sim::Run& run : experiment_.runs)
      result_.outcomes.push_back({.run = &run, .done = true, .result = {}});
    fill(0, 8000, 2'400'000, 3'000'000, 0, 0);
    fill(1, 8000, 2'400'000, 1'000'000, 400'000, 2'200'000);
    fill(2, 1000, 300'000, 400'000, 400'000, 2'200'000);
  }
  void fill(std::size_t run, std::uint64_t exits, isa::Cycles path, isa::Cycles exit, isa::Cycles enqueue,
            isa::Cycles drain) {
    RunSummary& s = result_.outcomes[run].result.summary;
    s.guest_cycles = 20'000'000;
    s.trap_path_cycles = path;
    s.exit_cycles = exit;
    s.enqueue_cycles = enqueue;
    s.drain_cycles = drain;
    s.busy_cycles = s.guest_cycles + s.hypervisor_cycles();
    s.cycles = s.busy_cycles / 2;
    s.work_done = 2000;
    s.hypercalls_done = 8000;
    s.exits = s.ecalls = exits;
    s.causes = {{"SUPERVISOR_SYSCALL/routine", exits, path + exit + enqueue}};
  }
  std::string sentence(std::size_t run) {
    return saving_sentence(experiment_.runs[run], result_.outcomes[run].result.summary,
                           result_.outcomes[0].result.summary);
  }
  Experiment experiment_;
  ExperimentResult result_;
};

TEST_F(Reports, FitAHundredColumns) {
  std::istringstream lines(report_text(experiment_, result_));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST_F(Reports, SayWhereASavingComesFrom) {
  EXPECT_EQ(sentence(2),
            "host-dlh-8: deferring saves 8.3% of the cycles while VMs run (2.10M of 25.40M): 7,000 exits "
            "avoided save "
            "2.10M (to save, schedule and restore: 300.0 each before, 300.0 now); calls that no longer run "
            "inside their trap "
            "save 2.60M "
            "there; queueing them costs 400.0k and draining them 2.20M; the guests' own code saves 0.");
}

TEST_F(Reports, SayHonestlyThatLiteralDlhAvoidsNoTrap) {
  EXPECT_THAT(sentence(1), HasSubstr("deferring costs 2.4% of the cycles while VMs run (600.0k of 25.40M)"));
  EXPECT_THAT(sentence(1),
              HasSubstr("0 exits avoided save 0 (to save, schedule and restore: 300.0 each before"));
  EXPECT_THAT(sentence(1), HasSubstr("literal DLH avoids no trap"));
  EXPECT_THAT(sentence(2), Not(HasSubstr("literal DLH")));
}

TEST_F(Reports, SayThatNothingIsSavedWhereNothingIs) {
  result_.outcomes[2].result.summary = result_.outcomes[0].result.summary;
  EXPECT_THAT(
      sentence(2),
      HasSubstr("host-dlh-8: deferring takes as many cycles while VMs run (0 more or less than 25.40M)"));
}

TEST_F(Reports, SayWhenWorkDiffers) {
  result_.outcomes[2].result.summary.work_done = 1;
  EXPECT_THAT(sentence(2), HasSubstr("guest work differs, 1 against 2,000"));
}

TEST_F(Reports, CompareOnlyRunsThatPassed) {
  result_.outcomes[2].result.exit_code = 4;
  result_.outcomes[2].result.detail = "limits.max_cycles reached";
  const std::string text = report_text(experiment_, result_);
  EXPECT_THAT(text, Not(HasSubstr("host-dlh-8: deferring")));
  EXPECT_THAT(text, HasSubstr("host-dlh-8: limit: limits.max_cycles reached"));
}

TEST_F(Reports, AreJsonWhenAsked) {
  const Json json = report_json(experiment_, result_);
  EXPECT_EQ(json["runs"][2]["summary"]["exits"], 1000);
  EXPECT_TRUE(json["runs"][0]["saving"].is_null());
  EXPECT_THAT(json["runs"][2]["saving"].get<std::string>(), HasSubstr("saves"));
}

}  // namespace
}  // namespace hvsim::sim
