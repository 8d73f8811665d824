// Reading, extending, overriding, expanding and describing configs.
#include <gmock/gmock.h>

#include "sim/json_path.h"
#include "sim/schema.h"
#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Configs : public Scratch {};

TEST_F(Configs, WhatAFileLeavesOutKeepsItsDefault) {
  const Config config = experiment(bare("")).runs[0].config;
  EXPECT_EQ(config.machine.harts, 1u);
  EXPECT_EQ(config.machine.costs.trap_entry, 8u);
  EXPECT_EQ(config.machine.caches.l2.hit_latency, 12u);
}

TEST_F(Configs, SizesMayBeWrittenWithAUnit) {
  const Config config = experiment(bare(R"("machine": {"memory_bytes": "64MiB"})")).runs[0].config;
  EXPECT_EQ(config.machine.memory_bytes, std::uint64_t{64} << 20);
}

TEST_F(Configs, AnExtensionOverridesKeyByKey) {
  write(
      "machines/base.json",
      R"({"version": 1, "boot": {"image": "guest"}, "machine": {"harts": 2, "costs": {"mul": 3, "fence_i": 9}}})");
  const auto run =
      experiment(R"({"extends": "machines/base.json", "machine": {"costs": {"mul": 4}}})").runs[0];
  EXPECT_EQ(run.config.machine.harts, 2u);
  EXPECT_EQ(run.config.machine.costs.mul, 4u);
  EXPECT_EQ(run.config.machine.costs.fence_i, 9u);
}

TEST_F(Configs, PathsAreRelativeToTheFileThatSaysThem) {
  write("machines/local.elf", elf(0x80000000));
  write("machines/base.json", R"({"version": 1, "boot": {"image": "./local.elf"}})");
  const auto run = experiment(R"({"extends": "machines/base.json"})").runs[0];
  EXPECT_EQ(run.images.image, path("machines/local.elf"));
}

TEST_F(Configs, SettingsReachEveryKeyAndEveryListElement) {
  auto document = load_document(write("c.json", virtualized(""))).value();
  for (const char* setting : {"hypervisor.delivery=dlh", "vms[*].memory_bytes=32MiB",
                              "vms[0].arguments.calls=7", "machine.costs.mul=6"})
    ASSERT_FALSE(apply_setting(document, setting)) << setting;
  const auto config = read_config(document).value();
  EXPECT_EQ(config.hypervisor.delivery, hv::abi::Delivery::dlh);
  EXPECT_EQ(config.vms[0].memory_bytes, std::uint64_t{32} << 20);
  EXPECT_EQ(argument_string(config.vms[0]), "calls=7 seed=1");
  EXPECT_EQ(config.machine.costs.mul, 6u);
}

// Every price has a key of its own, and with all of them at 0 nothing costs anything.
TEST_F(Configs, EveryPriceOfTheHostsHypervisorCanBeSet) {
  auto document = load_document(write("c.json", virtualized(""))).value();
  ASSERT_FALSE(apply_setting(document, "hypervisor.costs.own_lines=false"));
  for (std::size_t work = 0; work < hv::kWorks; ++work)
    ASSERT_FALSE(apply_setting(document, "hypervisor.costs." + std::string(hv::kPrices[work].name) + "=" +
                                             std::to_string(1000 + work)));
  const hv::CostModel costs = read_config(document).value().hypervisor.costs;
  for (std::size_t work = 0; work < hv::kWorks; ++work)
    EXPECT_EQ(costs[static_cast<hv::Work>(work)], 1000 + work) << hv::kPrices[work].name;
  EXPECT_FALSE(costs.own_lines);

  const Json keys = config_schema()["properties"]["hypervisor"]["properties"]["costs"]["properties"];
  EXPECT_EQ(keys.size(), hv::kWorks + 1);
  for (const hv::Price& price : hv::kPrices) {
    ASSERT_TRUE(keys.contains(price.name)) << price.name;
    EXPECT_EQ(keys[std::string(price.name)]["default"], price.cycles) << price.name;
    EXPECT_NE(keys[std::string(price.name)]["description"].get<std::string>().find("[cycles]"),
              std::string::npos);
  }
}

TEST_F(Configs, MistakesInSettingsNameTheOption) {
  auto document = load_document(write("c.json", virtualized(""))).value();
  EXPECT_EQ(apply_setting(document, "nonsense")->text(),
            "--set: nonsense: expected path=value, such as machine.harts=2");
  EXPECT_EQ(apply_setting(document, "vms[3].vcpus=1")->text(),
            "--set: vms[3]: no such element, the list has 1");
  EXPECT_EQ(apply_setting(document, "a..b=1")->text(),
            "--set: a..b: expected a path such as machine.harts or vms[0].vcpus");
  ASSERT_FALSE(apply_setting(document, "machine.hart=2"));
  EXPECT_EQ(read_config(document).error().text(),
            "--set: machine.hart: unknown key, did you mean \"harts\"?");
}

TEST_F(Configs, ResolvedConfigsReadBackAsThemselves) {
  const Config config = experiment(virtualized(R"("seed": 9)")).runs[0].config;
  Document document;
  merge(document, resolved_json(config), "resolved");
  const auto again = read_config(document);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(resolved_json(*again).dump(), resolved_json(config).dump());
}

TEST_F(Configs, AxesMultiplyAndNameTheirRuns) {
  const auto found = experiment(virtualized(R"("name": "q", "axes": {
      "run": [{"name": "host", "hypervisor": {"run": "host"}}],
      "hypervisor.calls_per_notification": [1, 8],
      "hypervisor.delivery": ["immediate", "dlh"]})"));
  std::vector<std::string> labels, names;
  for (const sim::Run& run : found.runs) labels.push_back(run.label), names.push_back(run.config.name);
  EXPECT_THAT(labels, ElementsAre("host-1-immediate", "host-1-dlh", "host-8-immediate", "host-8-dlh"));
  EXPECT_EQ(names[3], "q-host-8-dlh");
  EXPECT_EQ(found.runs[3].config.hypervisor.calls_per_notification, 8u);
  EXPECT_EQ(found.runs[3].config.hypervisor.delivery, hv::abi::Delivery::dlh);
}

TEST_F(Configs, WhatTheRunsSetThemselvesCannotBeSetFromOutside) {
  const std::string base = R"({"version": 1, "boot": {"image": "guest"}, "axes": {"seed": [1, 2]}})";
  const std::string variants = R"({"version": 1, "boot": {"image": "guest"},
                                   "runs": [{"name": "a", "machine": {"harts": 2}}]})";
  const auto refusal = [this](const std::string& text, const std::string& setting) {
    Document document = load_document(write("c.json", text)).value();
    EXPECT_FALSE(apply_setting(document, setting));
    const auto found = expand(document, {path("images")});
    return found ? "" : found.error().text();
  };
  EXPECT_EQ(
      refusal(base, "seed=3"),
      path("c.json") + ": axes.seed[0]: 1: expected no --set for seed: the runs of this experiment set it");
  EXPECT_EQ(refusal(variants, "machine.harts=4"),
            path("c.json") +
                ": runs[0]: 2: expected no --set for machine.harts: the runs of this experiment set it");
  EXPECT_EQ(refusal(base, "machine.harts=4"), "");
  EXPECT_EQ(refusal(base, "axes.seed=[7]"), "");
}

TEST_F(Configs, WhatEachRunSetsCannotBeSaidByAFileThatExtendsThem) {
  write("base.json", R"({"version": 1, "boot": {"image": "guest"}, "seed": 5, "machine": {"harts": 1},
      "axes": {"seed": [1, 2], "size": [{"name": "a", "machine": {"harts": 2, "quantum_cycles": 200}},
                                        {"name": "b", "machine": {"harts": 4}}]}})");
  const auto refusal = [this](const std::string& more) {
    const auto found = expand(
        load_document(write("c.json", R"({"version": 1, "extends": "base.json", )" + more + "}")).value(),
        {path("images")});
    return found ? "" : found.error().text();
  };
  EXPECT_EQ(refusal(R"("seed": 3)"), path("c.json") + ": seed: 3: expected no value here: each run of " +
                                         path("base.json") + " sets it (axes.seed)");
  EXPECT_EQ(refusal(R"("machine": {"harts": 3})"),
            path("c.json") + ": machine.harts: 3: expected no value here: each run of " + path("base.json") +
                " sets it (axes.size)");
  EXPECT_EQ(refusal(R"("machine": {"quantum_cycles": 500})"), "") << "b has it";
  EXPECT_EQ(refusal(R"("name": "mine")"), "");
}

TEST_F(Configs, LabelsAreFitForDirectoryNames) {
  const auto found = experiment(bare(R"("name": "q", "runs": [{"name": "a/b c"}])"));
  EXPECT_EQ(found.runs[0].config.name, "q-a_b_c");
}

TEST_F(Configs, IdentityFollowsContentsNotNames) {
  const std::string before = experiment(bare("")).runs[0].identity;
  EXPECT_EQ(experiment(bare(R"("name": "other", "description": "x")")).runs[0].identity, before);
  EXPECT_NE(experiment(bare(R"("seed": 2)")).runs[0].identity, before);
  write("copy/same.elf", elf(0x80000000));
  EXPECT_EQ(experiment(R"({"version": 1, "boot": {"image": "./copy/same.elf"}})").runs[0].identity, before);
  write("images/guest.elf", elf(0x80000004));
  EXPECT_NE(experiment(bare("")).runs[0].identity, before);
}

TEST_F(Configs, OnlyATargetHypervisorGetsFirmwareByItself) {
  EXPECT_EQ(experiment(bare("")).runs[0].images.firmware, "");
  EXPECT_EQ(experiment(virtualized("")).runs[0].images.firmware, "");
  EXPECT_EQ(experiment(virtualized("")).runs[0].images.hypervisor, "");
}

TEST_F(Configs, DifferencesAreListedByPath) {
  const Json before = Json::parse(R"({"a": {"b": 1, "c": 2}, "d": [1, 2]})");
  const Json after = Json::parse(R"({"a": {"b": 1, "c": 3}, "d": [1, 5], "e": true})");
  std::string text;
  for (const auto& each : differences(before, after))
    text += each.path + " " + each.before + " " + each.after + "\n";
  EXPECT_EQ(text, "a.c 2 3\nd[1] 2 5\ne - true\n");
}

TEST(Schema, KnowsRangesUnitsDefaultsAndChoices) {
  const Json schema = config_schema();
  const Json& machine = schema["properties"]["machine"]["properties"];
  EXPECT_EQ(machine["harts"]["maximum"], 64);
  EXPECT_EQ(machine["harts"]["default"], 1);
  EXPECT_EQ(machine["clock_mhz"]["description"], "hart clock, a multiple of the 10 MHz time base [MHz]");
  EXPECT_EQ(machine["mode"]["enum"], Json::parse(R"(["functional", "fast", "detailed"])"));
  EXPECT_EQ(machine["costs"]["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["vms"]["items"]["required"], Json::parse(R"(["name", "workload"])"));
}

constexpr char kFourRuns[] = R"({"version": 1, "name": "x", "boot": {"image": "./images/guest.elf"},
  "axes": {"seed": [1, 2], "machine.harts": [1, 4]}})";

TEST_F(Configs, RunsAreChosenByPatternsOfTheirLabels) {
  const auto labels = [this](const std::vector<std::string>& only) {
    const auto document = load_document(write("only.json", kFourRuns));
    std::vector<std::string> found;
    const auto experiment = expand(*document, images(), only);
    if (!experiment) return std::vector<std::string>{experiment.error().text()};
    for (const sim::Run& run : experiment->runs) found.push_back(run.label);
    return found;
  };
  EXPECT_EQ(labels({}).size(), 4u);
  EXPECT_EQ(labels({"*-4"}).size(), 2u);
  EXPECT_EQ(labels({"2-1", "1-4"}), (std::vector<std::string>{"1-4", "2-1"}));
  EXPECT_EQ(
      labels({"2-1", "9-*"}),
      std::vector<std::string>{"--only: \"9-*\": expected a run of this experiment: 1-1, 1-4, 2-1, 2-4"});
}

TEST_F(Configs, RunsThatWouldWriteOneFileAreRefused) {
  const auto expanded = [this](const std::string& observe, const std::vector<std::string>& only) {
    const auto document =
        load_document(
            write("outputs.json", R"({"version": 1, "name": "x", "boot": {"image": "./images/guest.elf"},
          "observe": {)" + observe + R"(}, "axes": {"seed": [1, 2]}})"));
    const auto experiment = expand(*document, images(), only);
    if (!experiment) return experiment.error().text();
    std::string files;
    for (const sim::Run& run : experiment->runs) {
      std::string file = run.config.observe.explain_output;
      if (const auto at = file.find(run.identity); at != std::string::npos)
        file.replace(at, run.identity.size(), "ID");
      files += file + " ";
    }
    return files;
  };
  const std::string all = R"("explain": "all", "explain_output": )";
  EXPECT_THAT(expanded(all + R"("./traps")", {}),
              AllOf(HasSubstr("observe.explain_output: \"" + path("traps")),
                    HasSubstr(": expected another file: \"1\" (observe.explain_output) writes it, too")));
  EXPECT_EQ(expanded(all + R"("./traps")", {"2"}), path("traps "));
  EXPECT_EQ(expanded(all + R"("{run}.txt")", {}), path("x-1-ID.txt ") + path("x-2-ID.txt "));
  EXPECT_EQ(expanded(all + R"("/dev/null")", {}), "/dev/null /dev/null ");
  EXPECT_EQ(expanded(R"("explain_output": "./traps")", {}), path("traps ") + path("traps "));
  EXPECT_THAT(expanded(all + R"("./traps", "trace": "all", "trace_output": "./images/../traps")", {"1"}),
              HasSubstr("observe.trace_output: "));
}

TEST_F(Configs, TheSchemaTellsWhichKeysNameFiles) {
  const Json schema = config_schema()["properties"];
  EXPECT_EQ(schema["vms"]["items"]["properties"]["workload"]["format"], "name-or-path");
  EXPECT_EQ(schema["checkpoint"]["properties"]["file"]["format"], "path");
  EXPECT_FALSE(schema["vms"]["items"]["properties"]["name"].contains("format"));
}

TEST_F(Configs, RunsThatWouldChangeOneDiskAreRefused) {
  write("disk.img", std::string(1024, 'x'));
  const auto expanded = [this](const std::string& access, const std::vector<std::string>& only) {
    const auto document = load_document(
        write("disks.json", R"({"version": 1, "name": "x", "boot": {"image": "./images/guest.elf"},
          "machine": {"devices": {"block": [{"file": "./disk.img", "access": ")" +
                                access + R"("}]}}, "axes": {"seed": [1, 2]}})"));
    const auto experiment = expand(*document, images(), only);
    return experiment ? std::to_string(experiment->runs.size()) : experiment.error().text();
  };
  EXPECT_EQ(expanded("overlay", {}), "2");
  EXPECT_EQ(expanded("read_write", {"1"}), "1");
  EXPECT_THAT(expanded("read_write", {}),
              HasSubstr("machine.devices.block[0].access: \"read_write\": expected"));
}

}  // namespace
}  // namespace hvsim::sim
