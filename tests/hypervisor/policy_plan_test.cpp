// Policies that change while VMs run: when they change, what stays of the old one, and what begins.
#include <gtest/gtest.h>

#include <string>

#include "sim/image/fdt_writer.h"
#include "tests/hypervisor/sharing_audit.h"
#include "tests/hypervisor/sharing_guests.h"

namespace hv {
namespace {

constexpr auto kRoundRobin = SchedulerPolicy::round_robin;
constexpr std::uint32_t kLate = 100'000;  // microseconds, later than all that a test does before

BundleDescription changing(SharingPolicy first, std::vector<PolicySwitch> switches) {
  BundleDescription description = with_policy(first);
  description.switches = std::move(switches);
  return description;
}

// In small pieces: nobody gets a slice that it would have to pay back.
void pass_late(Guests& guests) {
  for (unsigned i = 0; i < kLate / 1000; ++i) guests.pass(1000);
}

std::size_t said(const Guests& guests, const std::string& text) {
  std::size_t count = 0;
  const std::string& console = guests.bench.machine.console;
  for (std::size_t at = 0; (at = console.find(text, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(PolicyPlan, WhatIsSharedStaysSoUntilSomebodyWrites) {
  Guests guests(changing(SharingPolicy::memory_map, {{kLate, kRoundRobin, SharingPolicy::none}}));
  guests.publish(0);
  for (std::uint64_t n = 0; n < 20; ++n) guests.fill(0, n, n + 1);
  for (std::uint64_t n = 0; n < 10; ++n) guests.set_map(0, n, true);
  guests.scan();
  ASSERT_EQ(guests.count(0, SharingCounter::shared_pages), 10u);
  pass_late(guests);
  guests.scan();
  EXPECT_EQ(said(guests, "policies from now on: round_robin, none"), 1u);
  const std::uint64_t rounds = guests.count(0, SharingCounter::rounds);
  for (std::uint64_t n = 10; n < 20; ++n) guests.set_map(0, n, true);
  guests.scan();
  EXPECT_EQ(guests.count(0, SharingCounter::rounds), rounds);
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 10u);
  EXPECT_TRUE(guests.store(0, Guests::page(4), 44));
  EXPECT_EQ(guests.load(0, Guests::page(4)), 44u);
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 9u);
  audit_memory(guests.bench);
}

TEST(PolicyPlan, AScanThatBeginsLaterFindsWhatThereIs) {
  Guests guests(changing(SharingPolicy::none, {{kLate, kRoundRobin, SharingPolicy::content_scan},
                                               {2 * kLate, kRoundRobin, SharingPolicy::memory_map}}));
  guests.publish(1);
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 0; n < 20; ++n) guests.fill(vm, n, 0xABCD);
  guests.scan(400);
  EXPECT_EQ(guests.count(0, SharingCounter::merged_pages), 0u);
  pass_late(guests);
  guests.scan(400);
  EXPECT_GE(guests.count(0, SharingCounter::merged_pages), 20u);
  EXPECT_GE(guests.count(1, SharingCounter::merged_pages), 20u);
  audit_memory(guests.bench);
  EXPECT_EQ(guests.count(1, SharingCounter::rounds), 0u);
  for (std::uint64_t n = 0; n < 20; ++n) guests.set_map(1, n, true);
  pass_late(guests);
  guests.scan();
  EXPECT_GT(guests.count(1, SharingCounter::rounds), 0u);
  EXPECT_GE(guests.count(1, SharingCounter::shared_pages), 20u);
  for (std::uint64_t n = 0; n < 20; ++n) EXPECT_EQ(guests.load(0, Guests::page(n)), 0xABCDu);
  audit_memory(guests.bench);
}

TEST(PolicyPlan, GuestsAreToldWhatIsAskedOfThem) {
  Guests guests(changing(SharingPolicy::balloon, {{kLate, kRoundRobin, SharingPolicy::free_page_reporting},
                                                  {2 * kLate, kRoundRobin, SharingPolicy::none}}));
  const auto told = [&](std::size_t offset) {
    return guests.bench.harts[0].read_word(guests.bench.core->vm(1).shared_page + offset);
  };
  constexpr std::size_t balloon = offsetof(abi::SharedPage, balloon_percent);
  constexpr std::size_t report = offsetof(abi::SharedPage, report_order);
  EXPECT_EQ(told(balloon) & 0xFFFFFFFF, SharingSettings{}.balloon_percent);
  EXPECT_EQ(told(report), 0u);
  pass_late(guests);
  EXPECT_EQ(told(balloon), 0u);
  EXPECT_EQ(told(report), abi::kReportOrder);
  pass_late(guests);
  EXPECT_EQ(told(report), 0u);
}

// A round that was begun ends: no page stays marked.
TEST(PolicyPlan, ASwitchWaitsForTheEndOfARound) {
  BundleDescription description =
      changing(SharingPolicy::memory_map, {{1150, kRoundRobin, SharingPolicy::none}});
  Guests guests(description, 8 << 20);
  for (unsigned vm = 0; vm < 2; ++vm) guests.publish(vm);
  for (std::uint64_t n = 0; n < 8; ++n) {
    guests.fill(0, n, n + 1);
    guests.set_map(0, n, true);
  }
  const auto switched = [&] { return said(guests, "policies from now on") != 0; };
  while (!switched() && guests.bench.machine.ticks < 1'000'000) guests.pass(50);
  EXPECT_GT(guests.bench.machine.ticks, 1000 + 11'500u + 500) << "the round has more steps than these";
  for (unsigned vm = 0; vm < 2; ++vm) EXPECT_EQ(guests.count(vm, SharingCounter::rounds), 1u);
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 8u);
  audit_memory(guests.bench);
}

TEST(PolicyPlan, TheOtherSchedulerHeedsWeights) {
  BundleDescription description =
      changing(SharingPolicy::none, {{kLate, SchedulerPolicy::credit, SharingPolicy::none}});
  for (unsigned n = 0; n < 2; ++n) {
    BundleVm vm = small_vm(n == 0 ? "heavy" : "light");
    vm.share.weight = n == 0 ? 900 : 300;
    description.vms.push_back(vm);
  }
  Bench bench;
  bench.start(description);
  const auto run_us = [&](unsigned microseconds) {
    const auto ran = [&](unsigned vm) { return bench.core->vm(vm).statistics.entries; };
    const std::uint64_t before[] = {ran(0), ran(1)};
    for (unsigned i = 0; i < microseconds / 1000; ++i) {
      bench.machine.ticks += 10'000;
      bench.timer(0);
    }
    return std::pair{ran(0) - before[0], ran(1) - before[1]};
  };
  const auto equal = run_us(90'000);
  EXPECT_EQ(equal.first, equal.second);
  run_us(20'000);
  const auto weighed = run_us(400'000);
  EXPECT_NEAR(static_cast<double>(weighed.first) / static_cast<double>(weighed.second), 3.0, 0.05);
}

TEST(PolicyPlan, AWrongPlanIsRefused) {
  const auto refusal = [](std::uint32_t second_at, const std::string& scheduler, std::uint32_t sharing) {
    hvsim::sim::FdtWriter writer;
    writer.text("compatible", "hvsim,bundle");
    writer.cell("version", 1);
    writer.begin("hypervisor");
    writer.begin("switches");
    for (unsigned n = 0; n < 2; ++n) {
      writer.begin("switch@" + std::to_string(n));
      writer.cell("at-us", n == 0 ? 100 : second_at);
      writer.text("scheduler", scheduler);
      writer.cell("sharing", sharing);
      writer.end();
    }
    writer.end();
    writer.end();
    const std::vector<std::byte> blob = *writer.finish();
    Text why;
    EXPECT_FALSE(Bundle::open(blob, why));
    return std::string(why.view());
  };
  EXPECT_EQ(refusal(101, "credit", 1), "bundle: no VMs in it");
  EXPECT_EQ(refusal(100, "credit", 1), "switch@1: at-us must be 101..4000000000");
  EXPECT_EQ(refusal(101, "lottery", 1), "switch@0: scheduler must be round_robin or credit");
  EXPECT_EQ(refusal(101, "credit", 7), "switch@0: sharing must be 0..6");
}

}  // namespace
}  // namespace hv
