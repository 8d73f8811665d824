// Soak: 64 VMs of all kinds, hostile ones among them, on many harts; scheduler, delivery and sharing policy
// drawn anew each round, scheduler and sharing policy also again and again while it runs; the hypervisor
// audits its own tables at every exit and all frames and references at every 64th step of a scan; every
// fourth round, on target, now and then. In every third round the VMs are promised more memory than there is,
// which runs out. A usual run has 200 million guest instructions, a release 2 billion
// (HVSIM_SOAK_INSTRUCTIONS); HVSIM_SOAK_SEED asks for other draws.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

#ifdef __SANITIZE_ADDRESS__  // there the same work takes twenty times as long
constexpr std::uint64_t kUsual = 40'000'000;
constexpr unsigned kTargetAudit = 0;  // and does not see code for the target
#else
constexpr std::uint64_t kUsual = 200'000'000;
constexpr unsigned kTargetAudit = 500;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  template <class T>
  T of(std::initializer_list<T> choices) {
    return *(choices.begin() + static_cast<std::ptrdiff_t>(below(choices.size())));
  }

 private:
  std::mt19937_64 engine_;
};

Json arguments(Draw& draw, const std::string& workload, std::uint64_t scale) {
  if (workload == "compute")
    return {{"crc", 2 * scale}, {"sort", 0}, {"matrix", 1}, {"linear", 1}, {"bodies", 5}};
  if (workload == "hypercall_storm")
    return {{"iterations", 8 * scale}, {"work", 2}, {"seed", draw.below(1000)}};
  if (workload == "timer_ticks") return {{"ticks", 4 * scale}, {"hz", 5000}, {"work", draw.below(50)}};
  if (workload == "wake_up") return {{"wakes", 4 * scale}, {"period_us", 50 + draw.below(200)}, {"work", 2}};
  if (workload == "ping_pong") return {{"rounds", 5 * scale}, {"players", 1 + draw.below(6)}};
  if (workload == "messages") return {{"groups", 2}, {"pairs", 2}, {"messages", 4 * scale}};
  if (workload == "address_spaces") return {{"steps", 10 * scale}, {"pages", 8}, {"touches", 8}};
  if (workload == "page_churn")
    return {{"rounds", 3 * scale},
            {"burst", 40},
            {"pause_us", 200 + draw.below(400)},
            {"work", 16},
            {"free_percent", 20 + draw.below(70)},
            {"dirty", draw.below(4) == 0 ? 0 : 1},
            {"seed", draw.below(1000)}};
  if (workload == "disk_io")
    return {{"batches", 5 * scale},
            {"depth", 1 + draw.below(4)},
            {"sectors", 1 + draw.below(4)},
            {"pause_us", draw.below(200)},
            {"seed", draw.below(1000)}};
  constexpr std::uint64_t attacks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16};
  return {{"rounds", 14 * scale},
          {"attack", attacks[draw.below(std::size(attacks))]},
          {"seed", draw.below(1000)}};
}

std::string scheduler(Draw& draw) { return draw.of({"round_robin", "credit"}); }

// On the host also what exists there only.
std::string sharing_policy(Draw& draw, bool host) {
  return draw.of({"none", "content_scan", "balloon", "free_page_reporting", "memory_map",
                  "memory_map+content_scan", host ? "oracle" : "memory_map"});
}

Json switches(Draw& draw, bool host) {
  Json list = Json::array();
  std::uint64_t at = 0;
  for (std::uint64_t left = draw.below(33); left != 0; --left) {
    at += 1 + draw.below(1000);
    list.push_back({{"at_us", at}, {"scheduler", scheduler(draw)}, {"sharing", sharing_policy(draw, host)}});
  }
  return list;
}

Json sharing(Draw& draw, bool host) {
  return {{"policy", sharing_policy(draw, host)},
          {"demand", draw.below(2) == 0},
          {"period_us", draw.of({500, 3000})},
          {"step_gap_us", draw.of({5, 100})},
          {"pages_per_second", draw.of({20'000, 200'000})},
          {"reserve_pages", draw.of({0, 50})},
          {"unshare_blocks", draw.below(2) == 0},
          {"scan_hart", draw.below(2)}};
}

Json sixty_four_vms(Draw& draw, std::uint64_t scale, bool host) {
  const unsigned harts = 3 + static_cast<unsigned>(draw.below(14));
  Json config = {
      {"version", 1},
      {"name", "soak"},
      {"machine", {{"harts", harts}, {"memory_bytes", host ? "512MiB" : "256MiB"}, {"mode", "functional"}}},
      {"hypervisor",
       {{"scheduler", scheduler(draw)},
        {"delivery",
         draw.of({"immediate", "multicall", "softirq", "dlh", "dlh_ring", "polling", host ? "free" : "dlh"})},
        {"calls_per_notification", draw.of({1, 3, 8, 64})},
        {"queue_capacity", draw.of({1, 16, 64, 256})},
        {"drain_budget_cycles", draw.of({1, 2000, 20000})},
        {"time_slice_us", draw.of({50, 200, 1000})},
        {"cap_period_us", draw.of({500, 2000})},
        {"audit_exits", 1},
        {"sharing", sharing(draw, host)},
        {"switches", switches(draw, host)}}},
      {"vms", Json::array()},
      {"limits", {{"max_cycles", 20'000'000'000}}}};
  for (unsigned i = 0; i < 64; ++i) {
    const std::string workload = draw.of({"compute", "hypercall_storm", "timer_ticks", "wake_up", "ping_pong",
                                          "messages", "address_spaces", "page_churn", "disk_io", "hostile"});
    const bool small = workload != "page_churn" && workload != "hostile";
    Json vm = {{"name", "vm" + std::to_string(i)},
               {"workload", workload},
               {"memory_bytes", small ? "2MiB" : "6MiB"},
               {"vcpus", 1 + draw.below(4)},
               {"weight", 1 + draw.below(1000)},
               {"cap_percent", draw.below(4) == 0 ? 50 + draw.below(200) : 0},
               {"sstc", draw.below(2) == 0},
               {"arguments", arguments(draw, workload, scale)}};
    if (workload == "disk_io" || workload == "hostile") vm["disk_bytes"] = 32768;
    // The last hart may be the one that polls.
    if (draw.below(3) == 0) vm["harts"] = {draw.below(harts - 1)};
    config["vms"].push_back(vm);
  }
  return config;
}

// Frames are given at the first write, one by one, and there are fewer than are written.
void promise_too_much(Json& config, Draw& draw, bool host) {
  const std::uint64_t besides = host ? 0 : 22;  // there images and bundle lie in memory, too
  config["machine"]["memory_bytes"] = std::to_string(draw.of({24, 28, 32}) + besides) + "MiB";
  config["hypervisor"]["sharing"]["demand"] = true;
  config["hypervisor"]["sharing"]["unshare_blocks"] = false;
}

// It is the policy for memory that has run out: a VM may be given up so that the others go on.
bool given_up(const Outcome& outcome, const std::string& vm) {
  const auto console = outcome.console.find("machine");
  return console != outcome.console.end() &&
         console->second.find("[hv] " + vm + ": killed: no memory is left") != std::string::npos;
}

std::uint64_t waits_for_memory(const Outcome& outcome) {
  std::uint64_t waits = 0;
  for (const Json& row : outcome.stats.at("sharing"))
    waits += row.at("counters").at("pauses").get<std::uint64_t>();
  return waits;
}

std::size_t switched(const Outcome& outcome) {
  const auto console = outcome.console.find("machine");
  if (console == outcome.console.end()) return 0;
  std::size_t count = 0;
  for (std::size_t at = 0; (at = console->second.find("policies from now on", at)) != std::string::npos; ++at)
    ++count;
  return count;
}

TEST(Soak, SixtyFourVmsRunToTheirEndsAndTheHypervisorStaysSound) {
  const std::uint64_t wanted = from_environment("HVSIM_SOAK_INSTRUCTIONS", kUsual);
  const std::uint64_t seed = from_environment("HVSIM_SOAK_SEED", 1);
  Draw draw(seed);
  std::uint64_t retired = 0;
  std::size_t switches = 0;
  std::uint64_t waits = 0;
  for (unsigned round = 0; retired < wanted; ++round) {
    const std::uint64_t scale = wanted > 100'000'000 ? 20 : 1;
    const bool host = round % 4 != 1;
    Json config = sixty_four_vms(draw, scale, host);
    if (round % 3 == 2) promise_too_much(config, draw, host);
    const char* const run = host ? "host" : "target";
    // There an audit is simulated, too, and takes longer than the shorter slices.
    if (!host) config["hypervisor"]["audit_exits"] = kTargetAudit;
    const Outcome outcome = simulate(config, run);
    std::size_t ended = 0;
    for (const Json& vm : config.at("vms")) {
      const bool off = given_up(outcome, vm.at("name"));
      ended += off ? 1 : 0;
      ASSERT_TRUE(off || !checksums(outcome, vm.at("name")).empty()) << vm << outcome.log;
    }
    ASSERT_EQ(outcome.exit_code, ended == 0 ? 0 : 1)
        << "seed " << seed << ", round " << round << " on " << run << "\n"
        << config.dump(1) << outcome.log;
    if (host) retired += outcome.retired;  // on target the hypervisor's own are among them, audits and all
    const Json& hypervisor = config["hypervisor"];
    switches += switched(outcome);
    waits += waits_for_memory(outcome);
    std::printf(
        "round %u on %s: %s, %s, %s, %zu of %zu switches, %zu VMs given up, %llu waits for memory; %llu "
        "million guest instructions so far\n",
        round, run, hypervisor["scheduler"].get<std::string>().c_str(),
        hypervisor["delivery"].get<std::string>().c_str(),
        hypervisor["sharing"]["policy"].get<std::string>().c_str(), switched(outcome),
        hypervisor["switches"].size(), ended, static_cast<unsigned long long>(waits_for_memory(outcome)),
        static_cast<unsigned long long>(retired / 1'000'000));
  }
  EXPECT_GT(switches, 0u);
  EXPECT_GT(waits, 0u) << "memory never ran out";
}

}  // namespace
}  // namespace hvsim::twin
