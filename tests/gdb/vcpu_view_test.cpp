// Sessions of gdb-multiarch in which threads are VCPUs, with the hypervisor on target and on the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gdb/debuggee.h"

namespace hvsim::gdb {
namespace {

using testing::HasSubstr;
using testing::Not;
using Commands = std::vector<std::string>;

class VcpuView : public testing::TestWithParam<const char*> {
 protected:
  // Both on one hart, so that one always waits.
  Json config(const Json& vms) const {
    return {{"version", 1},
            {"name", "gdb"},
            {"machine", {{"harts", 2}, {"memory_bytes", "64MiB"}}},
            {"hypervisor", {{"run", GetParam()}, {"time_slice_us", 200}}},
            {"vms", vms},
            {"limits", {{"max_cycles", 100'000'000'000}}}};
  }
  static Json vm(const char* name, const char* workload) {
    Json vm{{"name", name}, {"workload", workload}, {"memory_bytes", "8MiB"}, {"harts", {1}}};
    if (std::string(workload) == "hypercall_storm") vm["arguments"] = {{"iterations", 100'000'000}};
    return vm;
  }
  std::string debug(const Json& vms, const std::string& program, const Commands& commands) {
    Debuggee machine(Debuggee::Kind::simulator, config(vms), {"--gdb-view=vcpus"});
    return Gdb(machine, commands, image(program)).finish();
  }
};

TEST_P(VcpuView, BeginsWhereTheFirstGuestDoesAndListsEveryVcpu) {
  const std::string said = debug({vm("a", "hello"), vm("b", "hello")}, "hello",
                                 {"info threads", show("pc", "$pc"), show("satp", "$satp"), "thread 2",
                                  show("other pc", "$pc"), show("other satp", "$satp"), "kill"});
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Thread 1 (VM a, VCPU 0: runs on hart 1, VS-mode)"));
  EXPECT_THAT(said, HasSubstr("Thread 2 (VM b, VCPU 0: waits for a hart)"));
  EXPECT_EQ(seen.at("pc"), 0x8000'0000u) << said;
  EXPECT_EQ(seen["other pc"], 0x8000'0000u);
  EXPECT_EQ(seen["satp"], 0u);
}

// The VMs have the same addresses, and so has the firmware.
TEST_P(VcpuView, ABreakpointStopsTheVmThatIsMeant) {
  const std::string said =
      debug({vm("a", "hello"), vm("b", "hello")}, "hello",
            {"monitor only b", "tbreak guest::workload_main", "continue", "info threads",
             show("virt", "$virt"), show("satp", "$satp"), show("vsatp", "$vsatp"), "monitor only all",
             "break guest::hypercall::power_off thread 1", "continue", "info threads", "kill"});
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Thread 2 hit Temporary breakpoint 1, guest::workload_main")) << said;
  EXPECT_EQ(seen["virt"], 1u);
  EXPECT_EQ(seen["satp"], seen["vsatp"]) << "a guest's own name";
  EXPECT_EQ(seen["satp"] >> 60, 8u) << "Sv39";
  EXPECT_THAT(said, HasSubstr("Thread 1 hit Breakpoint 2, guest::hypercall::power_off"));
}

TEST_P(VcpuView, RegistersAndMemoryOfAVcpuThatWaitsAreReadAndWritten) {
  const std::string far = "*(unsigned long*)0x80200000";
  const std::string said =
      debug({vm("a", "hello"), vm("b", "hello")}, "hello",
            {"tbreak guest::workload_main thread 2", "continue", "thread 1", "info threads",
             show("satp", "$satp"), "set $s11 = 0x1122334455667788", show("written", "$s11"),
             "set var " + far + " = 0x99aabbccddeeff00", show("code", "*(unsigned int*)$pc"),
             show("before", "$pc"), "stepi", "info threads", show("running", "$s11"), show("word", far),
             show("after", "$pc"), "thread 2", show("other again", far), "kill"});
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Thread 1 (VM a, VCPU 0: waits for a hart)")) << said;
  EXPECT_EQ(seen["satp"] >> 60, 8u) << "Sv39\n" << said;
  EXPECT_EQ(seen["written"], 0x1122'3344'5566'7788u);
  EXPECT_NE(seen["code"], 0u);
  EXPECT_THAT(said, HasSubstr("Thread 1 (VM a, VCPU 0: runs on hart 1, VS-mode)")) << said;
  EXPECT_EQ(seen["running"], 0x1122'3344'5566'7788u) << "the hypervisor has loaded what was written";
  EXPECT_EQ(seen["word"], 0x99AA'BBCC'DDEE'FF00u);
  EXPECT_NE(seen["after"], seen["before"]);
  EXPECT_NE(seen["other again"], seen["word"]) << "the other VM's memory is its own";
}

TEST_P(VcpuView, AStepOverAnExitEndsBehindIt) {
  const std::string said =
      debug({vm("a", "hello"), vm("b", "hypercall_storm")}, "hello",
            Commands{"tbreak guest::hypercall::vm_info thread 1", "continue"} + step_to("0x00000073") +
                Commands{show("ecall", "$pc"), "stepi", show("back", "$pc"), show("virt", "$virt"),
                         show("error", "$a0"), "info threads", "kill"});
  auto seen = values(said);
  EXPECT_EQ(seen.at("back"), seen.at("ecall") + 4) << said;
  EXPECT_EQ(seen["virt"], 1u);
  EXPECT_EQ(seen["error"], 0u) << "SBI_SUCCESS";
  EXPECT_THAT(said, HasSubstr("* 1    Thread 1 (VM a, VCPU 0: runs on hart 1, VS-mode)"));
}

// GDB takes a breakpoint's instruction out of the way by a breakpoint behind it, and lets that thread alone
// go: the other, which comes to either, must not stop.
TEST_P(VcpuView, AVcpuThatWasNotLetGoPassesBreakpoints) {
  Debuggee machine(Debuggee::Kind::simulator,
                   {{"version", 1}, {"extends", HVSIM_SOURCE "/configs/quickstart.json"}},
                   {"--gdb-view=vcpus", std::string("--only=") + GetParam() + "-dlh-8"});
  const std::string said =
      Gdb(machine,
          Commands{"set osabi GNU/Linux", "break guest::workload_main", "continue", show("first", "$pc"),
                   "stepi", show("second", "$pc"), "next", show("third", "$pc"), "info threads", "kill"},
          image("hypercall_storm"))
          .finish();
  auto seen = values(said);
  EXPECT_THAT(said, Not(HasSubstr("internal-error"))) << said;
  EXPECT_NE(seen.at("second"), seen.at("first")) << said;
  EXPECT_NE(seen.at("third"), seen.at("second")) << said;
}

TEST_P(VcpuView, AWatchpointStopsWhereOneOfThemWrites) {
  const std::string variable = "*(unsigned long*)&'(anonymous namespace)::fault_address'";
  const std::string said =
      debug({vm("a", "hello"), vm("b", "hello")}, "hello",
            {"monitor only b", "tbreak guest::workload_main", "continue", "watch " + variable, "continue",
             show("value", variable), show("stval", "$stval"), "info threads", "kill"});
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Thread 2 hit Hardware watchpoint 2")) << said;
  EXPECT_NE(seen["value"], 0u);
  EXPECT_EQ(seen["value"], seen["stval"]) << "the guest's own";
}

TEST_P(VcpuView, TheRunEndsAsItDoesWithoutADebugger) {
  Debuggee machine(Debuggee::Kind::simulator, config(Json::array({vm("a", "hello")})), {"--gdb-view=vcpus"});
  const std::string said = Gdb(machine, {"continue"}, image("hello")).finish();
  EXPECT_THAT(said, HasSubstr("exited normally"));
  EXPECT_EQ(machine.wait(), 0) << machine.output();
  EXPECT_THAT(machine.output(), Not(HasSubstr("-debugged")));
}

INSTANTIATE_TEST_SUITE_P(Ports, VcpuView, testing::Values("target", "host"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace hvsim::gdb
