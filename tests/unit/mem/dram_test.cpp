// DRAM: hit, miss and conflict to the cycle, and bandwidth as a limit that holds.
#include "models/mem/dram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace hvsim::mem {
namespace {

using ::testing::HasSubstr;

// Row hit: 20 + 11 + 64 / 16.
constexpr DramConfig kConfig{.banked = true,
                             .channels = 1,
                             .banks = 4,
                             .row_bytes = 1024,
                             .bytes_per_cycle = 16,
                             .controller_latency = 20,
                             .cas = 11,
                             .activate = 13,
                             .precharge = 17};
constexpr std::uint64_t kNextRow = 4 * 1024;  // of the same bank
constexpr isa::Cycles kTransfer = 4;

TEST(Dram, RowMissHitAndConflictTakeExactlyTheirTimes) {
  Dram dram(kConfig, 64);
  EXPECT_EQ(dram.read(0, 1000), 1000U + 20 + 13 + 11 + kTransfer) << "no row open";
  EXPECT_EQ(dram.read(1024 - 64, 2000), 2000U + 20 + 11 + kTransfer) << "the last line of the row";
  EXPECT_EQ(dram.read(kNextRow, 3000), 3000U + 20 + 17 + 13 + 11 + kTransfer) << "another row of the bank";
  EXPECT_EQ(dram.read(1024, 4000), 4000U + 20 + 13 + 11 + kTransfer) << "the next bank";
  EXPECT_EQ(dram.read(kNextRow + 64, 5000), 5000U + 20 + 11 + kTransfer) << "each bank has its own row";
  EXPECT_EQ(dram.stats().row_hits, 2U);
  EXPECT_EQ(dram.stats().row_misses, 2U);
  EXPECT_EQ(dram.stats().row_conflicts, 1U);
}

TEST(Dram, ABusyBankMakesTheNextAccessWaitAndNotACycleLonger) {
  for (const isa::Cycles apart : {isa::Cycles{0}, isa::Cycles{27}, isa::Cycles{28}, isa::Cycles{40}}) {
    Dram dram(kConfig, 64);
    const isa::Cycles first = dram.read(0, 1000);
    const isa::Cycles second = dram.read(64, 1000 + apart);  // a hit, once the bank is free
    const isa::Cycles free = first - 10;                     // half of the controller's time is the way back
    EXPECT_EQ(free, 1000U + 10 + 13 + 11 + kTransfer);
    const isa::Cycles start = std::max(free, 1000 + apart + 10);
    EXPECT_EQ(second, start + 11 + kTransfer + 10) << apart << " cycles apart";
  }
}

TEST(Dram, AccessesOfDifferentBanksOverlap) {
  Dram dram(kConfig, 64);
  EXPECT_EQ(dram.read(0, 1000), dram.read(1024, 1000));
}

TEST(Dram, AHartThatRunsAheadDoesNotHoldUpThoseBehind) {
  Dram dram(kConfig, 64);
  dram.read(0, 9000);
  EXPECT_EQ(dram.read(64, 1000), 1000U + 20 + 11 + kTransfer);
}

TEST(Dram, NoMorePassesThanTheBusCarries) {
  DramConfig narrow = kConfig;
  narrow.bytes_per_cycle = 4;  // 16 cycles per line
  narrow.banks = 64;
  Dram dram(narrow, 64);
  isa::Cycles last = 0;
  constexpr unsigned kLines = 512;
  for (std::uint64_t line = 0; line < kLines; ++line) last = std::max(last, dram.read(line * 1024, 0));
  EXPECT_GE(last + Bandwidth::kWindow, kLines * 16);
  EXPECT_LE(last, kLines * 16 + 200);
  EXPECT_GT(dram.stats().bus_wait, 0U);
}

TEST(Dram, ChannelsTakeTurnsByLine) {
  DramConfig two = kConfig;
  two.channels = 2;
  Dram dram(two, 64);
  dram.read(0, 1000);
  EXPECT_EQ(dram.read(64, 1000), 1000U + 20 + 13 + 11 + kTransfer) << "the other channel has its own banks";
  EXPECT_EQ(dram.read(128, 2000), 2000U + 20 + 11 + kTransfer) << "the second line of the first one's row";
}

TEST(Dram, WhatCannotBeIsToldInWords) {
  EXPECT_EQ(problem(kConfig), std::nullopt);
  DramConfig config = kConfig;
  config.banks = 3;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("banks: 3 is not a power of two"));
  config = kConfig;
  config.bytes_per_cycle = 0;
  EXPECT_THAT(problem(config).value_or(""), HasSubstr("bytes_per_cycle"));
}

TEST(Bandwidth, AdmitsWhatTheWindowsHoldInAnyOrder) {
  Bandwidth link(2);  // 128 bytes per window of 64 cycles
  EXPECT_EQ(link.admit(10, 64), 10U);
  EXPECT_EQ(link.admit(5, 64), 5U) << "earlier, and there is room";
  EXPECT_EQ(link.admit(20, 64), 64U) << "the window is full";
  EXPECT_EQ(link.admit(1'000'000, 64), 1'000'000U);
  EXPECT_EQ(link.admit(70, 64), 70U) << "long ago";
  std::mt19937 random(1);
  Bandwidth busy(2);
  isa::Cycles last = 0;
  for (unsigned i = 0; i < 1000; ++i) last = std::max(last, busy.admit(random() % 1000, 64));
  EXPECT_GE(last, 1000U * 64 / 2 - 64);
  EXPECT_LE(last, 1000U * 64 / 2 + 64);
}

}  // namespace
}  // namespace hvsim::mem
