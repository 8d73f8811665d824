// What things cost: configured latencies appear exactly, and every cycle is somebody's.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

// Cycles of a straight line of code once its line is in the L1I: the second of two runs.
isa::Cycles warm_cycles(Rig<InOrder>& rig, unsigned instructions) {
  for (int turn = 0; turn < 2; ++turn) {
    rig.state().pc = kRam;
    rig.hart.state_changed();
    const isa::Cycles before = rig.state().cycle;
    const std::uint64_t retired = rig.state().retired;
    while (rig.state().retired - retired < instructions) rig.hart.run(1, false);
    if (turn == 1) return rig.state().cycle - before;
  }
  return 0;
}

TEST(Timing, IndependentInstructionsIssueOnePerCycle) {
  auto rig = timed();
  rig->put(kRam,
           {as::addi(1, 0, 1), as::addi(2, 0, 1), as::addi(3, 0, 1), as::addi(4, 0, 1), as::mark(1, 0)});
  EXPECT_EQ(warm_cycles(*rig, 5), 5u);
}

TEST(Timing, ADependentChainOfMultipliesTakesTheConfiguredLatencyEach) {
  for (const isa::Cycles latency : {1u, 2u, 5u}) {
    TimingConfig costs;
    costs.mul = latency;
    auto rig = timed(costs);
    rig->put(kRam, {as::mul(1, 1, 2), as::mul(1, 1, 2), as::mul(1, 1, 2), as::mul(1, 1, 2), as::mark(1, 0)});
    EXPECT_EQ(warm_cycles(*rig, 5), std::max<isa::Cycles>(4 * latency, 5))
        << "latency " << latency << ": the mark is committed after the last of them";
  }
}

TEST(Timing, ALoadsUserWaitsAndWhatIsBetweenHidesTheWait) {
  TimingConfig costs;
  costs.load_use = 2;
  auto next = timed(costs);
  next->state().x[5] = kRam;
  next->put(kRam, {as::ld(1, 5, 0), as::addi(2, 1, 0), as::nop, as::nop, as::mark(1, 0)});
  auto apart = timed(costs);
  apart->state().x[5] = kRam;
  apart->put(kRam, {as::ld(1, 5, 0), as::nop, as::nop, as::addi(2, 1, 0), as::mark(1, 0)});
  EXPECT_EQ(warm_cycles(*next, 5), 5u + 2u);
  EXPECT_EQ(warm_cycles(*apart, 5), 5u);
}

TEST(Timing, AMissCostsExactlyWhatTheLevelsSay) {
  mem::HierarchyConfig levels;
  levels.memory_latency = 70;
  levels.l2.hit_latency = 11;
  PipelineConfig pipeline;
  pipeline.load_after_miss = 1;  // of the same line
  auto rig = timed({}, {}, levels, pipeline);
  rig->state().x[5] = kRam + 0x4000;
  rig->put(kRam, {as::ld(1, 5, 0), as::ld(2, 5, 8), as::self});
  rig->hart.run(1, false);
  EXPECT_EQ(rig->cell(Component::dcache), 70u + 11u) << "one line: one miss";
}

TEST(Timing, TrapsTakeTimeEvenWhereTheyAreSaidToBeFree) {
  TimingConfig costs;
  costs.trap_entry = 0;
  auto rig = timed(costs);
  rig->state().csr.mtvec = kRam;
  rig->put(kRam, {as::nop, as::ecall});
  EXPECT_EQ(rig->hart.run(10'000, false).stop, Stop::budget);
}

TEST(Timing, DeviceAccessesAreNoHitsOfTheL1D) {
  auto rig = timed();
  rig->state().x[5] = kRam + 0x4000;
  rig->put(kRam, {as::lui(6, 0x10000), as::lw(7, 6, 0), as::ld(1, 5, 0), as::ld(2, 5, 8), as::self});
  rig->hart.run(200, false);
  rig->hart.settle_statistics();
  EXPECT_EQ(rig->caches->l1d_stats(0).accesses, 2u);
  EXPECT_EQ(rig->caches->l1d_stats(0).misses, 1u);
}

TEST(Timing, EveryCycleIsInExactlyOneCell) {
  auto rig = timed();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().csr.mstatus |= isa::csr::kFs;
  rig->state().x[5] = kRam + 0x4000;
  rig->put(kRam, {as::addi(1, 1, 1), as::fadd_d(1, 1, 2), as::ld(2, 5, 0), as::mul(3, 2, 2),
                  as::csrr(4, isa::csr::mcycle), as::sd(1, 5, 64), as::ecall});
  rig->put(kRam + 0x100, {as::addi(5, 5, 256), as::csrrw(0, isa::csr::mepc, 7), 0x3020'0073 /* mret */});
  rig->state().x[7] = kRam;
  rig->state().csr.mstatus |= isa::csr::kMpp;
  rig->hart.state_changed();
  for (int i = 0; i < 50; ++i) {
    rig->hart.run(97, false);
    rig->state().csr.mstatus |= isa::csr::kMpp;
    EXPECT_EQ(rig->all_cells(), rig->state().cycle);
  }
  EXPECT_GT(rig->hart.counters().traps, 3u);
  EXPECT_GT(rig->cell(Component::fp), 0u);
  EXPECT_GT(rig->cell(Component::csr), 0u);
  EXPECT_GT(rig->cell(Component::trap), 0u);
}

TEST(Timing, ATakenBranchsBubbleHidesWhereItsBlockStalls) {
  for (const bool stalls : {false, true}) {
    auto rig = timed();
    const std::uint32_t work = stalls ? as::mul(1, 1, 1) : as::addi(1, 1, 1);
    rig->put(kRam, {work, work, work, work, as::bne(5, 0, -16), as::self});
    rig->state().x[5] = 1;
    for (int i = 0; i < 100; ++i) rig->hart.run(1, false);
    EXPECT_EQ(rig->cell(Component::branch) < 50, stalls) << rig->cell(Component::branch);
    EXPECT_EQ(rig->all_cells(), rig->state().cycle);
  }
}

TEST(Timing, StoresThatAreWrittenThroughWaitForTheWriteBuffer) {
  mem::HierarchyConfig levels;
  levels.l1d.write_policy = mem::WritePolicy::write_through;
  levels.l1d.write_allocate = false;
  levels.has_l2 = false;
  levels.memory_write_latency = 20;
  auto rig = timed({}, {}, levels);
  rig->state().x[5] = kRam + 0x4000;
  for (unsigned i = 0; i < 16; ++i) rig->put(kRam + i * 4, {as::sd(0, 5, static_cast<int>(i) * 64)});
  rig->put(kRam + 64, {as::bne(5, 0, -64), as::self});
  for (int i = 0; i < 20; ++i) rig->hart.run(1, false);
  const isa::Cycles began = rig->state().cycle;
  for (int i = 0; i < 100; ++i) rig->hart.run(1, false);
  EXPECT_EQ(rig->state().cycle - began, 100 * 16 * (20 + 4) / 4) << "four words at a time";
  EXPECT_GT(rig->cell(Component::store_buffer), rig->state().cycle * 3 / 4);
  EXPECT_EQ(rig->cell(Component::dcache), 0u);
}

TEST(Timing, AnAtomicThatFaultsMakesNoAtomicOfTheNextStore) {
  auto rig = timed();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().x[5] = 0x5000'0000;  // where nothing is
  rig->state().x[6] = kRam + 0x4000;
  rig->put(kRam, {as::lr_d(1, 5), as::self});
  rig->put(kRam + 0x100, {as::sd(0, 6, 0), as::self});
  rig->hart.run(1'000, false);
  EXPECT_EQ(rig->hart.counters().traps, 1u);
  EXPECT_EQ(rig->cell(Component::dcache), 0u) << "the store is under way and nobody waits for it";
}

// Identity-maps the first 2 MiB of RAM by 4 KiB pages, and everything else by nothing.
void map_pages(Rig<InOrder>& rig, std::uint64_t root, bool g_stage) {
  using namespace isa::pte;
  const std::uint64_t middle = root + 0x4000, leaf = root + 0x5000;
  const auto pointer = [](std::uint64_t table) { return table >> 12 << ppn_shift | v; };
  rig.put_pte(root + (kRam >> 30) * 8, pointer(middle));
  rig.put_pte(middle, pointer(leaf));
  for (std::uint64_t page = 0; page < 512; ++page)
    rig.put_pte(leaf + page * 8, (kRam + page * isa::kPageBytes) >> 12 << ppn_shift | v | r | w | x | a | d |
                                     (g_stage ? u : 0));
}

TEST(Timing, AColdTwoStageLoadReadsFifteenPtes) {
  auto rig = timed();
  map_pages(*rig, kRam + 0x10'0000, false);
  map_pages(*rig, kRam + 0x12'0000, true);
  auto& csr = rig->state().csr;
  csr.vsatp = isa::csr::kModeSv39 << 60 | (kRam + 0x10'0000) >> 12;
  csr.hgatp = isa::csr::kModeSv39 << 60 | (kRam + 0x12'0000) >> 12;
  csr.pmpcfg[0] = 0x1F;
  csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  rig->state().mode = {isa::Privilege::supervisor, true};
  rig->state().x[5] = kRam + 0x8000;
  rig->put(kRam, {as::nop, as::ld(1, 5, 0), as::ld(2, 5, 8), as::self});
  rig->hart.state_changed();
  rig->hart.run(1, false);
  const auto& counters = rig->hart.counters();
  EXPECT_EQ(counters.walks, 2u) << "one for the code, one for the data";
  EXPECT_EQ(counters.walk_pte_reads_first, 2u * 3);
  EXPECT_EQ(counters.walk_pte_reads_g, 2u * 12);
  EXPECT_GT(rig->cell(Component::walk_g), rig->cell(Component::walk_first));
  EXPECT_EQ(rig->all_cells(), rig->state().cycle);

  const auto& walks = rig->hart.walks().kinds()[static_cast<unsigned>(statistics::WalkKind::two_stage)];
  EXPECT_EQ(walks.cycles.count(), 2u);
  EXPECT_EQ(walks.reads, 2u * 15);
  isa::Cycles ptes = 0;
  rig->hart.walks().for_each_pte([&](const auto&, const auto& tally) { ptes += tally.cycles; });
  EXPECT_EQ(walks.cycles.sum(), ptes + 2 * TimingConfig{}.walk_start - PipelineConfig{}.fetch_walk_saves);
  EXPECT_EQ(rig->cell(Component::walk_first) + rig->cell(Component::walk_g),
            walks.cycles.sum() + 2 * mmu::TlbHierarchyConfig{}.l2.hit_latency)
      << "what is left is the time of the second-level TLB to find nothing";
}

TEST(Timing, ASecondAccessToThePageWalksNoMore) {
  auto rig = timed();
  map_pages(*rig, kRam + 0x10'0000, false);
  rig->state().csr.satp = isa::csr::kModeSv39 << 60 | (kRam + 0x10'0000) >> 12;
  rig->state().csr.pmpcfg[0] = 0x1F;
  rig->state().csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  rig->state().mode = {isa::Privilege::supervisor, false};
  rig->state().x[5] = kRam + 0x8000;
  rig->put(kRam, {as::ld(1, 5, 0), as::ld(2, 5, 64), as::sd(2, 5, 128), as::self});
  rig->hart.state_changed();
  rig->hart.run(1, false);
  EXPECT_EQ(rig->hart.counters().walks, 2u);
  rig->hart.run(500, false);
  EXPECT_EQ(rig->hart.counters().walks, 2u);
}

}  // namespace
}  // namespace hvsim::cpu::test
