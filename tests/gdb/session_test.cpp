// Sessions of gdb-multiarch with the hypervisor and its guests, on the machine and on QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/gdb/debuggee.h"

namespace hvsim::gdb {
namespace {

using testing::HasSubstr;
using Commands = std::vector<std::string>;

Json config(unsigned harts, const Json& vm) {
  return {{"version", 1},
          {"name", "gdb"},
          {"machine", {{"harts", harts}, {"memory_bytes", "64MiB"}}},
          {"hypervisor", {{"run", "target"}}},
          {"vms", Json::array({vm})},
          {"limits", {{"max_cycles", 100'000'000'000}}}};
}

// The last hart's: the others have nothing to do.
Json hello(unsigned harts) {
  return config(harts,
                {{"name", "hello"}, {"workload", "hello"}, {"memory_bytes", "8MiB"}, {"harts", {harts - 1}}});
}

// Longer than anybody waits.
Json endless() {
  return config(2, {{"name", "storm"},
                    {"workload", "hypercall_storm"},
                    {"memory_bytes", "4MiB"},
                    {"harts", {1}},
                    {"arguments", {{"iterations", 100'000'000}}}});
}

// Firmware and guests have the same addresses: guests' breakpoints come after the firmware, and only count
// while V is 1.
Commands to_guest(const std::string& function, const std::string& condition = " if $virt == 1") {
  return {"break riscv_enter_guest",        "continue", "delete", "add-symbol-file " + image("hello"),
          "tbreak " + function + condition, "continue"};
}

Commands registers_of_both_stages() {
  Commands commands;
  for (const char* name :
       {"pc",         "priv",       "sstatus", "stvec",     "sscratch", "sepc",     "scause",  "stval",
        "satp",       "sie",        "hstatus", "hedeleg",   "hideleg",  "hie",      "hip",     "hvip",
        "hcounteren", "htimedelta", "hgatp",   "htval",     "htinst",   "vsstatus", "vsatp",   "vstvec",
        "vsepc",      "vscause",    "vstval",  "vsscratch", "vsie",     "vsip",     "medeleg", "mtvec"})
    commands.push_back(show(name, std::string("$") + name));
  for (unsigned i = 0; i < 32; ++i)
    commands.push_back(show("x" + std::to_string(i), "$x" + std::to_string(i)));
  return commands;
}

TEST(GdbSession, BreaksInTheHypervisorAndInItsGuest) {
  Debuggee machine(Debuggee::Kind::simulator, hello(2));
  const std::string said =
      Gdb(machine,
          Commands{"break riscv_enter_guest", "continue", show("hypervisor virt", "$virt"),
                   show("hypervisor priv", "$priv"), "info threads", "thread 1",
                   show("sleeper tp", "$_thread"), "thread 2", "delete", "add-symbol-file " + image("hello"),
                   "tbreak guest::workload_main if $virt == 1", "continue", show("guest virt", "$virt"),
                   show("guest priv", "$priv"), "info threads", "bt 1", "kill"})
          .finish();
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Breakpoint 1, riscv_enter_guest"));
  EXPECT_EQ(seen["hypervisor virt"], 0u) << said;
  EXPECT_EQ(seen["hypervisor priv"], 1u);
  EXPECT_THAT(said, HasSubstr("(hart 0, HS-mode, asleep in WFI)"));
  EXPECT_EQ(seen["sleeper tp"], 1u);
  EXPECT_THAT(said, HasSubstr("guest::workload_main"));
  EXPECT_EQ(seen["guest virt"], 1u);
  EXPECT_EQ(seen["guest priv"], 1u);
  EXPECT_THAT(said, HasSubstr("(hart 1, VS-mode, VM hello, VCPU 0)"));
  EXPECT_EQ(machine.wait(), 4) << machine.output();
}

TEST(GdbSession, AWatchpointStopsWhereTheGuestWrites) {
  Debuggee machine(Debuggee::Kind::simulator, hello(1));
  const std::string variable = "'(anonymous namespace)::fault_address'";
  const std::string said = Gdb(machine, to_guest("guest::workload_main") +
                                            Commands{"watch *(unsigned long*)&" + variable, "continue",
                                                     "bt 1", show("virt", "$virt"), show("stval", "$vstval"),
                                                     show("value", "*(unsigned long*)&" + variable), "kill"})
                               .finish();
  auto seen = values(said);
  EXPECT_THAT(said, HasSubstr("Hardware watchpoint 3"));
  EXPECT_THAT(said, HasSubstr("Old value = 0"));
  EXPECT_EQ(seen["virt"], 1u) << said;
  EXPECT_EQ(seen["value"], seen["stval"]) << said;
  EXPECT_NE(seen["value"], 0u);
}

TEST(GdbSession, StepsGoIntoTheHypervisorByEcallAndBackBySret) {
  Debuggee machine(Debuggee::Kind::simulator, hello(2));
  const std::string said =
      Gdb(machine,
          to_guest("guest::hypercall::vm_info") + step_to("0x00000073") +
              Commands{show("ecall", "$pc"), "stepi", show("trap", "$pc"), show("riscv_trap", "&riscv_trap"),
                       show("trap virt", "$virt"), show("scause", "$scause"), show("sepc", "$sepc"),
                       show("spv", "($hstatus >> 7) & 1")} +
              step_to("0x10200073") +
              Commands{show("sret virt", "$virt"), "stepi", show("back", "$pc"), show("back virt", "$virt"),
                       "kill"})
          .finish();
  auto seen = values(said);
  EXPECT_EQ(seen["trap"], seen["riscv_trap"]) << said;
  EXPECT_EQ(seen["trap virt"], 0u);
  EXPECT_EQ(seen["scause"], 10u) << "an environment call from VS-mode";
  EXPECT_EQ(seen["sepc"], seen["ecall"]);
  EXPECT_EQ(seen["spv"], 1u);
  EXPECT_EQ(seen["sret virt"], 0u) << said;
  EXPECT_EQ(seen["back"], seen["ecall"] + 4) << said;
  EXPECT_EQ(seen["back virt"], 1u);
}

// There is no code to step through: the trap is one step, all that the hypervisor does is the next.
TEST(GdbSession, AStepGoesOverAHypervisorThatRunsOnTheHost) {
  Json on_host = hello(1);
  on_host["hypervisor"]["run"] = "host";
  Debuggee machine(Debuggee::Kind::simulator, on_host);
  const std::string said =
      Gdb(machine,
          Commands{"add-symbol-file " + image("hello"), "tbreak guest::hypercall::vm_info", "continue"} +
              step_to("0x00000073") +
              Commands{show("ecall", "$pc"), "stepi", show("trap virt", "$virt"), show("scause", "$scause"),
                       show("sepc", "$sepc"), "stepi", show("back", "$pc"), show("back virt", "$virt"),
                       show("error", "$a0"), "continue"})
          .finish();
  auto seen = values(said);
  EXPECT_EQ(seen.at("trap virt"), 0u) << said;
  EXPECT_EQ(seen["scause"], 10u) << "an environment call from VS-mode";
  EXPECT_EQ(seen["sepc"], seen["ecall"]);
  EXPECT_EQ(seen["back"], seen["ecall"] + 4) << said;
  EXPECT_EQ(seen["back virt"], 1u);
  EXPECT_EQ(seen["error"], 0u) << "SBI_SUCCESS";
  EXPECT_THAT(said, HasSubstr("exited normally"));
  EXPECT_EQ(machine.wait(), 0) << machine.output();
}

TEST(GdbSession, AGuestsMemoryIsWrittenThroughItsPageTables) {
  Debuggee machine(Debuggee::Kind::simulator, hello(1));
  const std::string word = "*(unsigned long*)&'(anonymous namespace)::events_seen'";
  const std::string said =
      Gdb(machine, to_guest("guest::workload_main") +
                       Commands{"set var " + word + " = 0x1122334455667788", show("read back", word),
                                "monitor translate 0x80003000",
                                show("satp mode", "(unsigned long)$vsatp >> 60"), "kill"})
          .finish();
  auto seen = values(said);
  EXPECT_EQ(seen["read back"], 0x1122'3344'5566'7788u) << said;
  EXPECT_EQ(seen["satp mode"], 8u) << "Sv39";
  EXPECT_THAT(said, HasSubstr("0x80003000 -> guest-physical 0x80003000 -> physical 0x"));
}

TEST(GdbSession, CsrsOfBothStagesAreReadAndWritten) {
  Debuggee machine(Debuggee::Kind::simulator, hello(1));
  const std::string said =
      Gdb(machine,
          to_guest("guest_entry") +
              Commands{show("vtvm before", "($hstatus >> 20) & 1"), "set $hstatus = $hstatus | (1 << 20)",
                       show("vtvm", "($hstatus >> 20) & 1"), "set $vsstatus = $vsstatus | 0x100",
                       show("vspp", "($vsstatus >> 8) & 1"), "set $vsepc = 0x80001235",
                       show("vsepc", "$vsepc"), "set $sepc = 0x4567", show("sepc", "$sepc"),
                       show("vsepc again", "$vsepc"), "set $a0 = 0x123456789abcdef0", show("a0", "$a0"),
                       show("gone", "*(unsigned int*)0x80000000"), "kill"})
          .finish();
  auto seen = values(said);
  EXPECT_EQ(seen.at("vtvm before"), 0u) << said;
  EXPECT_EQ(seen["vtvm"], 1u) << said;
  EXPECT_EQ(seen["vspp"], 1u) << said;
  EXPECT_EQ(seen["vsepc"], 0x8000'1234u) << "the lowest bit of xepc is always zero";
  EXPECT_EQ(seen["sepc"], 0x4566u) << "a name stands for one register, whatever V is";
  EXPECT_EQ(seen["vsepc again"], 0x8000'1234u);
  EXPECT_EQ(seen["a0"], 0x1234'5678'9ABC'DEF0u);
}

// Ctrl-C one debugger, detach; another comes to the running machine and kills it.
TEST(GdbSession, CtrlCStopsAndAnotherDebuggerComesLater) {
  Debuggee machine(Debuggee::Kind::simulator, endless());
  Gdb first(machine, {"echo going on\\n", "continue", "info threads", "detach"});
  ASSERT_TRUE(first.process().says("going on")) << first.finish();
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  first.process().interrupt();
  const std::string said = first.finish();
  EXPECT_THAT(said, HasSubstr("received signal SIGINT"));
  EXPECT_THAT(said, HasSubstr("Thread 2 (hart 1, "));
  EXPECT_THAT(said, HasSubstr("detached"));
  const std::string then =
      Gdb(machine, {show("pc", "$pc"), "break riscv_trap", "continue", show("trap", "$pc"), "kill"}).finish();
  EXPECT_NE(values(then)["pc"], 0x1000u) << "the reset vector: the run did not go on\n" << then;
  EXPECT_THAT(then, HasSubstr("Breakpoint 1, riscv_trap"));
  EXPECT_EQ(machine.wait(), 4) << machine.output();
}

// Where the guest first needs the hypervisor: its own registers, and all that the trap has written.
TEST(GdbSession, TheSameImageHasTheSameRegistersOnQemu) {
  const Commands commands = Commands{"break riscv_trap if (long)$scause > 0", "continue"} +
                            registers_of_both_stages() + Commands{"kill"};
  Debuggee machine(Debuggee::Kind::simulator, hello(1));
  Debuggee qemu(Debuggee::Kind::qemu, hello(1));
  const std::string ours = Gdb(machine, commands).finish();
  const std::string theirs = Gdb(qemu, commands).finish();
  auto actual = values(ours), expected = values(theirs);
  EXPECT_EQ(expected.size(), 64u) << theirs;
  EXPECT_EQ(actual.size(), expected.size()) << ours;
  for (const auto& [name, value] : expected) EXPECT_EQ(actual[name], value) << name;
}

}  // namespace
}  // namespace hvsim::gdb
