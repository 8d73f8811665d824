// What the statistics of whole runs promise, in every mode and with both builds of the hypervisor.
#include <gtest/gtest.h>

#include <map>

#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

// Two VMs that call, compute, sleep and take timer interrupts, trapped and by themselves.
Json busy_vms(const std::string& mode) {
  Json config = Json::parse(R"({
    "version": 1, "name": "statistics",
    "machine": {"harts": 2, "memory_bytes": "64MiB",
                "caches": {"l1d": {"prefetch": "next_line"}, "l2": {"prefetch": "stride"},
                           "has_llc": true, "dram": {"banked": true}},
                "topology": {"kind": "ring"}},
    "hypervisor": {"delivery": "dlh", "calls_per_notification": 4, "time_slice_us": 500},
    "vms": [
      {"name": "storm", "workload": "hypercall_storm", "memory_bytes": "4MiB",
       "arguments": {"iterations": 150, "work": 4}},
      {"name": "ticks", "workload": "timer_ticks", "memory_bytes": "4MiB",
       "arguments": {"hz": 2000, "ticks": 4, "work": 500}},
      {"name": "sstc", "workload": "timer_ticks", "memory_bytes": "4MiB", "sstc": true,
       "arguments": {"hz": 4000, "ticks": 8, "work": 500}}
    ],
    "limits": {"max_cycles": 2000000000}
  })");
  config["machine"]["mode"] = mode;
  return config;
}

constexpr std::uint64_t kEpoch = 20'000, kQuantum = 10'000;

// Counters of hardware, wherever they are: numbers by path.
void flatten(const Json& json, const std::string& path, std::map<std::string, std::uint64_t>& numbers) {
  if (json.is_structured()) {
    for (const auto& [key, value] : json.items()) flatten(value, path + "." + key, numbers);
  } else if (json.is_number_unsigned()) {
    numbers[path] += json.get<std::uint64_t>();
  }
}

std::map<std::string, std::uint64_t> counts(const Json& stats) {
  std::map<std::string, std::uint64_t> numbers;
  for (const char* part : {"harts", "l2", "llc", "l2_prefetches", "coherence", "dram", "links", "disks"})
    flatten(stats.at(part), part, numbers);
  for (const Json& cell : stats.at("cpi")) {
    Json name = cell;
    name.erase("components");
    flatten(cell.at("components"), name.dump(), numbers);
  }
  for (const Json& exit : stats.at("exits"))
    numbers["exits " + exit.at("vm").get<std::string>() + " " + exit.at("cause").get<std::string>()] +=
        exit.at("count").get<std::uint64_t>();
  for (const Json& row : stats.at("traps")) {
    Json name = row;
    name.erase("count");
    numbers["traps " + name.dump()] += row.at("count").get<std::uint64_t>();
  }
  std::erase_if(numbers, [](const auto& each) { return each.first.ends_with(".hart"); });
  return numbers;
}

class Statistics : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

// tests::Sums says what must add up: cells, epochs, shares, walks and traps.
TEST_P(Statistics, AddUpOverCellsEpochsAndAReset) {
  const auto [mode, run] = GetParam();
  Json config = busy_vms(mode);
  config["statistics"] = {{"epoch_cycles", kEpoch}};
  const Outcome whole = simulate(config, run);
  ASSERT_EQ(whole.exit_code, 0) << whole.log;
  EXPECT_EQ(whole.broken_sums, "");
  const Json& epochs = whole.stats.at("epochs");
  const Json& rows = epochs.at("rows");
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> lengths;
  for (std::size_t i = 0; i < rows.at("cycles").size(); ++i)
    lengths[{rows["hart"][i], rows["epoch"][i]}] += rows["cycles"][i].get<std::uint64_t>();
  std::erase_if(lengths, [](const auto& each) { return each.first.second == 0; });  // with the host's boot
  EXPECT_GT(lengths.size(), 50u);
  // On the host the end of a VM is one piece, with all frames and tables given back: on target it takes about
  // 110,000 cycles of smaller ones. A hart that wants a lock meanwhile waits in one piece, too (`lock_wait`
  // of the work that stats.json counts). So a run has at most an epoch of those per VM and hart.
  std::size_t longer = 0;
  for (const auto& [epoch, cycles] : lengths)
    if (cycles >= epochs.at("length").get<std::uint64_t>() + 2 * kQuantum) ++longer;
  const std::size_t harts = config.at("machine").at("harts").get<std::size_t>();
  EXPECT_LE(longer, std::string(run) == "host" ? config.at("vms").size() * harts : 0);

  // The same run, dumped and then reset in the midst of its guests' work.
  const std::uint64_t moment = whole.cycles - 1'000'000;
  config["statistics"] = {
      {"epoch_cycles", kEpoch}, {"dump_at_cycles", {moment}}, {"measure_from_cycles", moment}};
  const Outcome rest = simulate(config, run);
  ASSERT_EQ(rest.dumps.size(), 1u) << rest.log;
  EXPECT_EQ(rest.broken_sums, "");
  EXPECT_GE(rest.stats.at("measured_from").get<std::uint64_t>(), moment);
  auto before = counts(rest.dumps[0]), after = counts(rest.stats);
  const auto all = counts(whole.stats);
  EXPECT_GT(all.size(), 50u);
  for (const auto& [path, count] : all) EXPECT_EQ(before[path] + after[path], count) << path;
}

INSTANTIATE_TEST_SUITE_P(Modes, Statistics,
                         testing::Combine(testing::Values("functional", "fast", "detailed"),
                                          testing::Values("target", "host")),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param)) + "_" + std::get<1>(each.param);
                         });

// A guest that dumps, resets, makes five calls and dumps again, by marks.
TEST(GuestsMarks, DumpAndForgetStatisticsWhereTheConfigLetsThem) {
  Json config = Json::parse(R"({
    "version": 1, "name": "marks", "machine": {"memory_bytes": "64MiB"},
    "vms": [{"name": "probe", "workload": "", "memory_bytes": "4MiB", "arguments": {"act": "measure"}}],
    "limits": {"max_cycles": 1000000000}
  })");
  config["vms"][0]["workload"] = HVSIM_PROBE;
  for (const char* run : {"target", "host"}) {
    const Outcome heard = simulate(config, run);
    ASSERT_EQ(heard.exit_code, 0) << heard.log;
    EXPECT_EQ(heard.broken_sums, "");
    ASSERT_EQ(heard.dumps.size(), 2u);
    const Json& names = heard.stats.at("dumps");
    EXPECT_EQ(names[0].at("number"), 7);
    EXPECT_EQ(names[1].at("number"), 8);
    EXPECT_EQ(names[1].at("vm"), "probe");
    const std::uint64_t forgotten = heard.stats.at("measured_from");
    EXPECT_NEAR(heard.dumps[0].at("cycles").get<double>(), static_cast<double>(forgotten), 100)
        << "an instruction lies between";
    EXPECT_EQ(heard.dumps[1].at("cycles").get<std::uint64_t>() + forgotten,
              names[1].at("cycle").get<std::uint64_t>());
    ASSERT_EQ(heard.dumps[1].at("exits").size(), 1u);
    EXPECT_EQ(heard.dumps[1].at("exits")[0].at("cause"), "SUPERVISOR_SYSCALL/query");
    EXPECT_EQ(heard.dumps[1].at("exits")[0].at("count"), 5);
    EXPECT_GT(heard.stats.at("exits").size(), 1u) << "it has printed since";
  }
  config["statistics"] = {{"guest_control", false}};
  const Outcome ignored = simulate(config, "host");
  EXPECT_TRUE(ignored.dumps.empty());
  EXPECT_EQ(ignored.stats.at("measured_from"), 0);
}

}  // namespace
}  // namespace hvsim::twin
