// The detailed mode's pipeline against what the RTL's description says of CVA6: every figure here follows
// from its structure, none is taken from a table of measurements.
#include <gtest/gtest.h>

#include <bit>
#include <initializer_list>
#include <vector>

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "models/cpu/pipeline_divide.h"
#include "models/cpu/write_buffer.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

constexpr unsigned kTurns = 32;
constexpr std::uint64_t kData = kRam + 0x1'0000;

// Cycles of 32 turns of a loop, once caches, TLBs and predictor know it. x31 counts.
isa::Cycles cycles_of_turns(Rig<Detailed>& rig, const std::vector<std::uint32_t>& body) {
  std::uint64_t at = kRam;
  for (const std::uint32_t word : body) rig.put(at, {word}), at += 4;
  rig.put(at, {as::addi(31, 31, -1), as::bne(31, 0, static_cast<int>(kRam - at) - 4), as::self});
  rig.state().pc = kRam;
  rig.state().x[31] = 4 * kTurns;
  rig.hart.state_changed();
  const auto run_until = [&](std::uint64_t left) {
    for (unsigned blocks = 0; rig.state().x[31] != left && blocks < 100'000; ++blocks) rig.hart.run(1, true);
    return rig.state().cycle;
  };
  const isa::Cycles began = run_until(2 * kTurns);
  const isa::Cycles ended = run_until(kTurns);
  EXPECT_EQ(rig.state().x[31], kTurns) << "the loop did not go on";
  EXPECT_EQ(rig.all_cells(), rig.state().cycle) << "every cycle is in exactly one cell";
  return ended - began;
}

isa::Cycles per_turn(Rig<Detailed>& rig, const std::vector<std::uint32_t>& body) {
  const isa::Cycles all = cycles_of_turns(rig, body);
  EXPECT_EQ(all % kTurns, 0u) << "turns differ";
  return all / kTurns;
}

std::vector<std::uint32_t> repeat(unsigned times, std::initializer_list<std::uint32_t> code) {
  std::vector<std::uint32_t> all;
  while (times-- != 0) all.insert(all.end(), code);
  return all;
}

// Two instructions and the bubble of a taken branch, which hides where the front end had time to run ahead.
constexpr isa::Cycles kLoop = 3, kLoopBehindStall = 2;

TEST(Pipeline, AnEmptyLoopTakesItsTwoInstructionsAndABubble) { EXPECT_EQ(per_turn(*detailed(), {}), kLoop); }

TEST(Pipeline, DependentChainsShowEachUnitsLatency) {
  EXPECT_EQ(per_turn(*detailed(), repeat(16, {as::addi(1, 1, 1)})), 16 * 1 + kLoop);
  EXPECT_EQ(per_turn(*detailed(), repeat(16, {as::mul(1, 1, 2)})), 16 * 2 + kLoopBehindStall);
  auto rig = detailed();
  rig->put_pte(kData, kData);
  rig->state().x[5] = kData;
  EXPECT_EQ(per_turn(*rig, repeat(16, {as::ld(5, 5, 0)})), 16 * 3u) << "the loop's end hides behind a load";
}

TEST(Pipeline, WhatFollowsAMultiplicationWaitsForTheResultBusUnlessItMultipliesToo) {
  EXPECT_EQ(per_turn(*detailed(), repeat(8, {as::mul(1, 2, 3), as::addi(4, 5, 1)})),
            8 * 3 + kLoopBehindStall);
  EXPECT_EQ(per_turn(*detailed(), repeat(16, {as::mul(1, 2, 3)})), 16 + 1 + kLoopBehindStall);
}

TEST(Pipeline, ALoadsUserWaitsTwoCyclesLessWhatStandsBetween) {
  const auto turn = [](std::vector<std::uint32_t> body) {
    auto rig = detailed();
    rig->state().x[5] = kData;
    return per_turn(*rig, body);
  };
  const std::uint32_t load = as::ld(1, 5, 0), use = as::addi(2, 1, 1), other = as::addi(3, 4, 1);
  EXPECT_EQ(turn({load, use, other, other, other}), 5 + 2 + kLoopBehindStall);
  EXPECT_EQ(turn({load, other, use, other, other}), 5 + 1 + kLoopBehindStall);
  EXPECT_EQ(turn({load, other, other, use, other}), 5 + kLoop);
}

TEST(Pipeline, ADividerTakesACyclePerBitThatItsDividendIsLonger) {
  const PipelineConfig config;
  const auto cycles = [&](std::int64_t a, std::int64_t b) {
    return divide::integer_cycles(config, a, b, true);
  };
  EXPECT_EQ(cycles(7, 3), 5u);
  EXPECT_EQ(cycles(255, 1), 11u);
  EXPECT_EQ(cycles(std::int64_t{1} << 62, 1), 66u);
  EXPECT_EQ(cycles(1, 7), 3u) << "the smaller by the larger";
  EXPECT_EQ(cycles(12345, 0), 3u);
  EXPECT_EQ(cycles(-1, 1), 4u) << "a negative dividend counts as its complement and a sign";
  EXPECT_EQ(divide::integer_cycles(config, -1, 1, false), 67u);
}

TEST(Pipeline, AFloatDividerStopsWhenNothingRemains) {
  const PipelineConfig config;
  const auto cycles = [&](double a, double b) {
    return divide::float_cycles(config, std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b),
                                false, false);
  };
  EXPECT_EQ(cycles(1, 3), 19u) << "all 56 bits, four per cycle";
  EXPECT_EQ(cycles(4, 2), 7u);
  EXPECT_EQ(cycles(0, 1), 6u);
  EXPECT_EQ(cycles(1, 0), 6u);
  const auto root = [&](double a) {
    return divide::float_cycles(config, std::bit_cast<std::uint64_t>(a), 0, false, true);
  };
  EXPECT_EQ(root(2), 19u);
  EXPECT_EQ(root(4), 7u);
  EXPECT_EQ(root(0.25), 7u);
}

TEST(Pipeline, StoresToDistinctWordsLeaveFourPerRoundTripOfMemory) {
  for (const isa::Cycles latency : {20u, 60u}) {
    auto rig = detailed(latency);
    rig->state().x[5] = kData;
    std::vector<std::uint32_t> stores;
    for (int line = 0; line < 16; ++line) stores.push_back(as::sd(1, 5, line * 16));
    EXPECT_EQ(cycles_of_turns(*rig, stores), kTurns * 16 * (latency + 4) / 4) << "latency " << latency;
    EXPECT_GT(rig->cell(Component::store_buffer), rig->state().cycle / 2);
    EXPECT_EQ(rig->cell(Component::dcache), 0u);
  }
}

TEST(Pipeline, StoresToOneWordAreCollected) {
  auto rig = detailed(60);
  rig->state().x[5] = kData;
  EXPECT_EQ(per_turn(*rig, repeat(16, {as::sd(1, 5, 0)})), 16 + kLoop);
}

TEST(Pipeline, ALoadWaitsUntilTheStoreToItsWordHasLeftTheQueue) {
  auto same = detailed();
  same->state().x[5] = kData;
  EXPECT_EQ(per_turn(*same, repeat(8, {as::sd(1, 5, 0), as::ld(1, 5, 0)})), 8 * 8u);
  EXPECT_NEAR(static_cast<double>(same->cell(Component::store_buffer)), 3.0 * kTurns * 8 * 4, 8)
      << "four of each eight cycles, in three quarters of the turns";
  auto other = detailed();
  other->state().x[5] = kData;
  EXPECT_EQ(per_turn(*other, repeat(8, {as::sd(1, 5, 0), as::ld(2, 5, 8)})), 8 * 2 + kLoop);
  EXPECT_EQ(other->cell(Component::store_buffer), 0u);
}

TEST(Pipeline, ACsrAccessKeepsTheIntegerUnitUntilItCommits) {
  EXPECT_EQ(per_turn(*detailed(), repeat(8, {as::csrr(1, isa::csr::mscratch)})), 8 * 2 + kLoopBehindStall);
  EXPECT_EQ(per_turn(*detailed(), repeat(8, {as::csrr(1, isa::csr::mscratch), as::addi(2, 3, 1)})),
            8 * 3 + kLoopBehindStall);
}

TEST(Pipeline, ACsrAccessWaitsForTheRegisterThatItsNumberNames) {
  const unsigned named = isa::csr::stvec & 31;
  EXPECT_EQ(per_turn(*detailed(), repeat(8, {as::csrr(named, isa::csr::stvec)})),
            7 * 3 + 2 + kLoopBehindStall);
  EXPECT_EQ(per_turn(*detailed(), repeat(8, {as::csrr(named + 1, isa::csr::stvec)})),
            8 * 2 + kLoopBehindStall);
}

TEST(Pipeline, AnEcallComesBackAfterTwentyThreeCycles) {
  auto rig = detailed();
  rig->state().csr.mtvec = kRam + 0x400;
  rig->put(kRam + 0x400, {as::bne(17, 0, 64), as::csrr(6, isa::csr::mepc), as::addi(6, 6, 4),
                          as::csrrw(0, isa::csr::mepc, 6), 0x3020'0073 /* mret */});
  const std::uint64_t machine = isa::csr::kMpp;
  rig->state().csr.mstatus |= machine;
  const auto turns = [&] {
    rig->put(kRam, {as::ecall, as::addi(31, 31, -1), as::bne(31, 0, -8), as::self});
    rig->state().pc = kRam;
    rig->state().x[31] = 64;
    rig->hart.state_changed();
    isa::Cycles began = 0;
    while (rig->state().x[31] != 8) {
      rig->state().csr.mstatus |= machine;
      rig->hart.run(1, true);
      if (rig->state().x[31] == 40 && began == 0) began = rig->state().cycle;
    }
    return rig->state().cycle - began;
  };
  EXPECT_EQ(turns(), 32 * 23u);
  EXPECT_EQ(rig->all_cells(), rig->state().cycle);
}

// A chase through 32 pages, twice what the TLB holds, under Sv39 with 4 KiB pages or the same in two stages.
isa::Cycles chase(bool two_stages) {
  using namespace isa::pte;
  auto rig = detailed();
  const auto map = [&](std::uint64_t root, bool g_stage) {
    const auto pointer = [](std::uint64_t table) { return table >> 12 << ppn_shift | v; };
    rig->put_pte(root + (kRam >> 30) * 8, pointer(root + 0x4000));
    rig->put_pte(root + 0x4000, pointer(root + 0x5000));
    for (std::uint64_t page = 0; page < 512; ++page)
      rig->put_pte(root + 0x5000 + page * 8, (kRam + page * isa::kPageBytes) >> 12 << ppn_shift | v | r | w |
                                                 x | a | d | (g_stage ? u : 0));
  };
  map(kRam + 0x10'0000, false);
  map(kRam + 0x12'0000, true);
  auto& csr = rig->state().csr;
  const std::uint64_t first = isa::csr::kModeSv39 << 60 | (kRam + 0x10'0000) >> 12;
  (two_stages ? csr.vsatp : csr.satp) = first;
  if (two_stages) csr.hgatp = isa::csr::kModeSv39 << 60 | (kRam + 0x12'0000) >> 12;
  csr.pmpcfg[0] = 0x1F;
  csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  rig->state().mode = {isa::Privilege::supervisor, two_stages};
  const auto node = [](std::uint64_t page) { return kData + page % 32 * (isa::kPageBytes + 64); };
  for (std::uint64_t page = 0; page < 32; ++page) rig->put_pte(node(page), node(page + 1));
  rig->state().x[5] = kData;
  return per_turn(*rig, {as::ld(5, 5, 0)});
}

TEST(Pipeline, AWalkTakesThreeCyclesPerPteAndThreeMore) {
  EXPECT_EQ(chase(false), 3u + 3 * 3 + 3);
  EXPECT_EQ(chase(true), 3u + 15 * 3 + 3);
}

TEST(Pipeline, TwoIssuePerCycleIfSoConfiguredAndOneOfThemAccessesMemory) {
  PipelineConfig dual;
  dual.issue_width = 2;
  dual.fetch_bytes = 8;
  std::vector<std::uint32_t> independent;
  for (unsigned rd = 1; rd <= 16; ++rd) independent.push_back(as::addi(rd, 20, 1));
  // 18 instructions in nine fetches, and the bubble of the branch.
  EXPECT_EQ(per_turn(*detailed(20, dual), independent), 9 + 1u);
  EXPECT_EQ(per_turn(*detailed(20, dual), repeat(16, {as::addi(1, 1, 1)})), 16u)
      << "a chain gains nothing, but the loop's end pairs with it";
  auto loads = detailed(20, dual);
  loads->state().x[5] = kData;
  EXPECT_EQ(per_turn(*loads, repeat(16, {as::ld(1, 5, 0)})), 16u);
}

TEST(WriteBuffer, SendsAWordAgainThatWasWrittenWhileOnItsWay) {
  WriteBuffer buffer(PipelineConfig{}, 20);
  EXPECT_EQ(buffer.accept(1, 100), 100u);
  EXPECT_EQ(buffer.empty_at(), 124u);
  EXPECT_EQ(buffer.accept(1, 101), 101u);
  EXPECT_EQ(buffer.empty_at(), 148u);
  EXPECT_EQ(buffer.accept(1, 123), 123u) << "the second sending takes it along";
  EXPECT_EQ(buffer.empty_at(), 148u);
}

TEST(WriteBuffer, IsFullAtEightWordsUntilTheFirstAnswer) {
  WriteBuffer buffer(PipelineConfig{}, 20);
  for (std::uint64_t word = 1; word <= 8; ++word) EXPECT_EQ(buffer.accept(word, 100), 100u);
  EXPECT_EQ(buffer.accept(9, 101), 124u);
}

TEST(WriteBuffer, AReadNeedsOneOfTheFourTransactions) {
  WriteBuffer buffer(PipelineConfig{}, 20);
  for (std::uint64_t word = 1; word <= 3; ++word) buffer.accept(word, 100);
  EXPECT_EQ(buffer.read(110, 24), 110u);
  WriteBuffer full(PipelineConfig{}, 20);
  for (std::uint64_t word = 1; word <= 4; ++word) full.accept(word, 100);
  EXPECT_EQ(full.read(110, 24), 124u);
  EXPECT_EQ(full.read(124, 24), 124u);
}

}  // namespace
}  // namespace hvsim::cpu::test
