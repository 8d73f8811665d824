// The guests that stress schedulers, and the hostile one: what they compute is the same on QEMU, on target
// and on host, and what the host's compiler says; what they do to their neighbours stays within bounds.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <tuple>
#include <vector>

#include "tests/twin/runs.h"
#include "workloads/address_spaces/kernel.h"
#include "workloads/disk_io/kernel.h"
#include "workloads/hostile/kernel.h"
#include "workloads/messages/kernel.h"
#include "workloads/ping_pong/kernel.h"
#include "workloads/runtime/arguments.h"
#include "workloads/wake_up/kernel.h"

namespace hvsim::twin {
namespace {

std::string line(std::uint64_t checksum) {
  char text[40];
  std::snprintf(text, sizeof text, "checksum %016llx\n", static_cast<unsigned long long>(checksum));
  return text;
}

template <class Parameters>
auto parse(const Json& vm, Parameters&& parameters) {
  std::string text;
  for (const auto& [key, value] : vm.at("arguments").items())
    text += (text.empty() ? "" : " ") + key + "=" + value.dump();
  guest::Arguments arguments{text};
  return parameters(arguments);
}

// Address spaces without page tables: each process has pages of its own from the start.
struct CopiedSpaces {
  using Pages = std::vector<std::uint64_t>;
  void create(std::size_t process) {
    spaces[process].assign(workload::address_spaces::kMostPages * workload::address_spaces::kWordsPerPage, 0);
  }
  void fork(std::size_t parent, std::size_t child) { spaces[child] = spaces[parent]; }
  void destroy(std::size_t process) { spaces[process].clear(); }
  void run(std::size_t process) { running = process; }
  std::uint64_t& at(std::uint64_t page, std::uint64_t word) {
    return spaces[running].at(page * workload::address_spaces::kWordsPerPage + word);
  }
  std::uint64_t read(std::uint64_t page, std::uint64_t word) { return at(page, word); }
  void write(std::uint64_t page, std::uint64_t word, std::uint64_t value) { at(page, word) = value; }
  std::array<Pages, workload::address_spaces::kMostProcesses> spaces;
  std::size_t running = 0;
};

struct StoredDisk {
  StoredDisk(std::uint64_t bytes, std::uint64_t sectors)
      : words_per_block(sectors * workload::disk_io::kSectorWords), words(bytes / 8) {}
  std::span<std::uint64_t> buffer(std::uint64_t slot) { return buffers[slot]; }
  std::uint64_t blocks() const {
    return std::min(words.size() / words_per_block, workload::disk_io::kMostBlocks);
  }
  void begin(std::uint64_t slot, bool writes, std::uint64_t block) {
    for (std::uint64_t i = 0; i < words_per_block; ++i) {
      std::uint64_t& stored = words[block * words_per_block + i];
      (writes ? stored : buffers[slot][i]) = writes ? buffers[slot][i] : stored;
    }
  }
  bool finish(std::uint64_t) { return true; }
  void done(std::uint64_t) {}
  void rest() {}
  std::uint64_t words_per_block;
  std::vector<std::uint64_t> words;
  std::array<std::array<std::uint64_t, workload::disk_io::kMostSectors * workload::disk_io::kSectorWords>,
             workload::disk_io::kMostDepth>
      buffers{};
};

std::string expected(const Json& vm) {
  const std::string workload = vm.at("workload");
  if (workload == "address_spaces") {
    CopiedSpaces spaces;
    return line(workload::address_spaces::run(
        parse(vm, [](auto& a) { return workload::address_spaces::parameters(a); }), spaces,
        [](std::uint64_t) {}));
  }
  if (workload == "wake_up")
    return line(workload::wake_up::run(
        parse(vm, [](auto& a) { return workload::wake_up::parameters(a); }), [] {}, [](std::uint64_t) {}));
  if (workload == "ping_pong")
    return line(
        workload::ping_pong::expected(parse(vm, [](auto& a) { return workload::ping_pong::parameters(a); })));
  if (workload == "hostile")
    return line(workload::hostile::run(parse(vm, [](auto& a) { return workload::hostile::parameters(a); }),
                                       [](std::uint64_t) {}));
  if (workload == "disk_io") {
    const auto parameters = parse(vm, [](auto& a) { return workload::disk_io::parameters(a); });
    StoredDisk disk(vm.at("disk_bytes"), parameters.sectors);
    const auto report = workload::disk_io::run(parameters, disk);
    EXPECT_EQ(report.wrong, 0u);
    return line(report.checksum);
  }
  const auto parameters = parse(vm, [](auto& a) { return workload::messages::parameters(a); });
  const auto tasks = std::make_unique<std::array<workload::messages::Task, workload::messages::kMostTasks>>();
  workload::messages::Exchange exchange{parameters, *tasks};
  exchange.run(
      0, 1, [](std::uint64_t) {}, [] { ADD_FAILURE() << "all tasks wait for each other"; });
  return line(exchange.checksum());
}

Json guests(const char* scheduler, const char* delivery) {
  Json config = Json::parse(R"({
    "version": 1, "name": "guests",
    "machine": {"harts": 3, "memory_bytes": "64MiB"},
    "hypervisor": {"time_slice_us": 200},
    "vms": [
      {"name": "wake_up", "workload": "wake_up", "memory_bytes": "2MiB", "weight": 512,
       "arguments": {"period_us": 300, "wakes": 30, "work": 5, "seed": 3}},
      {"name": "ping_pong", "workload": "ping_pong", "memory_bytes": "2MiB", "vcpus": 4,
       "arguments": {"rounds": 60, "players": 5, "seed": 4}},
      {"name": "messages", "workload": "messages", "memory_bytes": "2MiB", "vcpus": 3, "sstc": true,
       "arguments": {"groups": 3, "pairs": 3, "messages": 20, "seed": 5}},
      {"name": "spaces", "workload": "address_spaces", "memory_bytes": "4MiB", "weight": 128,
       "arguments": {"steps": 150, "pages": 16, "touches": 16, "seed": 7}},
      {"name": "disk", "workload": "disk_io", "memory_bytes": "2MiB", "disk_bytes": 100000,
       "arguments": {"batches": 40, "depth": 3, "sectors": 5, "pause_us": 150, "seed": 8}},
      {"name": "hostile", "workload": "hostile", "memory_bytes": "4MiB", "vcpus": 2, "cap_percent": 80,
       "disk_bytes": 65536, "arguments": {"rounds": 44, "seed": 6}}
    ],
    "limits": {"max_cycles": 1000000000}
  })");
  config["hypervisor"]["scheduler"] = scheduler;
  config["hypervisor"]["delivery"] = delivery;
  return config;
}

void expect_checksums(const Json& config, const Outcome& outcome, const char* where) {
  EXPECT_EQ(outcome.exit_code, 0) << where << "\n" << outcome.log;
  for (const Json& vm : config.at("vms"))
    EXPECT_EQ(checksums(outcome, vm.at("name")), expected(vm)) << vm.at("name") << " on " << where << "\n"
                                                               << outcome.log;
}

TEST(Guests, ComputeTheSameEverywhereUnderBothSchedulers) {
  for (const auto& [scheduler, delivery] :
       {std::pair{"round_robin", "dlh"}, std::pair{"credit", "immediate"}}) {
    const Json config = guests(scheduler, delivery);
    expect_checksums(config, qemu(config), "QEMU");
    const Outcome target = simulate(config, "target"), host = simulate(config, "host");
    expect_checksums(config, target, "target");
    expect_checksums(config, host, "host");
    std::printf("%s: cycles on target %llu, on host %llu (%+.1f %%)\n", scheduler,
                static_cast<unsigned long long>(target.cycles), static_cast<unsigned long long>(host.cycles),
                100.0 * (static_cast<double>(host.cycles) / static_cast<double>(target.cycles) - 1));
  }
}

// The victim computes; its neighbour does what `neighbour` says. Each has a hart of its own.
Json beside(Json neighbour, const std::string& scheduler = "round_robin") {
  Json config = Json::parse(R"({
    "version": 1, "name": "beside",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "hypervisor": {"delivery": "dlh", "time_slice_us": 500},
    "vms": [{"name": "victim", "workload": "compute", "memory_bytes": "4MiB", "harts": [0],
             "arguments": {"crc": 20, "sort": 2, "matrix": 3, "linear": 3, "bodies": 500}}],
    "limits": {"max_cycles": 2000000000}
  })");
  config["hypervisor"]["scheduler"] = scheduler;
  neighbour["name"] = "neighbour";
  neighbour["memory_bytes"] = "4MiB";
  if (!neighbour.contains("harts")) neighbour["harts"] = {1};
  config["vms"].push_back(neighbour);
  return config;
}
// The victim waits for its disk instead, so that it enters and leaves the hypervisor all the time.
Json disk_beside(const Json& neighbour) {
  Json config = beside(neighbour);
  Json& victim = config["vms"][0];
  victim["workload"] = "disk_io";
  victim["disk_bytes"] = 262144;
  victim["arguments"] = {{"batches", 150}, {"depth", 3}, {"sectors", 4}, {"pause_us", 40}};
  return config;
}
// What an attack needs to reach all that it is about: rings, a disk, maps that are looked at (by the
// attacker's hart).
Json within_reach(Json config, unsigned attack) {
  if (attack == 15) config["hypervisor"]["delivery"] = "dlh_ring";
  if (attack == 14 || attack == 16) {
    config["hypervisor"]["sharing"] = {
        {"policy", "memory_map"}, {"period_us", 1000}, {"step_gap_us", 20}, {"scan_hart", 1}};
    config["vms"][1]["disk_bytes"] = 65536;
  }
  return config;
}
Json well_behaved() { return {{"workload", "compute"}, {"arguments", {{"crc", 60}}}}; }
Json hostile(unsigned attack, unsigned rounds = 150) {
  return {{"workload", "hostile"}, {"vcpus", 2}, {"arguments", {{"attack", attack}, {"rounds", rounds}}}};
}

constexpr unsigned kAttacks = 16, kNewest = 14;
// They share the L2 cache and the hypervisor's locks; nothing else of the neighbour's may cost the victim
// time.
constexpr double kPinnedBound = 0.02;

// `calm`: the same victim beside a neighbour that behaves.
void expect_untouched(const Outcome& calm, const Json& config, const std::string& run, double bound) {
  const Outcome attacked = simulate(config, run);
  const std::string attack = config["vms"][1]["arguments"]["attack"].dump();
  SCOPED_TRACE("attack " + attack + " on " + run);
  ASSERT_EQ(calm.exit_code, 0) << calm.log;
  const bool deadly = workload::hostile::ends_the_vm(config["vms"][1]["arguments"]["attack"]);
  EXPECT_EQ(attacked.exit_code, deadly ? 1 : 0) << attacked.log;
  EXPECT_FALSE(checksums(calm, "victim").empty());
  EXPECT_EQ(attacked.console.at("victim"), calm.console.at("victim"));
  EXPECT_EQ(checksums(attacked, "neighbour").empty(), deadly);
  if (bound == 0) return;
  const double before = calm.vms.at("victim").at("run_cycles"),
               after = attacked.vms.at("victim").at("run_cycles");
  std::printf("attack %2s on %s: victim's cycles %+.2f %%\n", attack.c_str(), run.c_str(),
              100 * (after / before - 1));
  EXPECT_NEAR(after / before, 1, bound);
}

TEST(Isolation, APinnedVictimIsNeitherWrongNorSlowerBesideAnyAttackWithTheHypervisorOnHost) {
  const Outcome calm = simulate(beside(well_behaved()), "host");
  for (unsigned attack = 0; attack < kNewest; ++attack)
    expect_untouched(calm, beside(hostile(attack)), "host", kPinnedBound);
}

#ifndef __SANITIZE_ADDRESS__  // see kBuilds
TEST(Isolation, APinnedVictimIsNeitherWrongNorSlowerBesideAnyAttackWithTheHypervisorOnTarget) {
  const Outcome calm = simulate(beside(well_behaved()), "target");
  for (const unsigned attack : {0u, 4u, 5u, 8u, 12u, 13u})
    expect_untouched(calm, beside(hostile(attack)), "target", kPinnedBound);
}
#endif

// Attacks by disk, rings and memory maps, each beside a neighbour that behaves under the same settings; and a
// victim that lives by interrupts of its disk.
TEST(Isolation, APinnedVictimIsNeitherWrongNorSlowerBesideAttacksByDiskRingsAndMaps) {
  for (unsigned attack = kNewest; attack <= kAttacks; ++attack)
    for (const std::string& run : kBuilds)
      expect_untouched(simulate(within_reach(beside(well_behaved()), attack), run),
                       within_reach(beside(hostile(attack)), attack), run, kPinnedBound);
}

TEST(Isolation, AVictimThatWaitsForItsDiskIsNeitherWrongNorSlower) {
  for (const unsigned attack : {5u, 8u, 14u, 16u})
    expect_untouched(simulate(within_reach(disk_beside(well_behaved()), attack), "host"),
                     within_reach(disk_beside(hostile(attack)), attack), "host", kPinnedBound);
  expect_untouched(simulate(within_reach(disk_beside(well_behaved()), 14), "target"),
                   within_reach(disk_beside(hostile(14)), 14), "target", kPinnedBound);
}

TEST(Isolation, AVictimThatSharesItsHartIsNotWrong) {
  for (const char* scheduler : {"round_robin", "credit"}) {
    Json neighbour = hostile(0), calm = well_behaved();
    neighbour["harts"] = calm["harts"] = {0, 1};
    expect_untouched(simulate(beside(calm, scheduler), "host"), beside(neighbour, scheduler), "host", 0);
  }
}

// A VM that sleeps and wakes up beside one that queues up to 256 calls of 0.16 ms each, on one hart; the
// second may have more VCPUs, and another hart.
struct Flood {
  std::string delivery, run, scheduler;
  unsigned vcpus = 1, harts = 1;
};
Outcome beside_flood(const Flood& flood) {
  Json config = Json::parse(R"({
    "version": 1, "name": "flood",
    "machine": {"memory_bytes": "64MiB"},
    "hypervisor": {"time_slice_us": 200, "queue_capacity": 256, "calls_per_notification": 64},
    "vms": [{"name": "victim", "workload": "wake_up", "memory_bytes": "4MiB", "harts": [0],
             "arguments": {"period_us": 700, "wakes": 30, "work": 10}},
            {"name": "flood", "workload": "hypercall_storm", "memory_bytes": "4MiB",
             "arguments": {"iterations": 1, "work": 0, "calls_per_iteration": 250, "exact": 1,
                           "deferrable_percent": 100, "routine": 20000}}],
    "limits": {"max_cycles": 2000000000}
  })");
  config["machine"]["harts"] = flood.harts;
  config["vms"][1]["vcpus"] = flood.vcpus;
  config["hypervisor"]["delivery"] = flood.delivery;
  config["hypervisor"]["scheduler"] = flood.scheduler;
  if (flood.delivery == "immediate") config["hypervisor"].erase("calls_per_notification");
  Outcome outcome = simulate(config, flood.run);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_EQ(outcome.broken_sums, "");
  return outcome;
}
// How long the first one waits for the hart, at the 99th percentile, in nanoseconds.
std::uint64_t lateness(const Outcome& outcome) {
  const std::string text = outcome.console.at("victim"), key = "p99 ";
  const std::size_t at = text.find(key);
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + key.size()));
}

TEST(Isolation, AFloodOfLongCallsDelaysANeighbourAsLittleAsCallsInTheirTraps) {
  for (const auto& [run, scheduler, deliveries] :
       {std::tuple{"host", "credit", std::vector{"dlh", "dlh_ring", "multicall"}},
        std::tuple{"host", "round_robin", std::vector{"dlh", "multicall"}},
        std::tuple{"target", "credit", std::vector{"dlh"}}}) {
    const std::uint64_t immediate = lateness(beside_flood({"immediate", run, scheduler}));
    for (const char* delivery : deliveries) {
      const std::uint64_t late = lateness(beside_flood({delivery, run, scheduler}));
      std::printf("%s, %s: late by %.2f ms at p99 beside a flood with %s, %.2f ms with immediate\n", run,
                  scheduler, static_cast<double>(late) / 1e6, delivery, static_cast<double>(immediate) / 1e6);
      EXPECT_GT(late, 0u);
      EXPECT_LE(late, 2 * immediate) << delivery << ", " << run << ", " << scheduler;
    }
  }
}

// Its VCPUs have one queue: two of them run it, or wait for the right to, where the neighbour wants the hart.
TEST(Isolation, AFloodOfSeveralVcpusOnTwoHartsGivesWayToo) {
  for (const std::string& run : kBuilds) {
    const Outcome immediate = beside_flood({"immediate", run, "credit", 3, 2});
    const Outcome deferred = beside_flood({"dlh", run, "credit", 3, 2});
    const Json& delivery = deferred.vms.at("flood").at("delivery");
    std::printf(
        "%s: late by %.2f ms beside three VCPUs that flood, %.2f ms with immediate; %.0f drains gave way\n",
        run.c_str(), static_cast<double>(lateness(deferred)) / 1e6,
        static_cast<double>(lateness(immediate)) / 1e6, delivery.at("interrupted_drains").get<double>());
    EXPECT_GT(lateness(deferred), 0u);
    EXPECT_LE(lateness(deferred), 2 * lateness(immediate)) << run;
    EXPECT_EQ(delivery.at("ran"), immediate.vms.at("flood").at("delivery").at("ran"));
    EXPECT_GT(delivery.at("ran").get<double>(), 750.0) << "and what it prints";
    EXPECT_GT(delivery.at("interrupted_drains").get<double>(), 10.0) << run;
    EXPECT_EQ(deferred.vms.at("victim").at("delivery").at("interrupted_drains"), 0);
  }
}

// Two VCPUs that wake each other across two harts, each of which a VM floods with calls of 0.16 ms.
Outcome ping_pong_beside_floods(const std::string& delivery, const std::string& run) {
  Json config = Json::parse(R"({
    "version": 1, "name": "floods",
    "machine": {"harts": 2, "memory_bytes": "64MiB"},
    "hypervisor": {"scheduler": "credit", "time_slice_us": 200, "queue_capacity": 256,
                   "calls_per_notification": 64},
    "vms": [{"name": "victim", "workload": "ping_pong", "memory_bytes": "4MiB", "vcpus": 2,
             "arguments": {"rounds": 300}}],
    "limits": {"max_cycles": 2000000000}
  })");
  for (const unsigned hart : {0u, 1u})
    config["vms"].push_back({{"name", "flood" + std::to_string(hart)},
                             {"workload", "hypercall_storm"},
                             {"memory_bytes", "4MiB"},
                             {"harts", {hart}},
                             {"arguments",
                              {{"iterations", 1},
                               {"work", 0},
                               {"calls_per_iteration", 250},
                               {"exact", 1},
                               {"deferrable_percent", 100},
                               {"routine", 20000}}}});
  config["hypervisor"]["delivery"] = delivery;
  if (delivery == "immediate") config["hypervisor"].erase("calls_per_notification");
  Outcome outcome = simulate(config, run);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_EQ(outcome.broken_sums, "");
  EXPECT_EQ(outcome.console.at("victim"), expected(config["vms"][0]));
  return outcome;
}

TEST(Isolation, FloodsOnTwoHartsGiveWayToWakeUpsFromTheOtherOne) {
  for (const std::string& run : kBuilds) {
    const auto longest = [](const Outcome& outcome) {
      return outcome.vms.at("victim").at("latency_max").get<double>();
    };
    const Outcome immediate = ping_pong_beside_floods("immediate", run);
    const Outcome deferred = ping_pong_beside_floods("dlh", run);
    std::printf("%s: the longest round takes %.2f ms beside floods with dlh, %.2f ms with immediate\n",
                run.c_str(), longest(deferred) / 1e6, longest(immediate) / 1e6);
    EXPECT_GT(longest(deferred), 0);
    EXPECT_LE(longest(deferred), 2 * longest(immediate)) << run;
    for (const char* flood : {"flood0", "flood1"})  // the hart is taken from them, not only lent
      EXPECT_GT(deferred.vms.at(flood).at("steal_cycles").get<double>(),
                deferred.vms.at("victim").at("run_cycles").get<double>() / 4)
          << flood << " on " << run;
  }
}

TEST(Isolation, AVictimOnQemuIsNotWrongBesideAnyAttack) {
  const Outcome alone = qemu(beside(well_behaved()));
  for (const unsigned attack : {0u, 12u, 13u, 14u, 15u, 16u}) {
    Json neighbour = hostile(attack);
    neighbour["harts"] = {0, 1};
    const Outcome attacked = qemu(within_reach(beside(neighbour), attack));
    EXPECT_EQ(checksums(attacked, "neighbour").empty(),
              workload::hostile::ends_the_vm(static_cast<workload::hostile::Attack>(attack)))
        << attacked.log;
    EXPECT_EQ(attacked.console.at("victim"), alone.console.at("victim")) << attacked.log;
  }
}

// Shares of the modelled machine's time while all three want it: weights 1 : 2 : 4 on one hart, and a cap.
TEST(Credit, WeightsAndCapsHoldOnTheModelledMachine) {
  Json config = Json::parse(R"({
    "version": 1, "name": "weights",
    "machine": {"harts": 1, "memory_bytes": "64MiB"},
    "hypervisor": {"scheduler": "credit", "time_slice_us": 100, "cap_period_us": 1000},
    "vms": [
      {"name": "one", "workload": "compute", "memory_bytes": "4MiB", "weight": 100, "arguments": {"crc": 100000}},
      {"name": "two", "workload": "compute", "memory_bytes": "4MiB", "weight": 200, "arguments": {"crc": 100000}},
      {"name": "four", "workload": "compute", "memory_bytes": "4MiB", "weight": 400, "arguments": {"crc": 100000}}],
    "limits": {"max_cycles": 80000000}
  })");
  for (const std::string& run : kBuilds) {
    const Outcome outcome = simulate(config, run);
    ASSERT_EQ(outcome.exit_code, 4) << outcome.log;
    double total = 0;
    for (const auto& [name, vm] : outcome.vms) total += vm.at("run_cycles").get<double>();
    // Two slices of 100,000 cycles are the bound of a VCPU.
    for (const auto& [name, share] :
         {std::pair{"one", 1.0 / 7}, std::pair{"two", 2.0 / 7}, std::pair{"four", 4.0 / 7}})
      EXPECT_NEAR(outcome.vms.at(name).at("run_cycles").get<double>(), share * total, 2 * 110'000)
          << name << " on " << run;
  }
  for (Json& vm : config["vms"]) vm["cap_percent"] = 20;
  const Outcome capped = simulate(config, "host");
  ASSERT_EQ(capped.exit_code, 4) << capped.log;
  for (const auto& [name, vm] : capped.vms) {
    double since_start = 0;
    for (const char* time : {"run_cycles", "steal_cycles", "capped_cycles", "wait_cycles"})
      since_start += vm.at(time).get<double>();
    // Periods that the run cuts off are worth one cap of 200,000 cycles; a slice may overdraw it.
    EXPECT_NEAR(vm.at("run_cycles").get<double>(), 0.2 * since_start, 200'000 + 110'000) << name;
    EXPECT_GT(since_start, 30e6) << name;
    EXPECT_GT(vm.at("capped_cycles").get<double>(), 0.0) << name;
  }
}

}  // namespace
}  // namespace hvsim::twin
