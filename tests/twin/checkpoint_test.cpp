// A run that is saved and goes on in another process ends as if nothing had happened: same statistics, same
// exits, same consoles, same hash. Longer with HVSIM_CHECKPOINT_POINTS=N: at N random points of each run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/saved_runs.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

using tests::Leavings;

class Checkpoints : public testing::Test, protected tests::SavedRuns {
 protected:
  Checkpoints() : SavedRuns("HVSIM_IMAGES=" HVSIM_IMAGE_DIRECTORIES " " HVSIM_EXECUTABLE) {}
};

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

}  // namespace
}  // namespace hvsim::twin
