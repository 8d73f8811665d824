// The sources keep the invariants, and a violation planted in a fixture is found.
#include "tests/architecture/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hvsim::architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<Source>& project() {
  static const std::vector<Source> sources =
      read_sources(HVSIM_SOURCE_DIR, {"models", "sim", "hypervisor", "workloads", "python", "tests"});
  return sources;
}

TEST(Architecture, ReadsTheProjectsSources) {
  EXPECT_GT(project().size(), 30u);
  const IncludeGraph graph = include_graph(project());
  ASSERT_TRUE(graph.contains("models/mmu/tlb.h"));
  EXPECT_TRUE(system_headers_reached(graph, "models/mmu/tlb.h").contains("cstdint"));
}

TEST(Architecture, HypervisorIsFreestandingAndIncludesOnlyItselfAndTheIsa) {
  EXPECT_THAT(hypervisor_violations(project()), IsEmpty());
}

TEST(Architecture, OnlyShellsReachSystemC) { EXPECT_THAT(systemc_violations(project()), IsEmpty()); }

TEST(Architecture, IncludesPointDownOnly) { EXPECT_THAT(direction_violations(project()), IsEmpty()); }

TEST(Architecture, SemanticsAndTranslationKnowNoTime) { EXPECT_THAT(time_violations(project()), IsEmpty()); }

TEST(Architecture, QuotedIncludesStartAtTheRoot) {
  EXPECT_THAT(include_style_violations(project()), IsEmpty());
}

// Planted violations: a checker that cannot fail proves nothing.

TEST(ArchitectureChecker, FindsAModelThatTheHypervisorIncludes) {
  EXPECT_THAT(hypervisor_violations({{"hypervisor/vm.cpp", "\n#include \"models/mem/bus.h\"\n"}}),
              ElementsAre(HasSubstr("hypervisor/vm.cpp:2: ")));
}

TEST(ArchitectureChecker, FindsAHostedHeaderInTheHypervisor) {
  EXPECT_THAT(hypervisor_violations({{"hypervisor/vm.h", "#include <vector>\n#include <array>\n"}}),
              ElementsAre(HasSubstr("not vector")));
}

TEST(ArchitectureChecker, FindsExceptionsAndFloatingPointInTheHypervisor) {
  EXPECT_THAT(hypervisor_violations({{"hypervisor/vm.cpp", "void f() { throw 1; }\ndouble x;\n"}}),
              SizeIs(2));
}

TEST(ArchitectureChecker, AllowsTheHypervisorTheIsaAndItself) {
  const std::string text =
      "#include \"models/cpu/isa/csr.h\"\n#include \"hypervisor/vm.h\"\n#include <optional>\n// never "
      "throw\n";
  EXPECT_THAT(hypervisor_violations({{"hypervisor/vm.cpp", text}}), IsEmpty());
}

TEST(ArchitectureChecker, LetsTheHostPortUseTheHostedLibraryButNeitherModelsNorSystemC) {
  const std::string path = "hypervisor/arch/host/host_hypervisor.h";
  EXPECT_THAT(hypervisor_violations({{path, "#include <string>\nstd::string text();\n"}}), IsEmpty());
  EXPECT_THAT(hypervisor_violations({{path, "#include \"models/mem/bus.h\"\n"}}), SizeIs(1));
  EXPECT_THAT(hypervisor_violations({{path, "#include <systemc>\n"}}), SizeIs(1));
}

TEST(ArchitectureChecker, FindsSystemCOutsideAShell) {
  EXPECT_THAT(systemc_violations({{"models/mem/bus.cpp", "#include <systemc>\n"}}), SizeIs(1));
  EXPECT_THAT(systemc_violations({{"sim/machine.h", "#include <tlm_utils/simple_target_socket.h>\n"}}),
              SizeIs(1));
}

TEST(ArchitectureChecker, FindsSystemCReachedThroughAShellsHeader) {
  EXPECT_THAT(systemc_violations({{"sim/config.cpp", "#include \"sim/machine_module.h\"\n"},
                                  {"sim/machine_module.h", "#include <systemc>\n"}}),
              ElementsAre(HasSubstr("sim/config.cpp: reaches <systemc>")));
}

TEST(ArchitectureChecker, AllowsSystemCInShells) {
  EXPECT_THAT(systemc_violations({{"models/cpu/hart_module.h", "#include <systemc>\n"},
                                  {"sim/simulation.cpp", "#include <systemc>\n"},
                                  {"sim/main.cpp", "# include <systemc>\n"}}),
              IsEmpty());
}

TEST(ArchitectureChecker, FindsAModelThatIncludesUpwards) {
  EXPECT_THAT(direction_violations({{"models/cpu/hart.cpp", "#include \"sim/config.h\"\n"}}), SizeIs(1));
  EXPECT_THAT(direction_violations({{"models/cpu/hart.cpp", "#include \"hypervisor/vm.h\"\n"}}), SizeIs(1));
}

TEST(ArchitectureChecker, FindsALowerModelThatIncludesTheCpu) {
  for (const char* folder : {"mmu", "mem", "irq", "device"}) {
    const std::string path = std::string("models/") + folder + "/part.h";
    EXPECT_THAT(direction_violations({{path, "#include \"models/cpu/hart_state.h\"\n"}}), SizeIs(1)) << path;
    EXPECT_THAT(direction_violations({{path, "#include \"models/cpu/isa/types.h\"\n"}}), IsEmpty()) << path;
  }
}

TEST(ArchitectureChecker, FindsAGuestThatKnowsTheHypervisorsInside) {
  EXPECT_THAT(
      direction_violations({{"workloads/storm.cpp",
                             "#include \"hypervisor/abi/hypercall.h\"\n#include \"hypervisor/vm.h\"\n"}}),
      ElementsAre(HasSubstr("workloads/storm.cpp:2: ")));
}

TEST(ArchitectureChecker, FindsTimeInSemantics) {
  EXPECT_THAT(time_violations({{"models/cpu/execute_integer.h", "Cycles cost = 3;\n"}}), SizeIs(1));
  EXPECT_THAT(time_violations({{"models/mmu/walk.cpp", "int walk_latency, latency;\n"}}), SizeIs(1));
  EXPECT_THAT(time_violations({{"models/mmu/walk_caches.h", "Cycles hit_latency;\n"}}), SizeIs(1));
  EXPECT_THAT(time_violations({{"models/cpu/timing.h", "Cycles cost = 3;\n"}}), IsEmpty());
}

TEST(ArchitectureChecker, FindsIncludesThatDoNotStartAtTheRoot) {
  EXPECT_THAT(
      include_style_violations({{"models/mmu/walk.cpp", "#include \"mmu.h\"\n"}, {"models/mmu/mmu.h", ""}}),
      ElementsAre(HasSubstr("\"mmu.h\" is not a file")));
}

TEST(ArchitectureChecker, IgnoresIncludesAndWordsInComments) {
  const std::string text = "/* #include <systemc>\n */ // #include <systemc>\nconst char* s = \"throw\";\n";
  EXPECT_THAT(includes_of(text), IsEmpty());
  EXPECT_THAT(hypervisor_violations({{"hypervisor/vm.cpp", text}}), IsEmpty());
}

}  // namespace
}  // namespace hvsim::architecture
