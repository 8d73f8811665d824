// The same guests under the same hypervisor source: on QEMU, on the modelled harts, and natively on the host.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hypervisor/printable.h"
#include "tests/support/timeline_rules.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

Json two_vms(const char* delivery, unsigned calls_per_notification) {
  return Json::parse(R"({
    "version": 1, "name": "twin",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "vms": [
      {"name": "storm", "workload": "hypercall_storm", "memory_bytes": "4MiB", "harts": [0],
       "arguments": {"iterations": 200, "work": 4, "calls_per_iteration": 8, "deferrable_percent": 75}},
      {"name": "compute", "workload": "compute", "memory_bytes": "4MiB", "harts": [1],
       "arguments": {}}
    ],
    "limits": {"max_cycles": 2000000000}
  })")
      .patch(Json::array(
          {{{"op", "add"},
            {"path", "/hypervisor"},
            {"value", {{"delivery", delivery}, {"calls_per_notification", calls_per_notification}}}}}));
}

// Exits that depend on what guests ask for, not on when interrupts happen to come.
std::map<std::string, std::uint64_t> asked_for(const Outcome& outcome) {
  std::map<std::string, std::uint64_t> calls;
  for (const auto& [cause, count] : outcome.exits)
    if (cause.starts_with("SUPERVISOR_SYSCALL")) calls[cause] = count;
  return calls;
}

// More VMs than harts, pinned nowhere: timers, WFI, Sstc beside trapped timers, 4 KiB and 2 MiB pages.
Json crowd(const char* delivery) {
  Json config = Json::parse(R"({
    "version": 1, "name": "crowd",
    "machine": {"harts": 2, "memory_bytes": "128MiB"},
    "hypervisor": {"calls_per_notification": 4, "time_slice_us": 500},
    "vms": [
      {"name": "walk", "workload": "memory_walk", "memory_bytes": "8MiB", "arguments": {}},
      {"name": "ticks", "workload": "timer_ticks", "memory_bytes": "8MiB", "arguments": {}},
      {"name": "sstc", "workload": "timer_ticks", "memory_bytes": "8MiB", "sstc": true, "arguments": {}},
      {"name": "two", "workload": "compute", "memory_bytes": "8MiB", "vcpus": 2, "arguments": {}}
    ],
    "limits": {"max_cycles": 4000000000}
  })");
  config["hypervisor"]["delivery"] = delivery;
  return config;
}

void expect_same_guests(const Json& config) {
  const Outcome oracle = qemu(config);
  const Outcome target = simulate(config, "target");
  const Outcome host = simulate(config, "host");
  ASSERT_EQ(target.exit_code, 0) << target.log;
  ASSERT_EQ(host.exit_code, 0) << host.log;
  EXPECT_EQ(target.broken_sums, "");
  EXPECT_EQ(host.broken_sums, "");
  for (const Json& entry : config.at("vms")) {
    const std::string vm = entry.at("name");
    ASSERT_TRUE(oracle.console.contains(vm)) << oracle.log;
    EXPECT_NE(oracle.console.at(vm).find("checksum"), std::string::npos) << oracle.log;
    EXPECT_EQ(target.console.at(vm), oracle.console.at(vm)) << vm << " on the modelled harts against QEMU";
    EXPECT_EQ(host.console.at(vm), oracle.console.at(vm))
        << vm << " with the hypervisor on the host against QEMU";
  }
  EXPECT_FALSE(asked_for(target).empty());
  EXPECT_EQ(asked_for(target), asked_for(host));
  std::printf(
      "hypervisor cycles: target %llu, host %llu (%+.1f %%)\n",
      static_cast<unsigned long long>(target.hypervisor_cycles),
      static_cast<unsigned long long>(host.hypervisor_cycles),
      100.0 *
          (static_cast<double>(host.hypervisor_cycles) / static_cast<double>(target.hypervisor_cycles) - 1));
}

TEST(Twin, ImmediateDeliveryShowsGuestsTheSameEverywhere) { expect_same_guests(two_vms("immediate", 1)); }
TEST(Twin, LiteralDlhShowsGuestsTheSameEverywhere) { expect_same_guests(two_vms("dlh", 1)); }
TEST(Twin, ACrowdOfVmsSeesTheSameEverywhere) { expect_same_guests(crowd("dlh")); }
TEST(Twin, BatchedDlhShowsGuestsTheSameEverywhere) { expect_same_guests(two_vms("dlh", 8)); }

// The firmware's timer stands behind the hypervisor's own, and its interrupts come in two steps: to M-mode,
// and from there to HS-mode.
TEST(Twin, AMachineWithoutSstcHasTimersOnTargetAndHost) {
  const Json config = Json::parse(R"({
    "version": 1, "name": "no-sstc",
    "machine": {"harts": 1, "memory_bytes": "64MiB", "isa": {"sstc": false}},
    "hypervisor": {"delivery": "dlh", "time_slice_us": 500},
    "vms": [
      {"name": "ticks", "workload": "timer_ticks", "memory_bytes": "4MiB", "sstc": false},
      {"name": "sleeper", "workload": "wake_up", "memory_bytes": "4MiB", "sstc": false, "arguments": {"wakes": 20}}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  const Outcome target = simulate(config, "target"), host = simulate(config, "host");
  ASSERT_EQ(target.exit_code, 0) << target.log;
  ASSERT_EQ(host.exit_code, 0) << host.log;
  for (const std::string vm : {"ticks", "sleeper"}) {
    ASSERT_NE(target.console.at(vm).find("checksum"), std::string::npos) << target.log;
    EXPECT_EQ(checksums(host, vm), checksums(target, vm));
  }
  EXPECT_EQ(asked_for(host), asked_for(target));
  for (const std::string cause : {"IRQ_M_TIMER", "IRQ_S_TIMER"}) {
    ASSERT_GT(target.exits.at(cause), 20U) << cause;
    ASSERT_TRUE(host.exits.contains(cause)) << cause;
    EXPECT_NEAR(static_cast<double>(host.exits.at(cause)), static_cast<double>(target.exits.at(cause)),
                0.1 * static_cast<double>(target.exits.at(cause)))
        << cause;
  }
}

// A guest that checks each promise of the delivery itself, beside one that calls a lot.
Json checked(const std::string& delivery, unsigned capacity) {
  Json config = Json::parse(R"({
    "version": 1, "name": "checked",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "hypervisor": {"calls_per_notification": 4, "drain_budget_cycles": 3000, "time_slice_us": 300},
    "vms": [
      {"name": "check", "workload": "delivery_check", "memory_bytes": "4MiB", "harts": [0],
       "arguments": {"steps": 1500}},
      {"name": "storm", "workload": "hypercall_storm", "memory_bytes": "4MiB", "harts": [0],
       "arguments": {"iterations": 60, "work": 4, "calls_per_iteration": 8, "deferrable_percent": 75, "exact": 1, "routine": 40}}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  config["hypervisor"]["delivery"] = delivery;
  config["hypervisor"]["queue_capacity"] = capacity;
  return config;
}

class EveryDelivery : public testing::TestWithParam<const char*> {};

TEST_P(EveryDelivery, KeepsItsPromisesOnQemuOnTheModelledHartsAndOnTheHost) {
  const Json config = checked(GetParam(), 8);
  const Outcome oracle = qemu(config), target = simulate(config, "target"), host = simulate(config, "host");
  ASSERT_EQ(oracle.exit_code, 0) << oracle.log;
  ASSERT_EQ(target.exit_code, 0) << target.log;
  ASSERT_EQ(host.exit_code, 0) << host.log;
  for (const std::string vm : {"check", "storm"}) {
    ASSERT_NE(oracle.console.at(vm).find("checksum"), std::string::npos) << oracle.log;
    EXPECT_EQ(target.console.at(vm), oracle.console.at(vm)) << vm;
    EXPECT_EQ(host.console.at(vm), oracle.console.at(vm)) << vm;
  }
  std::printf(
      "%s: hypervisor cycles: target %llu, host %llu (%+.1f %%)\n", GetParam(),
      static_cast<unsigned long long>(target.hypervisor_cycles),
      static_cast<unsigned long long>(host.hypervisor_cycles),
      100.0 *
          (static_cast<double>(host.hypervisor_cycles) / static_cast<double>(target.hypervisor_cycles) - 1));
}
INSTANTIATE_TEST_SUITE_P(Twin, EveryDelivery,
                         testing::Values("immediate", "multicall", "softirq", "dlh", "dlh_ring", "polling"),
                         [](const auto& mode) { return std::string(mode.param); });

// A hart that polls and one that waits for it take turns of a fixed length; in a deterministic machine their
// loops and the turns may be in step for ever. HVSIM_ALL_QUANTA=1 asks for every quantum.
TEST(Twin, AHartThatPollsKeepsNobodyWaitingForEverWhateverTheQuantum) {
  Json config = checked("polling", 8);
  config["machine"]["mode"] = "functional";
  config["vms"][0]["arguments"]["steps"] = 300;
  const bool all = std::getenv("HVSIM_ALL_QUANTA") != nullptr;
  for (unsigned quantum = 100; quantum <= 700; quantum += all ? 1 : 50) {
    config["machine"]["quantum_cycles"] = quantum;
    EXPECT_EQ(simulate(config, "target").exit_code, 0) << quantum;
  }
}

// Where a trap's count does not depend on time: one VM per hart, no end of a slice, so that a ring is looked
// at when the guest asks for it only.
TEST(Twin, RingsCauseTheSameExitsOnTargetAndHost) {
  Json config = two_vms("dlh_ring", 8);
  config["hypervisor"]["time_slice_us"] = 10'000'000;
  expect_same_guests(config);
}
TEST(Twin, MulticallsShowGuestsTheSameEverywhere) { expect_same_guests(two_vms("multicall", 8)); }
TEST(Twin, SoftirqsShowGuestsTheSameEverywhere) { expect_same_guests(two_vms("softirq", 8)); }

TEST(Twin, FreeCallsCostNothingOnTheHostAndAreRefusedOnTarget) {
  const Json config = two_vms("free", 1);
  const Outcome host = simulate(config, "host"), immediate = simulate(two_vms("immediate", 1), "host");
  ASSERT_EQ(host.exit_code, 0) << host.log;
  EXPECT_EQ(host.console.at("storm"), immediate.console.at("storm"));
  EXPECT_LT(host.hypervisor_cycles, immediate.hypervisor_cycles / 20);
  const Outcome target = simulate(config, "target");
  EXPECT_EQ(target.exit_code, 2);
  EXPECT_NE(target.log.find("hypervisor.delivery"), std::string::npos) << target.log;
}

// The victim has a hart of its own; caches behind it are shared, which is what the bound is for.
TEST(Isolation, AGuestThatFillsItsRingsWithRubbishChangesNeitherItsNeighboursResultNorItsTime) {
  Json config = Json::parse(R"({
    "version": 1, "name": "isolation",
    "machine": {"harts": 3, "memory_bytes": "64MiB"},
    "vms": [
      {"name": "victim", "workload": "compute", "memory_bytes": "4MiB", "harts": [0],
       "arguments": {"crc": 10, "sort": 1, "matrix": 2, "linear": 4, "bodies": 500}},
      {"name": "other", "memory_bytes": "4MiB", "harts": [1]}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  for (const char* delivery : {"dlh_ring", "polling"}) {
    config["hypervisor"]["delivery"] = delivery;
    config["vms"][1]["workload"] = "delivery_check";
    config["vms"][1]["arguments"] = {{"steps", 1500}};
    const Outcome good = simulate(config, "target");
    config["vms"][1]["workload"] = HVSIM_PROBE;
    config["vms"][1]["arguments"] = {{"act", "scribble"}};
    const Outcome bad = simulate(config, "target");
    ASSERT_EQ(good.exit_code, 0) << good.log;
    ASSERT_EQ(bad.exit_code, 0) << bad.log;
    EXPECT_NE(bad.console.at("other").find("scribbled ok"), std::string::npos);
    EXPECT_EQ(bad.console.at("victim"), good.console.at("victim"));
    const auto before = static_cast<double>(good.vm_cycles.at("victim"));
    const auto after = static_cast<double>(bad.vm_cycles.at("victim"));
    EXPECT_NEAR(after / before, 1, 0.01);
    std::printf("%s: the victim took %.0f cycles beside a good neighbour, %.0f beside a bad one\n", delivery,
                before, after);
  }
}

// Translations stay in the modelled TLBs until a fence names their VMID. Two VMs share hart 0, each with its
// second VCPU on a hart of its own; where a hart polls, it has no VM at all.
TEST(Fences, OnceARemoteFenceIsCompleteNobodySeesTheOldPageWhicheverVmsHartAsked) {
  Json config = Json::parse(R"({
    "version": 1, "name": "fences",
    "machine": {"harts": 4, "memory_bytes": "64MiB"},
    "hypervisor": {},
    "vms": [
      {"name": "a", "memory_bytes": "4MiB", "vcpus": 2, "harts": [0, 1], "arguments": {"act": "remap"}},
      {"name": "b", "memory_bytes": "4MiB", "vcpus": 2, "harts": [0, 2], "arguments": {"act": "remap"}}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  for (Json& vm : config["vms"]) vm["workload"] = HVSIM_PROBE;
  // With these slices dlh and polling saw the old page on target when fences were for whoever's hgatp was
  // there; with softirq it depends on the image.
  const std::pair<const char*, unsigned> slices[] = {{"dlh", 100}, {"softirq", 1000}, {"polling", 1000}};
  for (const auto& [delivery, slice_us] : slices) {
    config["hypervisor"] = {{"delivery", delivery}, {"time_slice_us", slice_us}};
    for (const std::string& run : kBuilds) {
      const Outcome outcome = simulate(config, run);
      EXPECT_EQ(outcome.exit_code, 0) << delivery << " on " << run << outcome.log;
      for (const char* vm : {"a", "b"})
        EXPECT_NE(outcome.console.at(vm).find("remap ok"), std::string::npos)
            << delivery << " on " << run << ": " << vm;
    }
  }
  EXPECT_EQ(qemu(config).exit_code, 0);
}

// Bytes that are no text, control characters in every form and lines that look like another VM's, beside a VM
// that prints; the run ends by the failure of the one that shouts.
TEST(Isolation, AGuestThatPrintsAnythingHarmsNeitherTheTerminalNorAnothersLines) {
  Json config = Json::parse(R"({
    "version": 1, "name": "shout",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "vms": [
      {"name": "victim", "workload": "hello", "memory_bytes": "8MiB", "harts": [0]},
      {"name": "other", "memory_bytes": "4MiB", "harts": [1]}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  config["vms"][1]["workload"] = HVSIM_PROBE;
  config["vms"][1]["arguments"] = {{"act", "sleep"}};
  const Outcome good = simulate(config, "target");
  config["vms"][1]["arguments"] = {{"act", "shout"}};
  const Outcome oracle = qemu(config), target = simulate(config, "target"), host = simulate(config, "host");
  ASSERT_NE(good.console.at("victim").find("checksum"), std::string::npos) << good.log;
  for (const Outcome* outcome : {&oracle, &target, &host}) {
    EXPECT_EQ(outcome->exit_code, 1) << outcome->log;
    EXPECT_EQ(outcome->console.at("victim"), good.console.at("victim"));
    const std::string& text = outcome->console.at("other");
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t bytes = hv::printable_bytes(std::string_view(text).substr(at));
      ASSERT_TRUE(bytes != 0 || text[at] == '\n' || text[at] == '\t') << at << ": " << int{text[at]};
      at += std::max<std::size_t>(bytes, 1);
    }
    EXPECT_EQ(text, oracle.console.at("other"));
    EXPECT_NE(text.find("\ncaf\xc3\xa9 ??\n"), std::string::npos) << text;
    std::size_t characters = 0;
    for (std::size_t at = 0; (at = text.find("\xe2\x82\xac", at)) != std::string::npos; ++at) ++characters;
    EXPECT_EQ(characters, 200u) << "a long line was cut within a character";
  }
  EXPECT_NE(target.log.find("caf\xc3\xa9 ??"), std::string::npos) << target.log;
  EXPECT_EQ(target.log.find('\x1b'), std::string::npos);
}

TEST(Quickstart, SixRunsPassAndTheTableSaysWhatDeferringSaves) {
  const std::string text = run_config(HVSIM_SOURCE "/configs/quickstart.json");
  std::size_t passed = 0;
  for (std::size_t at = 0; (at = text.find(": passed after", at)) != std::string::npos; ++at) ++passed;
  EXPECT_EQ(passed, 6u) << text;
  EXPECT_NE(text.find("target-dlh-8: deferring saves"), std::string::npos) << text;
  EXPECT_NE(text.find("literal DLH"), std::string::npos) << text;
}

// A crowd with memory shared, so that there is something on every kind of track.
TEST(Timeline, KeepsTheFormatsRulesTellsEveryExitAndChangesNothing) {
  Json config = two_vms("dlh", 4);
  config["hypervisor"]["time_slice_us"] = 200;
  config["hypervisor"]["sharing"] = {{"policy", "memory_map"}, {"start_us", 1000}, {"period_us", 1000}};
  config["vms"][1] = {{"name", "churn"},
                      {"workload", "page_churn"},
                      {"memory_bytes", "8MiB"},
                      {"harts", {0}},
                      {"arguments", {{"rounds", 20}}}};
  for (const std::string& run : kBuilds) {
    config["observe"] = Json::object();
    const Outcome plain = simulate(config, run);
    config["observe"] = {{"timeline", true}};
    const Outcome told = simulate(config, run);
    ASSERT_EQ(told.exit_code, 0) << told.log;
    EXPECT_EQ(told.result_hash, plain.result_hash);
    EXPECT_TRUE(plain.timeline.is_null());
    EXPECT_EQ(tests::broken_timeline_rule(told.timeline), "");
    EXPECT_EQ(told.timeline.at("otherData").at("dropped_events"), 0);
    for (const auto& [cause, count] : told.exits) {
      const std::size_t drawn = tests::count_slices(told.timeline, "hart 0", cause);
      EXPECT_NEAR(static_cast<double>(drawn), static_cast<double>(count), 1)
          << cause << ": the last one may be open";
    }
    EXPECT_GT(tests::count_slices(told.timeline, "hart 0", "drain"), 20u);
    EXPECT_GT(tests::count_slices(told.timeline, "hart 0", "scan"), 2u);
    std::set<std::string> counters;
    for (const Json& event : told.timeline.at("traceEvents"))
      if (event.at("ph") == "C") counters.insert(event.at("name"));
    EXPECT_EQ(counters, (std::set<std::string>{"pages", "queue depth"}));
  }
}

// Keeps all cores busy while it lives.
class BusyMachine {
 public:
  BusyMachine() {
    for (unsigned i = 0; i < 2 * std::max(1u, std::thread::hardware_concurrency()); ++i)
      threads_.emplace_back([this] {
        while (!done_) ++spins_;
      });
  }
  ~BusyMachine() {
    done_ = true;
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::atomic<std::uint64_t> spins_{0};
  std::vector<std::thread> threads_;
};

TEST(Twin, TheSameRunHasTheSameHashAlsoOnALoadedMachine) {
  const Json config = two_vms("dlh", 8);
  const Outcome target = simulate(config, "target");
  const Outcome host = simulate(config, "host");
  ASSERT_FALSE(target.result_hash.empty()) << target.log;
  EXPECT_NE(target.result_hash, host.result_hash);
  const BusyMachine load;
  EXPECT_EQ(simulate(config, "target").result_hash, target.result_hash);
  EXPECT_EQ(simulate(config, "host").result_hash, host.result_hash);
}

}  // namespace
}  // namespace hvsim::twin
