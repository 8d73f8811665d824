// Statistics, hashes and run directories.
#include <gmock/gmock.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "models/cpu/accountant.h"
#include "sim/result_hash.h"
#include "sim/run_directory.h"
#include "sim/statistics_json.h"
#include "sim/statistics_names.h"
#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Results : public Scratch {
 protected:
  std::string read(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  std::vector<std::string> listing(const std::string& directory) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
      if (entry.is_regular_file())
        names.push_back(std::filesystem::relative(entry.path(), directory).string());
    std::ranges::sort(names);
    return names;
  }
  sim::Run run() const { return experiment(virtualized(R"("name": "r")")).runs[0]; }

  static RunResult result() {
    RunResult r;
    r.cycles = 1000;
    r.harts = {{.hart = 0,
                .cycles = 1000,
                .idle_cycles = 100,
                .retired = 700,
                .counters = {},
                .branches = {},
                .l1i = {},
                .l1d = {},
                .l1i_prefetches = {},
                .l1d_prefetches = {},
                .itlb = {},
                .dtlb = {},
                .l2tlb = {},
                .gtlb = {},
                .walk_cache_first = {},
                .walk_cache_g = {}}};
    r.vms = {{"a", "powered off, code 0", 5, 8}};
    r.exits = {{"a", "SUPERVISOR_SYSCALL/notify", 4, 400, 90, 95, 127, 120},
               {"a", "IRQ_S_TIMER", 1, 60, 60, 60, 60, 60}};
    const auto row = [](const char* mode, const char* cause, const char* phase, isa::Cycles base,
                        isa::Cycles idle) {
      CpiRow cell{
          .hart = 0, .vm = "a", .vcpu = 0, .mode = mode, .cause = cause, .phase = phase, .components = {}};
      cell.components[static_cast<std::size_t>(cpu::Component::base)] = base;
      cell.components[static_cast<std::size_t>(cpu::Component::idle)] = idle;
      return cell;
    };
    r.cpi = {row("VS", "-", "none", 500, 0),
             row("HS", "SUPERVISOR_SYSCALL/notify", "save", 150, 0),
             row("HS", "SUPERVISOR_SYSCALL/notify", "exit", 100, 0),
             row("HS", "SUPERVISOR_SYSCALL/notify", "drain", 50, 0),
             row("HS", "IRQ_S_TIMER", "schedule", 60, 100),
             row("M", "-", "none", 40, 0)};
    r.console = "boot\n[a] hello\n[b] stranger\r\n[a] bye\n";
    return r;
  }
};

TEST_F(Results, EveryBusyCycleBelongsToOnePartOfTheSummary) {
  const RunSummary s = summarize(result());
  EXPECT_EQ(s.busy_cycles, 900u);
  EXPECT_EQ(s.idle_cycles, 100u);
  EXPECT_EQ(s.guest_cycles, 500u);
  EXPECT_EQ(s.trap_path_cycles, 210u);
  EXPECT_EQ(s.exit_cycles, 100u);
  EXPECT_EQ(s.drain_cycles, 50u);
  EXPECT_EQ(s.other_cycles, 40u);
  EXPECT_EQ(s.guest_cycles + s.hypervisor_cycles() + s.other_cycles, s.busy_cycles);
  EXPECT_EQ(s.exits, 5u);
  EXPECT_EQ(s.ecalls, 4u);
}

TEST_F(Results, CausesAreChargedWithoutIdleTimeAndDrains) {
  const RunSummary s = summarize(result());
  ASSERT_EQ(s.causes.size(), 2u);
  EXPECT_EQ(s.causes[0].cause, "SUPERVISOR_SYSCALL/notify");
  EXPECT_EQ(s.causes[0].cycles, 250u);
  EXPECT_EQ(s.causes[1].cycles, 60u);
}

TEST_F(Results, SummariesSurviveJson) {
  const RunSummary s = summarize(result());
  const auto again = read_summary(summary_json(s));
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(summary_json(*again).dump(), summary_json(s).dump());
}

TEST_F(Results, EveryStatisticHasHelp) {
  const Json help = statistics_help();
  EXPECT_EQ(help["harts[].cycles"]["unit"], "cycles");
  for (const auto& [path, entry] : help.items()) EXPECT_NE(entry["help"], "") << path;
}

TEST_F(Results, AccountantsOfSeveralHartsMergeByVmAndCause) {
  cpu::Accountant first, second;
  cpu::HartState state;
  const auto visit = [&](cpu::Accountant& accountant, isa::Cycles length) {
    state.mode = {isa::Privilege::supervisor, false};
    accountant.marked(state, static_cast<std::uint16_t>(isa::MarkKind::vcpu), isa::mark_vcpu(0, 0));
    state.mode.virtualized = true;
    accountant.mode_changed(state);
    accountant.row()[0] += 10;
    state.mode.virtualized = false;
    accountant.trapped(state, {.from = {isa::Privilege::supervisor, true},
                               .to = {isa::Privilege::supervisor, false},
                               .trap = {.interrupt = true, .code = 5},
                               .epc = 0});
    state.cycle += length;
    state.mode.virtualized = true;
    accountant.mode_changed(state);
  };
  visit(first, 100);
  visit(second, 300);
  RunResult merged;
  collect(std::vector<const cpu::Accountant*>{&first, &second}, run().config, merged);
  ASSERT_EQ(merged.exits.size(), 2u);
  EXPECT_EQ(merged.exits[0].vm, "a");
  EXPECT_EQ(merged.exits[0].cause, "IRQ_S_TIMER");
  EXPECT_EQ(merged.exits[0].count, 2u);
  EXPECT_EQ(merged.exits[0].cycles, 400u);
  EXPECT_EQ(merged.exits[0].min, 100u);
  EXPECT_EQ(merged.exits[0].max, 300u);
  EXPECT_EQ(merged.exits[1].cause, "RESUMED");
  EXPECT_EQ(merged.exits[1].count, 2u) << "the VCPU was given each hart, and entered at once";
  EXPECT_EQ(summarize(merged).exits, 2u);
  EXPECT_EQ(merged.cpi.size(), 2u) << "one row per hart; rows without cycles are left out";
}

TEST_F(Results, ExitNamesSayWhichCall) {
  EXPECT_EQ(
      exit_name({.interrupt = false, .code = 10, .extension = hv::abi::kHypercallExtension, .function = 20}),
      "SUPERVISOR_SYSCALL/routine");
  EXPECT_EQ(exit_name({.interrupt = false, .code = 10, .extension = 0x54494D45, .function = 0}),
            "SUPERVISOR_SYSCALL/sbi_time");
  EXPECT_EQ(exit_name({.interrupt = false, .code = 21, .extension = 0, .function = 0}),
            "LOAD_GUEST_PAGE_FAULT");
}

TEST_F(Results, TheHashDependsOnStatisticsConsoleAndExitCode) {
  const sim::Run r = run();
  const std::string before = result_hash(r.config, r.images, result());
  EXPECT_EQ(result_hash(r.config, r.images, result()), before);
  RunResult changed = result();
  changed.harts[0].l1d.misses = 1;
  EXPECT_NE(result_hash(r.config, r.images, changed), before);
  changed = result();
  changed.console += "x";
  EXPECT_NE(result_hash(r.config, r.images, changed), before);
  changed = result();
  changed.guest_exit_code = 3;
  EXPECT_NE(result_hash(r.config, r.images, changed), before);
}

TEST_F(Results, ExitCodesTellOutcomesApart) {
  RunResult r;
  EXPECT_EQ(exit_code(r), 0);
  r.guest_exit_code = 7;
  EXPECT_EQ(exit_code(r), 1);
  r.stop = StopReason::cycle_limit;
  EXPECT_EQ(exit_code(r), 4);
  r.stop = StopReason::no_progress;
  EXPECT_EQ(exit_code(r), 5);
  r.stop = StopReason::unexpected_trap;
  EXPECT_EQ(exit_code(r), 6);
}

TEST_F(Results, ConsoleLinesGoToTheirVm) {
  const auto logs = split_console(result().console, run().config);
  EXPECT_EQ(logs.at("a"), "hello\nbye\n");
  EXPECT_EQ(logs.at("machine"), "boot\n[b] stranger\n");
}

TEST_F(Results, ARunDirectoryHoldsEverythingAndNothingElse) {
  const auto written = write_run(path("runs"), run(), result(), "0123", {.wall_seconds = 1});
  ASSERT_TRUE(written.ok()) << written.error().text();
  EXPECT_EQ(*written, path("runs") + "/r-" + run().identity);
  EXPECT_THAT(
      listing(path("runs")),
      ElementsAre("r-" + run().identity + "/config.json", "r-" + run().identity + "/console/a.log",
                  "r-" + run().identity + "/console/all.log", "r-" + run().identity + "/console/machine.log",
                  "r-" + run().identity + "/exits.csv", "r-" + run().identity + "/manifest.json",
                  "r-" + run().identity + "/stats.json"));
  const Json manifest = read_json_file(*written + "/manifest.json").value();
  EXPECT_EQ(manifest["result_hash"], "0123");
  EXPECT_EQ(manifest["seed"], 1);
  EXPECT_THAT(
      read(*written + "/exits.csv"),
      HasSubstr("vm,cause,count,cycles,min,p50,p99,max\na,SUPERVISOR_SYSCALL/notify,4,400,90,95,127,120\n"));
  EXPECT_EQ(earlier_cycles(path("runs"), run()), std::optional<std::uint64_t>{1000});
}

TEST_F(Results, TheConfigOfARunDirectoryRunsAgain) {
  const auto written = write_run(path("runs"), run(), result(), "0", {});
  const auto document = load_document(*written + "/config.json");
  ASSERT_TRUE(document.ok());
  const auto again = expand(*document, images());
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(again->runs[0].identity, run().identity);
}

TEST_F(Results, AnEarlierRunIsReplacedWhole) {
  ASSERT_TRUE(write_run(path("runs"), run(), result(), "first", {}).ok());
  write("runs/r-" + run().identity + "/stale.txt", "old");
  const auto second = write_run(path("runs"), run(), result(), "second", {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(listing(*second).size(), 7u);
  EXPECT_EQ(read_json_file(*second + "/manifest.json").value()["result_hash"], "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("runs")), {}), 1);
}

TEST_F(Results, WhatADeadProcessOfThisMachineLeftIsRemoved) {
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  ASSERT_EQ(waitpid(dead, nullptr, 0), dead);
  char host[HOST_NAME_MAX + 1] = {};
  gethostname(host, HOST_NAME_MAX);
  const auto partial = [&](const std::string& machine, pid_t process) {
    return ".partial-r-1-" + machine + "-" + std::to_string(process) + "/config.json";
  };
  const std::string live = partial(host, getpid()), elsewhere = partial("another.machine", dead);
  for (const auto& file : {partial(host, dead), live, elsewhere}) write("runs/" + file, "{}");
  EXPECT_FALSE(check_output(path("runs")));
  EXPECT_THAT(listing(path("runs")), UnorderedElementsAre(live, elsewhere));
}

TEST_F(Results, AnUnwritablePlaceIsFoundBeforeAnythingRuns) {
  write("file", "");
  EXPECT_THAT(check_output(path("file"))->text(), HasSubstr("expected a directory that can be written"));
  EXPECT_THAT(check_output("/proc/nowhere")->text(), HasSubstr("--out: /proc/nowhere: "));
  EXPECT_FALSE(check_output(path("fresh/deep")));
}

}  // namespace
}  // namespace hvsim::sim
