// A run that is saved and goes on in another process ends as if nothing had happened: same statistics, same
// exits, same consoles, same hash. Longer with HVSIM_CHECKPOINT_POINTS=N: at N random points of each run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/saved_runs.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

using tests::Leavings;

class Checkpoints : public testing::Test, protected tests::SavedRuns {
 protected:
  Checkpoints() : SavedRuns("HVSIM_IMAGES=" HVSIM_IMAGE_DIRECTORIES " " HVSIM_EXECUTABLE) {}
};

std::string built(const std::string& image) {
  std::istringstream directories(HVSIM_IMAGE_DIRECTORIES);
  for (std::string each; std::getline(directories, each, ':');)
    if (const std::string file = each + "/" + image + ".elf"; std::filesystem::exists(file))
      return tests::slurp(file);
  ADD_FAILURE() << "no image " << image;
  return {};
}

Json bare(const std::string& image, const std::string& mode) {
  return {{"version", 1},
          {"name", "bare"},
          {"machine", {{"memory_bytes", "64MiB"}, {"mode", mode}}},
          {"boot", {{"image", image + "-bare"}, {"firmware", "none"}}},
          {"limits", {{"max_instructions", 600'000}}}};
}

Json with_vms(const std::string& run, const std::string& mode, const std::string& delivery) {
  return {{"version", 1},
          {"name", "vms"},
          {"machine", {{"harts", 2}, {"memory_bytes", "128MiB"}, {"mode", mode}}},
          {"hypervisor",
           {{"run", run},
            {"delivery", delivery},
            {"time_slice_us", 100},
            {"sharing", {{"policy", "memory_map"}, {"period_us", 200}}}}},
          {"vms",
           {{{"name", "a"},
             {"workload", "hypercall_storm"},
             {"memory_bytes", "4MiB"},
             {"arguments",
              {{"iterations", 60}, {"work", 4}, {"calls_per_iteration", 8}, {"deferrable_percent", 75}}}},
            {{"name", "b"}, {"workload", "compute"}, {"memory_bytes", "4MiB"}}}},
          {"limits", {{"max_instructions", 4'000'000}}},
          {"statistics", {{"epoch_cycles", 100'000}}}};
}

TEST_F(Checkpoints, OfABareMachineInAllModes) {
  for (const char* mode : {"functional", "fast", "detailed"}) {
    SCOPED_TRACE(mode);
    expect_no_difference(bare("timer_ticks", mode), {500});
    expect_no_difference(bare("memory_walk", mode), {100, 700});
  }
}

TEST_F(Checkpoints, OfVirtualMachinesOnTarget) {
  expect_no_difference(with_vms("target", "fast", "dlh"), {50, 900});
  expect_no_difference(with_vms("target", "detailed", "dlh"), {600});
}

TEST_F(Checkpoints, OfVirtualMachinesOnTheHost) {
  expect_no_difference(with_vms("host", "fast", "dlh"), {100, 800});
  expect_no_difference(with_vms("host", "functional", "immediate"), {500});
}

// The storm does little but drain, a slice at a time, and `compute` has the other slices.
TEST_F(Checkpoints, OfDrainsThatGaveWay) {
  for (const char* run : {"host", "target"}) {
    SCOPED_TRACE(run);
    Json config = with_vms(run, "fast", "dlh");
    config["machine"]["harts"] = 1;
    config["hypervisor"]["calls_per_notification"] = 32;
    config["hypervisor"]["queue_capacity"] = 256;
    config["vms"][0]["arguments"] = {{"iterations", 2}, {"work", 0},        {"calls_per_iteration", 100},
                                     {"exact", 1},      {"routine", 20000}, {"deferrable_percent", 100}};
    expect_no_difference(config, {300, 700});
  }
}

TEST_F(Checkpoints, OfDisksInUse) {
  Json config = with_vms("target", "fast", "immediate");
  config["vms"][1]["workload"] = "disk_io";
  config["vms"][1]["disk_bytes"] = "1MiB";
  expect_no_difference(config, {300, 950});
}

TEST_F(Checkpoints, OfOtherHierarchies) {
  Json config = with_vms("host", "fast", "dlh");
  config["machine"]["caches"] = {{"l1d", {{"replacement", "lru"}, {"mshrs", 4}, {"prefetch", "stride"}}},
                                 {"l2", {{"replacement", "plru"}, {"prefetch", "next_line"}}},
                                 {"has_llc", true},
                                 {"dram", {{"banked", true}}}};
  config["machine"]["topology"] = {{"kind", "mesh"}};
  config["machine"]["mmu"] = {{"dtlb", {{"replacement", "nru"}}}, {"walk_caches", {{"has_g_tlb", true}}}};
  expect_no_difference(config, {400});
}

TEST_F(Checkpoints, GoOnInAnotherModeWithEmptyModels) {
  const Json config = bare("memory_walk", "functional");
  const Leavings whole = run(config, "");
  const Leavings stopped =
      run(config, "--checkpoint " + file() +
                      " --checkpoint-stop --checkpoint-at instructions=" + std::to_string(whole.retired / 2));
  EXPECT_EQ(stopped.code, 0) << stopped.log;
  const Leavings refused = run(config, "--set machine.mode=fast --restore " + file());
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.log, testing::HasSubstr("machine.mode"));
  const Leavings fast = run(config, "--set machine.mode=fast --cold --restore " + file());
  EXPECT_EQ(fast.code, whole.code) << fast.log;
  const Json stats = Json::parse(fast.all.at("stats.json"));
  EXPECT_GT(stats["harts"][0]["l1d"]["misses"], 0);
  EXPECT_LT(stats["summary"]["retired"], whole.retired);
}

TEST_F(Checkpoints, FastForwardEndsAtASymbolOrARegion) {
  const Json config = bare("memory_walk", "fast");
  const Leavings whole = run(config, "");
  for (const char* moment : {"symbol=guest::workload_main", "instructions=20000"}) {
    const Leavings forward = run(config, std::string("--fast-forward ") + moment);
    EXPECT_EQ(forward.code, whole.code) << moment << forward.log;
    ASSERT_TRUE(forward.all.contains("stats.json"));
    EXPECT_LT(Json::parse(forward.all.at("stats.json"))["summary"]["retired"], whole.retired);
  }
  const Leavings never = run(config, "--fast-forward symbol=guest::workload_mian");
  EXPECT_EQ(never.code, 2);
  EXPECT_THAT(never.log, testing::HasSubstr("did you mean \"guest::workload_main\"?"));
}

TEST_F(Checkpoints, ThatAreDamagedOrForeignAreRefused) {
  const Json config = bare("memory_walk", "fast");
  run(config, "--checkpoint " + file() + " --checkpoint-stop --checkpoint-at instructions=1000");
  const std::string good = tests::slurp(file());
  ASSERT_FALSE(good.empty());
  const auto refusal = [&](const std::string& content, const Json& of) {
    std::ofstream(file(), std::ios::binary) << content;
    const Leavings refused = run(of, "--restore " + file());
    EXPECT_EQ(refused.code, 2) << refused.log;
    EXPECT_TRUE(refused.all.empty());
    return refused.log;
  };
  EXPECT_THAT(refusal("", config), testing::HasSubstr("is no checkpoint"));
  EXPECT_THAT(refusal(good.substr(0, good.size() - 1), config), testing::HasSubstr("is damaged"));
  std::string flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 1);
  EXPECT_THAT(refusal(flipped, config), testing::HasSubstr("is damaged"));
  flipped = good;
  ++flipped[8];
  EXPECT_THAT(refusal(flipped, config), testing::HasSubstr("has format"));
  Json other = config;
  other["machine"]["memory_bytes"] = "128MiB";
  EXPECT_THAT(refusal(good, other), testing::HasSubstr("machine.memory_bytes"));
}

// The identity of a run that goes on exactly is that of the undisturbed one, so it must come to the same.
TEST_F(Checkpoints, WhoseFilesHoldSomethingElseByNowAreRefused) {
  const std::string copy = file() + ".elf";
  const auto put = [&](const std::string& content) { std::ofstream(copy, std::ios::binary) << content; };
  const auto refusal = [&](const Json& config, const std::string& models) {
    const Leavings refused = run(config, "--restore " + file() + models);
    EXPECT_EQ(refused.code, 2) << refused.log;
    EXPECT_TRUE(refused.all.empty());
    return refused.log;
  };
  const std::string stop = "--checkpoint " + file() + " --checkpoint-stop --checkpoint-at instructions=1000";
  Json config = bare("memory_walk", "fast");
  config["boot"]["image"] = copy;
  put(built("memory_walk-bare"));
  const Leavings whole = run(config, ""), stopped = run(config, stop),
                 restored = run(config, "--restore " + file());
  EXPECT_EQ(restored.hash, whole.hash);
  EXPECT_EQ(restored.directory, whole.directory);
  EXPECT_NE(stopped.directory, whole.directory) << "it is another run";
  put(built("timer_ticks-bare"));
  EXPECT_THAT(refusal(config, ""),
              testing::HasSubstr("another boot.image: what " + copy + " holds has changed"));
  EXPECT_THAT(refusal(config, " --cold"), testing::HasSubstr("another boot.image"));

  config = with_vms("target", "fast", "dlh");
  config["hypervisor"]["image"] = copy;
  put(built("hypervisor"));
  EXPECT_EQ(run(config, stop).code, 0);
  put(built("hypervisor") + '\0');
  EXPECT_THAT(refusal(config, ""), testing::HasSubstr("another hypervisor.image"));
}

TEST_F(Checkpoints, BehindTheLimitsOfARunAreRefused) {
  const Json config = bare("memory_walk", "fast");
  run(config, "--checkpoint " + file() + " --checkpoint-stop --checkpoint-at instructions=100000");
  const auto with = [&](const std::string& options) { return run(config, options + " --restore " + file()); };
  for (const std::string models : {"", " --cold"}) {
    const Leavings instructions = with("--max-instructions 50000" + models);
    EXPECT_EQ(instructions.code, 2);
    EXPECT_THAT(instructions.log, testing::HasSubstr("expected fewer than limits.max_instructions"));
    const Leavings cycles = with("--max-cycles 1000" + models);
    EXPECT_EQ(cycles.code, 2);
    EXPECT_THAT(cycles.log, testing::HasSubstr("expected fewer than limits.max_cycles"));
  }
  const std::string later = "--max-instructions 200000";
  EXPECT_EQ(with(later).hash, run(config, later).hash);
  const Leavings impatient = with("--set limits.watchdog_cycles=1000");
  EXPECT_EQ(impatient.code, 2);
  EXPECT_THAT(impatient.log, testing::HasSubstr("limits.watchdog_cycles"));
}

// Else it would bear the name of a run that booted and counted from the start.
TEST_F(Checkpoints, OfARunThatWasFastForwardedGoOnAsThatRun) {
  const Json config = bare("memory_walk", "fast");
  const std::string forward = "--fast-forward instructions=20000 ";
  const Leavings whole = run(config, forward);
  const Leavings saved =
      run(config, forward + "--checkpoint " + file() + " --checkpoint-at instructions=60000");
  EXPECT_EQ(saved.hash, whole.hash);
  const Leavings restored = run(config, "--restore " + file());
  EXPECT_EQ(restored.all == whole.all, true) << restored.log;
  EXPECT_EQ(restored.hash, whole.hash);
  EXPECT_EQ(restored.directory, whole.directory);
  EXPECT_NE(restored.directory, run(config, "").directory);
}

}  // namespace
}  // namespace hvsim::twin
