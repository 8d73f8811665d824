// Shared memory under guests that allocate and free: on QEMU, on the modelled harts and on the host nobody
// loses a word, and nobody sees another's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

using testing::HasSubstr;

// Two VMs on a hart each, one of which scans; bursts often meet a scan.
Json churn(const std::string& policy) {
  Json config = Json::parse(R"({
    "version": 1, "name": "churn",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "hypervisor": {"sharing": {"period_us": 2000, "step_gap_us": 5, "pages_per_second": 200000}},
    "vms": [
      {"name": "one", "workload": "page_churn", "memory_bytes": "10MiB", "harts": [0],
       "arguments": {"rounds": 15, "burst": 200, "pause_us": 500, "free_percent": 60}},
      {"name": "two", "workload": "page_churn", "memory_bytes": "10MiB", "harts": [1],
       "arguments": {"rounds": 15, "burst": 200, "pause_us": 500, "free_percent": 60, "seed": 9}}
    ],
    "limits": {"max_cycles": 4000000000}
  })");
  config["hypervisor"]["sharing"]["policy"] = policy;
  return config;
}

void expect_nothing_lost(const Outcome& outcome, const std::string& what) {
  ASSERT_EQ(outcome.exit_code, 0) << what << "\n" << outcome.log;
  for (const char* vm : {"one", "two"})
    EXPECT_THAT(outcome.console.at(vm), HasSubstr("lost words 0, foreign words 0")) << what;
}

std::string test_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::erase(name, '+');
  return name;
}

class OnHost : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(SharingTwin, OnHost,
                         testing::Values("memory_map", "content_scan", "balloon", "free_page_reporting",
                                         "memory_map+content_scan", "oracle"),
                         test_name);

TEST_P(OnHost, NobodyLosesAWord) { expect_nothing_lost(simulate(churn(GetParam()), "host"), GetParam()); }

#ifdef __SANITIZE_ADDRESS__  // each takes half a minute of the same simulator's work there
const auto kOnTarget = testing::Values("memory_map+content_scan");
#else
const auto kOnTarget = testing::Values("memory_map", "content_scan", "balloon", "free_page_reporting",
                                       "memory_map+content_scan");
#endif
class OnTarget : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(SharingTwin, OnTarget, kOnTarget, test_name);

TEST_P(OnTarget, NobodyLosesAWord) { expect_nothing_lost(simulate(churn(GetParam()), "target"), GetParam()); }

TEST(SharingTwin, NobodyLosesAWordOnQemu) {
  expect_nothing_lost(qemu(churn("memory_map+content_scan")), "QEMU");
}

// Three VMs of 20 MiB, two of which are there at a time, on a machine with 48.
TEST(SharingTwin, VmsThatArePromisedMoreThanThereIsWaitAndGoOn) {
  Json config = churn("memory_map");
  config["machine"]["memory_bytes"] = "48MiB";
  config["hypervisor"]["sharing"]["demand"] = true;
  config["vms"].push_back(config["vms"][1]);
  config["vms"][2]["name"] = "three";
  for (Json& vm : config["vms"]) {
    vm["memory_bytes"] = "20MiB";
    vm["arguments"]["dirty"] = 0;
  }
  for (const std::string& run : kBuilds) {
    const Outcome outcome = simulate(config, run);
    expect_nothing_lost(outcome, run);
    EXPECT_THAT(outcome.console.at("three"), HasSubstr("lost words 0, foreign words 0"));
  }
}

Json probe_of_shared_pages(const std::string& act) {
  Json config = Json::parse(R"({
    "version": 1, "name": "unshare",
    "machine": {"harts": 1, "memory_bytes": "32MiB", "isa": {"ad_updates": "hardware"}},
    "hypervisor": {"sharing": {"policy": "content_scan", "pages_per_second": 400000, "content_step_pages": 64}},
    "vms": [{"name": "one", "memory_bytes": "4MiB"}],
    "limits": {"max_cycles": 1000000000}
  })");
  config["vms"][0]["workload"] = HVSIM_PROBE;
  config["vms"][0]["arguments"] = {{"act", act}};
  return config;
}

Outcome probe_that_says(const std::string& words, const Json& config, const std::string& run) {
  Outcome outcome = simulate(config, run);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_THAT(outcome.console.at("one"), HasSubstr(words));
  return outcome;
}

std::uint64_t counted(const Outcome& outcome, const char* counter) {
  return outcome.stats.at("sharing").at(0).at("counters").at(counter).get<std::uint64_t>();
}

TEST(SharingTwin, WritesByAmoAndScToReleasedPagesGetAFrame) {
  const Json config = probe_of_shared_pages("unshare");
  for (const std::string& run : kBuilds) {
    SCOPED_TRACE(run);
    const Outcome outcome = probe_that_says("unshare ok", config, run);
    EXPECT_EQ(counted(outcome, "released_pages"), 4u);
    EXPECT_GE(counted(outcome, "unshared_pages"), 3u);
  }
  EXPECT_THAT(qemu(config).console.at("one"), HasSubstr("unshare ok"));
}

// Without QEMU 7.2, which writes A and D into a frame that stage two makes read-only: both tables get them.
// The manual has it otherwise (hypervisor extension, "Two-Stage Address Translation": subject to G-stage
// translation are also "reads and writes of VS-level page tables").
TEST(SharingTwin, AAndDBitsOfATableThatSharesItsFrameAreItsOwn) {
  const Json config = probe_of_shared_pages("unshare_by_walks");
  for (const std::string& run : kBuilds) {
    SCOPED_TRACE(run);
    const Outcome outcome = probe_that_says("unshare by walks ok", config, run);
    EXPECT_GE(counted(outcome, "merges"), 1u);  // the two tables were one frame
    EXPECT_GE(counted(outcome, "unshared_pages"), 1u);
  }
}

// The hypervisor says so on its console, and nobody who reads the last line only may miss it.
TEST(SharingTwin, AMachineWithoutMemoryForSharingIsRefusedInWords) {
  const Json config = {{"version", 1},
                       {"machine", {{"memory_bytes", "10MiB"}, {"mode", "functional"}}},
                       {"hypervisor", {{"sharing", {{"policy", "content_scan"}, {"demand", true}}}}},
                       {"vms", {{{"name", "one"}, {"workload", "hello"}, {"memory_bytes", "2MiB"}}}}};
  const Outcome outcome = simulate(config, "target");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.log, HasSubstr("[hv] cannot start: not enough"));
}

}  // namespace
}  // namespace hvsim::twin
