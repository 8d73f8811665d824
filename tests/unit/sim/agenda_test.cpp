// Appointments of devices, their pace, and the typist, in a time that a test passes by hand.
#include "sim/agenda.h"

#include <gtest/gtest.h>

#include "sim/device_work.h"
#include "sim/typist.h"

namespace hvsim::sim {
namespace {

TEST(Agenda, KeepsAppointmentsInOrderOfTimeAndThenOfEntry) {
  Agenda agenda;
  std::string log;
  const auto note = [&](char name) {
    return [&log, &agenda, name] { log += name + std::to_string(*agenda.acting()) + " "; };
  };
  EXPECT_EQ(agenda.next(), Agenda::kNever);
  const unsigned a = agenda.add(note('a')), b = agenda.add(note('b')), c = agenda.add(note('c'));
  agenda.arm(c, 20);
  agenda.arm(b, 20);
  agenda.arm(a, 30);
  EXPECT_EQ(agenda.next(), 20u);
  agenda.run_due(19);
  EXPECT_EQ(log, "");
  agenda.run_due(29);
  EXPECT_EQ(log, "b20 c20 ");
  agenda.disarm(a);
  agenda.run_due(1000);
  EXPECT_EQ(log, "b20 c20 ");
  EXPECT_FALSE(agenda.acting());
}

TEST(Agenda, ActionsMakeTheirNextAppointmentForLaterThanTheirOwn) {
  Agenda agenda;
  unsigned entry = 0, times = 0;
  entry = agenda.add([&] {
    if (++times < 100) agenda.arm(entry, 0);
  });
  agenda.arm(entry, 10);
  agenda.run_due(14);
  EXPECT_EQ(times, 5u) << "at 10, 11, 12, 13 and 14";
  EXPECT_EQ(agenda.next(), 15u);
}

TEST(Agenda, TellsItsShellOfAppointmentsThatOthersMake) {
  Agenda agenda;
  unsigned changes = 0, entry = 0;
  agenda.on_change([&] { ++changes; });
  entry = agenda.add([&] { agenda.arm(entry, 50); });
  agenda.arm(entry, 10);
  EXPECT_EQ(changes, 1u);
  agenda.run_due(10);
  EXPECT_EQ(changes, 1u) << "the shell looks itself when the action is done";
}

// Pieces of work of known sizes; tells when each was done.
struct Pieces final : device::Worker {
  std::optional<std::uint64_t> begin() override {
    if (left.empty()) return std::nullopt;
    return left.front();
  }
  void finish() override {
    left.erase(left.begin());
    done.push_back(*agenda->acting());
  }
  std::vector<std::uint64_t> left;
  std::vector<isa::Cycles> done;
  Agenda* agenda = nullptr;
};

TEST(DeviceWork, TakesItsLatencyAndTheTimeOfTheBytes) {
  Agenda agenda;
  Pieces worker;
  worker.agenda = &agenda;
  isa::Cycles now = 1000;
  DeviceWork work(worker, {.latency = 100, .bytes_per_us = 1000, .clock_mhz = 500}, agenda,
                  [&] { return agenda.acting().value_or(now); });
  work.available();
  EXPECT_EQ(agenda.next(), Agenda::kNever) << "nothing to do";
  worker.left = {0, 4000, 10};
  work.available();
  now = 1050;
  work.available();
  EXPECT_EQ(agenda.next(), 1100u) << "a busy device is not hurried";
  agenda.run_due(1'000'000);
  EXPECT_EQ(worker.done, (std::vector<isa::Cycles>{1100, 1100 + 100 + 2000, 3200 + 100 + 5}));
  worker.left = {0};
  now = 5000;
  work.available();
  EXPECT_EQ(agenda.next(), 5100u);
}

class TypistTest : public testing::Test {
 protected:
  void type(std::vector<TypingStep> script) {
    typist_.emplace(
        std::move(script), 10, agenda_, [this] { return agenda_.acting().value_or(now_); },
        [this](std::string_view text) {
          typed_ += std::to_string(*agenda_.acting()) + ":" + std::string(text) + " ";
        });
  }
  void show(std::string_view text, isa::Cycles at) {
    now_ = at;
    for (const char each : text) typist_->shown(static_cast<std::uint8_t>(each));
  }

  Agenda agenda_;
  isa::Cycles now_ = 0;
  std::string typed_;
  std::optional<Typist> typist_;
};

TEST_F(TypistTest, TypesAfterATime) {
  type({{.after_us = 5, .send = "a"}, {.after_us = 2, .send = "b"}});
  agenda_.run_due(1000);
  EXPECT_EQ(typed_, "50:a 70:b ");
}

TEST_F(TypistTest, WaitsForWhatTheConsoleShows) {
  type({{.expect = "login: ", .send = "root"}, {.expect = "# ", .after_us = 1, .send = "ls"}});
  agenda_.run_due(1000);
  EXPECT_EQ(typed_, "");
  show("debian # login", 1000);
  agenda_.run_due(1100);
  EXPECT_EQ(typed_, "");
  show(": ", 1200);
  agenda_.run_due(1200);
  EXPECT_EQ(typed_, "1200:root ");
  show("#", 1300);
  show(" ", 1310);
  agenda_.run_due(2000);
  EXPECT_EQ(typed_, "1200:root 1320:ls ");
  show("# # # ", 3000);
  agenda_.run_due(4000);
  EXPECT_EQ(typed_, "1200:root 1320:ls ") << "the script is over";
}

TEST_F(TypistTest, FindsWhatOverlapsItself) {
  type({{.expect = "aab", .send = "x"}});
  show("aaab", 10);
  agenda_.run_due(10);
  EXPECT_EQ(typed_, "10:x ");
}

TEST_F(TypistTest, WhatWasShownBeforeAStepDoesNotCountForIt) {
  type({{.after_us = 1, .send = "x"}, {.expect = "ab", .send = "y"}});
  show("a", 0);
  agenda_.run_due(10);
  show("b", 20);
  agenda_.run_due(30);
  EXPECT_EQ(typed_, "10:x ");
}

}  // namespace
}  // namespace hvsim::sim
