// Timelines from marks made up here; the format's rules are checked on whole documents.
#include "sim/timeline.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hypervisor/sharing/counters.h"
#include "tests/support/timeline_rules.h"

namespace hvsim::sim {
namespace {

using Json = nlohmann::json;
using isa::HypervisorPhase;
using isa::MarkKind;
using isa::VcpuActivity;

Json read(const Timeline::File& file) {
  std::string text;
  char piece[4096];
  for (std::size_t bytes; (bytes = std::fread(piece, 1, sizeof piece, file.get())) != 0;)
    text.append(piece, bytes);
  return Json::parse(text);
}

class Times : public testing::Test {
 protected:
  explicit Times(std::uint64_t events = 1000) {
    config_.machine.harts = 2;
    config_.machine.clock_mhz = 1000;
    config_.vms.resize(2);
    config_.vms[0].name = "a";
    config_.vms[0].vcpus = 2;
    config_.vms[1].name = "b";
    config_.observe.timeline = true;
    config_.observe.timeline_events = events;
  }
  Timeline& timeline() {
    if (timeline_ == nullptr) timeline_ = std::move(Timeline::make(config_).value());
    return *timeline_;
  }
  void phase(unsigned hart, isa::Cycles at, HypervisorPhase phase, const cpu::CellKey& who = {}) {
    timeline().marked(hart, at, who, MarkKind::phase, static_cast<std::uint64_t>(phase), exit_began_);
  }
  void activity(unsigned hart, isa::Cycles at, unsigned vm, unsigned vcpu, VcpuActivity before,
                VcpuActivity after) {
    timeline().marked(hart, at, {}, MarkKind::vcpu_activity, isa::mark_activity(vm, vcpu, before, after), 0);
  }
  // A guest is left at `began`, for a timer, and entered again.
  void exit(unsigned hart, isa::Cycles began, std::uint32_t vm = 0) {
    const cpu::CellKey who{.vm = vm, .in_exit = true, .cause = {.interrupt = true, .code = 5}};
    exit_began_ = began;
    phase(hart, began + 10, HypervisorPhase::save, who);
    phase(hart, began + 50, HypervisorPhase::exit, who);
    phase(hart, began + 80, HypervisorPhase::schedule, who);
    phase(hart, began + 90, HypervisorPhase::drain, who);
    phase(hart, began + 120, HypervisorPhase::restore, who);
    phase(hart, began + 150, HypervisorPhase::none, who);
  }
  Json finish(isa::Cycles end) { return read(timeline().finish(end)); }

  Config config_;
  std::unique_ptr<Timeline> timeline_;
  isa::Cycles exit_began_ = 0;
};
class FewTimes : public Times {
 protected:
  FewTimes() : Times(8) {}
};

std::vector<Json> slices(const Json& document, const std::string& name) {
  std::vector<Json> found;
  for (const Json& event : document.at("traceEvents"))
    if (event.at("ph") == "X" && event.at("name") == name) found.push_back(event);
  return found;
}

TEST_F(Times, AnExitIsASliceWithItsPhasesInIt) {
  activity(0, 100, 0, 0, VcpuActivity::ready, VcpuActivity::running);
  exit(0, 1000);
  const Json document = finish(2000);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  EXPECT_EQ(tests::count_slices(document, "hart 0", "IRQ_S_TIMER"), 1u);
  EXPECT_EQ(tests::count_slices(document, "VCPU 0", "IRQ_S_TIMER"), 1u);
  const auto on_hart = slices(document, "IRQ_S_TIMER");
  EXPECT_EQ(on_hart.at(0).at("ts"), 1.0);  // from the trap, not from the first mark behind it
  EXPECT_EQ(on_hart.at(0).at("dur"), 0.15);
  EXPECT_EQ(on_hart.at(0).at("args").at("vm"), "a");
  EXPECT_EQ(slices(document, "drain").at(0).at("dur"), 0.03);
}

TEST_F(Times, WhatAVcpuDoesIsASliceUntilItDoesSomethingElse) {
  activity(0, 100, 0, 1, VcpuActivity::off, VcpuActivity::ready);
  activity(1, 200, 0, 1, VcpuActivity::ready, VcpuActivity::running);
  activity(1, 900, 0, 1, VcpuActivity::running, VcpuActivity::blocked);
  activity(0, 950, 0, 1, VcpuActivity::blocked, VcpuActivity::off);
  const Json document = finish(2000);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  EXPECT_EQ(tests::count_slices(document, "VCPU 1", "on hart 1"), 1u);
  EXPECT_EQ(tests::count_slices(document, "VCPU 1", "waits for an interrupt"), 1u);
}

TEST_F(Times, AVcpuThatLosesItsHartInAnExitHasHadThatExit) {
  const cpu::CellKey who{.vm = 1, .in_exit = true, .cause = {.interrupt = true, .code = 5}};
  activity(0, 100, 1, 0, VcpuActivity::ready, VcpuActivity::running);
  exit_began_ = 1000;
  phase(0, 1010, HypervisorPhase::save, who);
  phase(0, 1050, HypervisorPhase::schedule, who);
  activity(0, 1060, 1, 0, VcpuActivity::running, VcpuActivity::ready);
  phase(0, 1100, HypervisorPhase::none, who);
  const Json document = finish(2000);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  const auto both = slices(document, "IRQ_S_TIMER");
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].at("dur"), 0.06);  // its VCPU's
  EXPECT_EQ(both[1].at("dur"), 0.1);   // its hart's
}

TEST_F(Times, AnExitEndsWhereAnotherVcpuHasTheHart) {
  const cpu::CellKey leaver{.vm = 1, .in_exit = true, .cause = {.interrupt = true, .code = 5}};
  const cpu::CellKey next{.vm = 0, .vcpu = 1, .in_exit = true, .cause = cpu::kResumed};
  const cpu::CellKey nobody{.in_exit = true, .cause = cpu::kResumed};
  const auto give = [&](isa::Cycles at, const cpu::CellKey& who) {
    const bool none = who.vm == cpu::kNoVm;
    timeline().marked(0, at, who, MarkKind::vcpu, none ? isa::kMarkNoVcpu : isa::mark_vcpu(who.vm, who.vcpu),
                      0);
  };
  activity(0, 100, 1, 0, VcpuActivity::ready, VcpuActivity::running);
  exit_began_ = 1000;
  phase(0, 1010, HypervisorPhase::save, leaver);
  phase(0, 1050, HypervisorPhase::schedule, leaver);
  activity(0, 1060, 1, 0, VcpuActivity::running, VcpuActivity::ready);
  activity(0, 1070, 0, 1, VcpuActivity::ready, VcpuActivity::running);
  give(1080, next);
  phase(0, 1100, HypervisorPhase::drain, next);
  phase(0, 1190, HypervisorPhase::none, next);
  exit_began_ = 2000;
  cpu::CellKey sleeper = next;
  sleeper.cause = {.interrupt = false, .code = 22};
  phase(0, 2000, HypervisorPhase::save, sleeper);
  phase(0, 2010, HypervisorPhase::schedule, sleeper);
  give(2030, nobody);
  phase(0, 2040, HypervisorPhase::idle, nobody);
  phase(0, 2900, HypervisorPhase::schedule, nobody);
  give(2930, next);
  phase(0, 2990, HypervisorPhase::none, next);
  const Json document = finish(3000);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  const auto timer = slices(document, "IRQ_S_TIMER"), wfi = slices(document, "VIRTUAL_INST_FAULT");
  ASSERT_EQ(timer.size(), 2u);
  EXPECT_EQ(timer[0].at("dur"), 0.06);  // its VCPU's
  EXPECT_EQ(timer[1].at("dur"), 0.08);  // its hart's
  ASSERT_EQ(wfi.size(), 2u);
  EXPECT_EQ(wfi[0].at("dur"), 0.03);
  ASSERT_EQ(tests::count_slices(document, "hart 0", "RESUMED"), 2u);
  ASSERT_EQ(tests::count_slices(document, "VCPU 1", "RESUMED"), 2u);
  for (const Json& resumed : slices(document, "RESUMED"))
    EXPECT_TRUE(!resumed.contains("args") || resumed.at("args").at("vm") == "a");
  EXPECT_EQ(tests::count_slices(document, "hart 0", "drain"), 1u);
  EXPECT_EQ(slices(document, "idle").at(0).at("dur"), 0.86);
}

// A hart may be a quantum behind another one that has changed the same VCPU.
TEST_F(Times, ATrackNeverGoesBackWhateverHartsSay) {
  activity(0, 5000, 0, 0, VcpuActivity::ready, VcpuActivity::running);
  exit(0, 6000);
  activity(1, 3000, 0, 0, VcpuActivity::running, VcpuActivity::blocked);
  activity(1, 3100, 0, 0, VcpuActivity::blocked, VcpuActivity::ready);
  EXPECT_EQ(tests::broken_timeline_rule(finish(7000)), "");
}

TEST_F(Times, IdlingAndPollingStandAlone) {
  phase(1, 10, HypervisorPhase::poll);
  phase(1, 20, HypervisorPhase::poll);
  phase(1, 30, HypervisorPhase::drain);
  phase(1, 60, HypervisorPhase::poll);
  phase(0, 100, HypervisorPhase::schedule);
  phase(0, 200, HypervisorPhase::idle);
  phase(0, 300, HypervisorPhase::schedule);
  const Json document = finish(400);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  EXPECT_EQ(tests::count_slices(document, "hart 1", "poll"), 2u);
  EXPECT_EQ(tests::count_slices(document, "hart 1", "drain"), 1u);
  EXPECT_EQ(tests::count_slices(document, "hart 0", "RESUMED"), 0u);
  EXPECT_EQ(tests::count_slices(document, "hart 0", "schedule"), 1u) << "the other one is not over";
  EXPECT_EQ(slices(document, "idle").at(0).at("dur"), 0.1);
}

TEST_F(Times, QueuesAndPagesAreCounters) {
  timeline().marked(0, 10, {}, MarkKind::delivery, isa::mark_delivery(1, isa::DeliveryEvent::depth, 3), 0);
  phase(0, 20, HypervisorPhase::drain);
  timeline().marked(0, 30, {}, MarkKind::calls_ran, isa::mark_calls(1, 2), 0);
  phase(0, 40, HypervisorPhase::restore);
  const auto tell = [&](hv::SharingCounter counter, std::uint64_t value) {
    timeline().marked(0, 50, {}, MarkKind::statistic, static_cast<std::uint64_t>(counter) << 56 | value, 0);
  };
  tell(hv::SharingCounter::shared_pages, 7);
  tell(hv::SharingCounter::private_pages, 9);
  tell(hv::SharingCounter::free_pages, 8);
  const Json document = finish(100);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  std::vector<Json> values;
  for (const Json& event : document.at("traceEvents"))
    if (event.at("ph") == "C") values.push_back(event.at("args"));
  EXPECT_EQ(values, (std::vector<Json>{
                        {{"calls", 3}}, {{"calls", 1}}, {{"private", 9}, {"shared", 7}, {"merged", 0}}}));
}

TEST_F(FewTimes, WhatIsBeyondTheBoundIsCountedAndTheRestIsSound) {
  activity(0, 100, 0, 0, VcpuActivity::ready, VcpuActivity::running);
  for (isa::Cycles at = 1000; at < 10'000; at += 1000) exit(0, at);
  activity(0, 20'000, 0, 0, VcpuActivity::running, VcpuActivity::blocked);
  const Json document = finish(30'000);
  EXPECT_EQ(tests::broken_timeline_rule(document), "");
  std::size_t events = 0;
  for (const Json& event : document.at("traceEvents"))
    events += event.at("ph") == "M" || event.at("ph") == "E" ? 0 : 1;
  EXPECT_EQ(events, 8u);
  EXPECT_EQ(document.at("otherData").at("dropped_events"), 9 * 7 + 2 - 8);
}

TEST_F(Times, NoneIsMadeUnlessItIsAskedFor) {
  config_.observe.timeline = false;
  EXPECT_EQ(Timeline::make(config_).value(), nullptr);
}

TEST(TimelineRules, BrokenDocumentsAreFound) {
  const auto events = [](const char* more) {
    return Json::parse(std::string(R"({"traceEvents": [
      {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "p"}},
      {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "t"}},)") +
                       more + "]}");
  };
  const char* slice = R"({"ph": "X", "name": "s", "pid": 1, "tid": 1, "ts": 2.0, "dur": 1.0})";
  EXPECT_EQ(tests::broken_timeline_rule(events(slice)), "");
  for (const char* bad : {R"({"ph": "X", "name": "s", "pid": 2, "tid": 1, "ts": 2.0, "dur": 1.0})",
                          R"({"ph": "X", "name": "s", "pid": 1, "tid": 2, "ts": 2.0, "dur": 1.0})",
                          R"({"ph": "E", "pid": 1, "tid": 1, "ts": 2.0})",
                          R"({"ph": "B", "name": "s", "pid": 1, "tid": 1, "ts": 2.0})"})
    EXPECT_NE(tests::broken_timeline_rule(events(bad)), "") << bad;
  const std::string before = std::string(slice) + ",";
  for (const char* bad : {R"({"ph": "X", "name": "s", "pid": 1, "tid": 1, "ts": 1.0, "dur": 0.5})",
                          R"({"ph": "X", "name": "s", "pid": 1, "tid": 1, "ts": 2.5, "dur": 1.0})"})
    EXPECT_NE(tests::broken_timeline_rule(events((before + bad).c_str())), "") << bad;
}

}  // namespace
}  // namespace hvsim::sim
