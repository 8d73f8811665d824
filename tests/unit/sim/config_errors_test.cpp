// Every class of bad input gets one line: file, path, value, expectation.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class ConfigErrors : public Scratch {};

TEST_F(ConfigErrors, GoodConfigsAreNotComplainedAbout) {
  EXPECT_EQ(complaint(bare("")), "");
  EXPECT_EQ(complaint(virtualized("")), "");
}

TEST_F(ConfigErrors, AnInterconnectThatCannotBeBuiltIsNamedWithItsKey) {
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": 2, "topology": {"kind": "mesh", "columns": 3}})")),
            "c.json: machine.topology.columns: 3: expected at most 2, the number of harts");
  EXPECT_EQ(
      complaint(bare(R"("machine": {"harts": 2, "topology": {"kind": "ring", "memory_controllers": 3}})")),
      "c.json: machine.topology.memory_controllers: 3: expected at most 2, the number of tiles");
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": 2, "topology": {"kind": "numa", "numa_nodes": 4}})")),
            "c.json: machine.topology.numa_nodes: 4: expected at most 2, the number of harts");
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": 2, "topology": {"kind": "numa"}})")), "");
}

TEST_F(ConfigErrors, MalformedJsonIsLocatedByLineAndColumn) {
  EXPECT_THAT(complaint("{\"version\": 1,\n \"machine\": }"),
              MatchesRegex("c.json: line 2, column 1[23]: malformed JSON: .*"));
  EXPECT_THAT(complaint(""), HasSubstr("malformed JSON"));
}

TEST_F(ConfigErrors, AKeyThatAppearsTwiceIsRefused) {
  EXPECT_EQ(complaint(bare(R"("seed": 1, "seed": 2)")),
            "c.json: seed: key appears twice in one object, expected once");
}

TEST_F(ConfigErrors, AFileThatIsNotThereIsNamed) {
  const auto document = load_document(path("absent.json"));
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().text(),
            path("absent.json") + ": No such file or directory: expected a readable JSON file");
}

TEST_F(ConfigErrors, ADocumentThatIsNoObjectIsRefused) {
  EXPECT_EQ(complaint("[1]"), "c.json: [1]: expected an object { }");
}

TEST_F(ConfigErrors, TheHartThatScansIsOneThatDoesNothingElse) {
  const auto with = [](const std::string& hypervisor) {
    return R"({"version": 1, "machine": {"harts": 2}, "hypervisor": {"run": "host", )" + hypervisor +
           R"(}, "vms": [{"name": "a", "workload": "guest"}]})";
  };
  EXPECT_EQ(complaint(with(R"("sharing": {"scan_hart": 1})")), "");
  EXPECT_EQ(complaint(with(R"("sharing": {"scan_hart": 2})")),
            "c.json: hypervisor.sharing.scan_hart: 2: expected less than 2, the number of harts");
  EXPECT_EQ(complaint(with(R"("delivery": "polling", "sharing": {"scan_hart": 1})")),
            "c.json: hypervisor.sharing.scan_hart: 1: expected another hart because hypervisor.delivery is "
            "\"polling\" and takes the last one");
}

TEST_F(ConfigErrors, AnUnknownKeyComesWithTheNearestKnownOne) {
  EXPECT_EQ(complaint(bare(R"("machine": {"mmu": {"dtlb": {"entires": 16}}})")),
            "c.json: machine.mmu.dtlb.entires: unknown key, did you mean \"entries\"?");
  EXPECT_EQ(complaint(bare(R"("machin": {})")), "c.json: machin: unknown key, did you mean \"machine\"?");
}

TEST_F(ConfigErrors, AnUnknownKeyFarFromAllOthersComesWithTheList) {
  EXPECT_EQ(
      complaint(bare(R"("limits": {"zzzzzzzz": 1})")),
      "c.json: limits.zzzzzzzz: unknown key, expected \"max_cycles\", \"max_instructions\", \"on_reset\" or "
      "\"watchdog_cycles\"");
}

TEST_F(ConfigErrors, AValueOfTheWrongTypeIsShown) {
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": "two"})")),
            "c.json: machine.harts: \"two\": expected a whole number from 1 to 64");
  EXPECT_EQ(complaint(bare(R"("machine": {"isa": {"h": 1}})")),
            "c.json: machine.isa.h: 1: expected true or false");
  EXPECT_EQ(complaint(bare(R"("machine": [])")), "c.json: machine: []: expected an object { }");
  EXPECT_EQ(complaint(bare(R"("name": 5)")), "c.json: name: 5: expected text in quotes");
  EXPECT_EQ(complaint(bare(R"("vms": {})")), "c.json: vms: {}: expected a list [ ]");
}

TEST_F(ConfigErrors, ZeroHartsAreTooFewAndSixtyFiveTooMany) {
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": 0})")),
            "c.json: machine.harts: 0: expected a whole number from 1 to 64");
  EXPECT_EQ(complaint(bare(R"("machine": {"harts": 65})")),
            "c.json: machine.harts: 65: expected a whole number from 1 to 64");
}

TEST_F(ConfigErrors, NumbersAreNeitherNegativeNorFractionsNorBeyondTheirType) {
  for (const char* value : {"-1", "1.5", "1e30", "18446744073709551616", "null"})
    EXPECT_THAT(complaint(bare(R"("limits": {"max_cycles": )" + std::string(value) + "}")),
                StartsWith("c.json: limits.max_cycles: "))
        << value;
  EXPECT_EQ(complaint(bare(R"("limits": {"max_cycles": 1e9})")), "");
}

TEST_F(ConfigErrors, ANumberBeyondAllTypesIsNoFault) {
  EXPECT_EQ(complaint(bare(R"("limits": {"max_cycles": 1e999})")),
            "c.json: number overflow parsing '1e999': expected a smaller number");
}

TEST_F(ConfigErrors, AChoiceIsListedAndGuessed) {
  EXPECT_EQ(complaint(bare(R"("machine": {"mode": "fsat"})")),
            "c.json: machine.mode: \"fsat\": expected \"functional\", \"fast\" or \"detailed\", did you mean "
            "\"fast\"?");
}

TEST_F(ConfigErrors, ImpossibleCacheGeometryIsExplained) {
  EXPECT_THAT(complaint(bare(R"("machine": {"caches": {"l1d": {"size_bytes": 30000}}})")),
              StartsWith("c.json: machine.caches.l1d.size_bytes: 30000 is not"));
  EXPECT_EQ(complaint(bare(R"("machine": {"caches": {"l1d": {"line_bytes": 48}}})")),
            "c.json: machine.caches.l1d.line_bytes: 48: expected a power of two from 16 bytes to 256 bytes "
            "(bytes, or text such as \"64MiB\")");
  EXPECT_THAT(complaint(bare(R"("machine": {"caches": {"l1d": {"ways": 0}}})")),
              StartsWith("c.json: machine.caches.l1d.ways: 0: expected"));
}

TEST_F(ConfigErrors, ImpossibleTlbsAndPredictorsAreExplained) {
  EXPECT_THAT(complaint(bare(R"("machine": {"mmu": {"dtlb": {"entries": 15, "ways": 4}}})")),
              StartsWith("c.json: machine.mmu"));
  EXPECT_THAT(complaint(bare(R"("machine": {"branch_predictor": {"bht_entries": 100}})")),
              StartsWith("c.json: machine.branch_predictor.bht_entries: 100: expected a power of two"));
}

TEST_F(ConfigErrors, MemoryIsNeitherTooSmallNorTooLarge) {
  EXPECT_EQ(complaint(bare(R"("machine": {"memory_bytes": 4096})")),
            "c.json: machine.memory_bytes: 4096: expected a whole number from 1 MiB to 64 GiB "
            "(bytes, or text such as \"64MiB\")");
  EXPECT_THAT(complaint(bare(R"("machine": {"memory_bytes": "99999GiB"})")),
              StartsWith("c.json: machine.memory_bytes: \"99999GiB\": expected"));
  EXPECT_THAT(complaint(bare(R"("machine": {"memory_bytes": "64 megs"})")),
              StartsWith("c.json: machine.memory_bytes: \"64 megs\": expected"));
}

TEST_F(ConfigErrors, VmsMustFitIntoTheMachine) {
  EXPECT_EQ(complaint(virtualized(R"("machine": {"harts": 2, "memory_bytes": "24MiB"})")),
            "c.json: machine: key appears twice in one object, expected once");
  const std::string vms = R"("vms": [{"name": "a", "workload": "guest", "memory_bytes": "256MiB"}])";
  EXPECT_EQ(complaint(R"({"version": 1, "hypervisor": {"run": "host"}, )" + vms + "}"),
            "c.json: vms[0].memory_bytes: 256 MiB: expected at most 240 MiB, which is left of "
            "machine.memory_bytes, "
            "256 MiB, by the hypervisor (16 MiB) and the VMs before it; 272 MiB would do for all");
}

TEST_F(ConfigErrors, PinningStaysInsideTheMachine) {
  EXPECT_EQ(complaint(R"({"version": 1, "machine": {"harts": 2}, "hypervisor": {"run": "host"}, "vms": [
              {"name": "a", "workload": "guest", "harts": [0, 2]}]})"),
            "c.json: vms[0].harts[1]: 2: expected less than 2, the number of harts");
}

TEST_F(ConfigErrors, VmNamesAreUniqueAndPlain) {
  EXPECT_EQ(complaint(R"({"version": 1, "hypervisor": {"run": "host"}, "vms": [
              {"name": "a", "workload": "guest"}, {"name": "a", "workload": "guest"}]})"),
            "c.json: vms[1].name: \"a\": expected a name that no other VM has");
  EXPECT_THAT(complaint(R"({"version": 1, "hypervisor": {"run": "host"}, "vms": [
              {"name": "../a", "workload": "guest"}]})"),
              StartsWith("c.json: vms[0].name: \"../a\": expected a name of at most 31 letters"));
}

TEST_F(ConfigErrors, WhatTheHypervisorCannotHoldIsFoundBeforeItBoots) {
  const auto with = [this](const std::string& vms) {
    return complaint(
        R"({"version": 1, "machine": {"memory_bytes": "8GiB"}, "hypervisor": {"run": "host"}, "vms": [)" +
        vms + "]}");
  };
  EXPECT_EQ(
      with(R"({"name": "hv", "workload": "guest"})"),
      "c.json: vms[0].name: \"hv\": expected another name: that one is the hypervisor's own on the console");
  EXPECT_EQ(with(R"({"name": "a", "workload": "guest", "memory_bytes": "6GiB"})"),
            "c.json: vms: 6 GiB of VM memory: expected at most 4 GiB, what the hypervisor can manage");
  std::string many;
  for (unsigned vm = 0; vm < 33; ++vm)
    many += std::string(many.empty() ? "" : ", ") + R"({"name": "vm)" + std::to_string(vm) +
            R"(", "workload": "guest", "memory_bytes": "2MiB", "vcpus": 8})";
  EXPECT_EQ(with(many), "c.json: vms: 264 VCPUs: expected at most 256 in all VMs together");
}

TEST_F(ConfigErrors, RequiredKeysAreAskedFor) {
  EXPECT_EQ(complaint(R"({"boot": {"image": "guest"}})"),
            "c.json: version: missing: expected: 1, the version of this format");
  EXPECT_THAT(complaint(R"({"version": 1, "hypervisor": {"run": "host"}, "vms": [{"name": "a"}]})"),
              StartsWith("c.json: vms[0].workload: missing"));
  EXPECT_EQ(complaint(R"({"version": 1})"),
            "c.json: boot.image: missing: expected an ELF or a Linux kernel to boot because hypervisor.run "
            "is \"none\"");
  EXPECT_EQ(complaint(R"({"version": 1, "hypervisor": {"run": "host"}})"),
            "c.json: vms: no elements: expected at least one VM because a hypervisor runs");
}

TEST_F(ConfigErrors, AnotherVersionIsRefused) {
  EXPECT_EQ(complaint(R"({"version": 2, "boot": {"image": "guest"}})"), "c.json: version: 2: expected 1");
}

TEST_F(ConfigErrors, ArgumentsAreWordsForTheGuest) {
  const auto with = [](const std::string& arguments) {
    return R"({"version": 1, "hypervisor": {"run": "host"}, "vms": [{"name": "a", "workload": "guest", )"
           R"("arguments": )" +
           arguments + "}]}";
  };
  EXPECT_EQ(complaint(with(R"({"calls": 1000, "mode": "x"})")), "");
  EXPECT_THAT(complaint(with(R"({"calls": "1 2"})")),
              StartsWith("c.json: vms[0].arguments.calls: \"1 2\": "));
  EXPECT_THAT(complaint(with(R"({"calls": []})")),
              StartsWith("c.json: vms[0].arguments.calls: []: expected"));
  EXPECT_THAT(complaint(with(R"({"a": ")" + std::string(600, 'x') + "\"}")),
              EndsWith("characters: expected at most 511"));
}

TEST_F(ConfigErrors, AMissingImageIsNamedAndAWorkloadGuessed) {
  EXPECT_EQ(complaint(R"({"version": 1, "boot": {"image": "guets"}})"),
            "c.json: boot.image: \"guets\": no image of that name, did you mean \"guest\"?");
  EXPECT_EQ(complaint(R"({"version": 1, "boot": {"image": "./absent.elf"}})"),
            "c.json: boot.image: \"" + path("absent.elf") +
                "\": No such file or directory, expected a readable file");
}

TEST_F(ConfigErrors, ATruncatedImageIsRefused) {
  write("short.elf", elf(0x80000000).substr(0, 100));
  EXPECT_THAT(complaint(R"({"version": 1, "boot": {"image": "./short.elf"}})"), HasSubstr("truncated"));
}

TEST_F(ConfigErrors, AnImageForAnotherArchitectureIsRefused) {
  write("x86.elf", elf(0x80000000, EM_X86_64));
  EXPECT_THAT(complaint(R"({"version": 1, "boot": {"image": "./x86.elf"}})"), HasSubstr("62"));
}

TEST_F(ConfigErrors, AFileThatIsNoElfIsRefused) {
  write("text.elf", "hello");
  EXPECT_THAT(complaint(R"({"version": 1, "boot": {"image": "./text.elf"}})"), HasSubstr("ELF"));
}

TEST_F(ConfigErrors, AnImageOutsideRamIsRefused) {
  write("low.elf", elf(0x1000));
  EXPECT_EQ(complaint(R"({"version": 1, "boot": {"image": "./low.elf"}})"),
            "c.json: boot.image: \"" + path("low.elf") +
                "\": segment at 0x1000..0x1007, expected inside RAM 0x80000000..0x8fffffff");
}

TEST_F(ConfigErrors, AnImageOutsideItsVmIsRefused) {
  write("high.elf", elf(0x90000000));
  EXPECT_THAT(complaint(R"({"version": 1, "hypervisor": {"run": "host"}, "vms": [
              {"name": "a", "workload": "./high.elf"}]})"),
              HasSubstr("expected inside the VM's memory"));
}

TEST_F(ConfigErrors, CirclesOfExtendsEnd) {
  write("b.json", R"({"extends": "c.json"})");
  EXPECT_EQ(complaint(R"({"extends": "b.json"})"),
            path("b.json").substr(directory_.string().size() + 1) +
                ": extends: \"c.json\": expected no circle: that file extends this one");
  EXPECT_THAT(complaint(R"({"extends": "c.json"})"), HasSubstr("expected no circle"));
}

TEST_F(ConfigErrors, ABaseThatIsNotThereIsNamed) {
  EXPECT_THAT(complaint(R"({"extends": "absent.json"})"),
              StartsWith("c.json: extends: \"absent.json\": no such file, expected at "));
  EXPECT_THAT(complaint(R"({"extends": 1})"), StartsWith("c.json: extends: 1: expected the path"));
}

TEST_F(ConfigErrors, AMistakeInTheBaseNamesTheBase) {
  write("base.json", R"({"version": 1, "boot": {"image": "guest"}, "machine": {"harts": 99}})");
  EXPECT_EQ(complaint(R"({"extends": "base.json", "seed": 3})"),
            "base.json: machine.harts: 99: expected a whole number from 1 to 64");
}

TEST_F(ConfigErrors, AMistakeInOneVariantSaysInWhich) {
  EXPECT_EQ(complaint(bare(R"("runs": [{"name": "x", "seed": 1}, {"name": "y", "machine": {"harts": 0}}])")),
            "c.json: machine.harts: 0: expected a whole number from 1 to 64 (in run \"y\")");
}

TEST_F(ConfigErrors, VariantsNeedNamesOfTheirOwn) {
  EXPECT_THAT(complaint(bare(R"("runs": [{"seed": 1}])")), StartsWith("c.json: runs[0].name: missing"));
  EXPECT_THAT(complaint(bare(R"("runs": [{"name": "x"}, {"name": "x"}])")),
              HasSubstr("no other variant has"));
  EXPECT_THAT(complaint(bare(R"("runs": [])")), StartsWith("c.json: runs: []: expected a list"));
  EXPECT_THAT(complaint(bare(R"("axes": {"seed": []})")), StartsWith("c.json: axes.seed: []: expected"));
  EXPECT_THAT(complaint(bare(R"("runs": [{"name": "x"}], "axes": {"seed": [1]})")), HasSubstr("not both"));
}

TEST_F(ConfigErrors, NamesOfRunsHaveABound) {
  EXPECT_THAT(complaint(bare(R"("runs": [{"name": ")" + std::string(130, 'x') + "\"}]")),
              EndsWith("expected at most 120 characters with the names of its variants"));
}

TEST_F(ConfigErrors, AMissingFirmwareFileIsNamed) {
  EXPECT_THAT(complaint(R"({"version": 1, "boot": {"image": "guest", "firmware": "./fw.bin"}})"),
              HasSubstr("fw.bin\": No such file or directory, expected a readable file"));
  EXPECT_THAT(complaint(R"({"version": 1, "boot": {"image": "guest", "firmware": "openbsi"}})"),
              StartsWith("c.json: boot.firmware: \"openbsi\": expected"));
}

}  // namespace
}  // namespace hvsim::sim
