// The shape of results: latencies show at their footprints, TLB reach at its own, less latency never costs
// more, and the quantum hardly matters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

constexpr std::uint64_t kData = kRam + 0x80'0000;
constexpr std::uint64_t kTables = kRam + 0x70'0000;
constexpr unsigned kUnrolled = 8;
using isa::Cycles;

// `ld x5, 0(x5)` for ever.
template <class Rig>
void put_chase(Rig& rig) {
  std::uint64_t at = kRam;
  for (unsigned i = 0; i < kUnrolled; ++i, at += 4) rig.put(at, {as::ld(5, 5, 0)});
  rig.put(at, {as::jalr(0, 6, 0)});
  rig.state().x[5] = kData;
  rig.state().x[6] = kRam;
}

// A ring of pointers through all places, in an order that is no stream.
template <class Rig>
void put_ring(Rig& rig, std::vector<std::uint64_t> places) {
  std::mt19937 random(11);
  std::shuffle(places.begin() + 1, places.end(), random);
  for (std::size_t i = 0; i < places.size(); ++i) rig.put_pte(places[i], places[(i + 1) % places.size()]);
}

// Mean cycles of a load when all places have been visited twice.
template <class Rig>
double cycles_per_load(Rig& rig, std::size_t places) {
  rig.hart.state_changed();
  const auto run_loads = [&](std::uint64_t loads) {
    const std::uint64_t until = rig.state().retired + loads / kUnrolled * (kUnrolled + 1);
    while (rig.state().retired < until) rig.hart.run(1, false);
  };
  run_loads(2 * places + kUnrolled);
  const Cycles before = rig.state().cycle;
  const std::uint64_t retired = rig.state().retired;
  run_loads(4 * places);
  const auto loads = static_cast<double>(rig.state().retired - retired) * kUnrolled / (kUnrolled + 1);
  return static_cast<double>(rig.state().cycle - before) / loads;
}

mem::HierarchyConfig three_levels() {
  mem::HierarchyConfig levels;
  using mem::Replacement;
  levels.l1d = {.size_bytes = 4096, .ways = 4, .replacement = Replacement::fifo};
  levels.l2 = {.size_bytes = 16384, .ways = 4, .hit_latency = 12, .replacement = Replacement::lru};
  levels.has_llc = true;
  levels.llc = {.size_bytes = 65536, .ways = 4, .hit_latency = 31, .replacement = Replacement::plru};
  levels.memory_latency = 83;
  return levels;
}

double chase(std::uint64_t bytes, const mem::HierarchyConfig& levels) {
  auto rig = timed({}, {}, levels);
  put_chase(*rig);
  std::vector<std::uint64_t> places(bytes / 64);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = kData + 64 * i;
  put_ring(*rig, places);
  return cycles_per_load(*rig, places.size());
}

TEST(Shape, APointerChaseShowsEachLevelsLatencyAtItsFootprint) {
  const mem::HierarchyConfig levels = three_levels();
  const double l1 = chase(4096, levels);
  EXPECT_NEAR(chase(1024, levels), l1, 0.01);
  EXPECT_NEAR(chase(2 * 4096, levels) - l1, 12, 0.01)
      << "in fifo order, a cycle beyond the size always misses";
  EXPECT_NEAR(chase(3 * 4096, levels) - l1, 12, 0.01) << "with a way left for the code";
  // The code's line leaves the inclusive L2 once per turn, and the L1I with it.
  EXPECT_NEAR(chase(2 * 16384, levels) - l1, 12 + 31, 0.2);
  EXPECT_NEAR(chase(1 << 20, levels) - l1, 12 + 31 + 83, 1.0) << "a tree keeps a few";
}

TEST(Shape, WithoutAnL2MemoryShowsBehindTheL1) {
  mem::HierarchyConfig levels = three_levels();
  levels.has_l2 = levels.has_llc = false;
  levels.l1d.miss_latency = 7;
  EXPECT_NEAR(chase(2 * 4096, levels) - chase(2048, levels), 83 + 7, 0.01);
}

// Maps the data region by 4 KiB pages; one line per page, each in a set of its own as far as there are any.
double chase_pages(unsigned pages, mmu::TlbHierarchyConfig tlbs, bool two_stage = false) {
  mem::HierarchyConfig levels;
  levels.l1d.size_bytes = std::uint64_t{256} << 10;  // holds data and PTEs: what is left is translation
  levels.l2.size_bytes = std::uint64_t{2} << 20;
  auto rig = timed({}, tlbs, levels);
  put_chase(*rig);
  std::vector<std::uint64_t> places(pages);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = kData + isa::kPageBytes * i + i % 64 * 64;
  put_ring(*rig, places);
  using namespace isa::pte;
  const auto map = [&](std::uint64_t root, std::uint64_t user) {
    const std::uint64_t middle = root + 0x4000;
    rig->put_pte(root + (kRam >> 30) * 8, middle >> 12 << ppn_shift | v);
    for (std::uint64_t block = 0; block < 8; ++block) {  // the 16 MiB of RAM
      const std::uint64_t leaf = root + 0x5000 + block * 0x1000;
      rig->put_pte(middle + block * 8, leaf >> 12 << ppn_shift | v);
      for (std::uint64_t page = 0; page < 512; ++page)
        rig->put_pte(leaf + page * 8, (kRam + (block * 512 + page) * isa::kPageBytes) >> 12 << ppn_shift | v |
                                          r | w | x | a | d | user);
    }
  };
  map(kTables, 0);
  auto& csr = rig->state().csr;
  if (two_stage) {
    map(kTables + 0x2'0000, u);
    csr.vsatp = isa::csr::kModeSv39 << 60 | kTables >> 12;
    csr.hgatp = isa::csr::kModeSv39 << 60 | (kTables + 0x2'0000) >> 12;
  } else {
    csr.satp = isa::csr::kModeSv39 << 60 | kTables >> 12;
  }
  csr.pmpcfg[0] = 0x1F;
  csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  rig->state().mode = {isa::Privilege::supervisor, two_stage};
  return cycles_per_load(*rig, places.size());
}

const auto kStart = static_cast<double>(TimingConfig{}.walk_start),
           kRead = static_cast<double>(TimingConfig{}.walk_read);

TEST(Shape, TlbReachEndsAtTheNumberOfEntriesOfEachLevel) {
  mmu::TlbHierarchyConfig tlbs;
  tlbs.dtlb = {.entries = 16, .ways = 16};
  tlbs.l2 = {.entries = 128, .ways = 64, .hit_latency = 5, .replacement = mem::Replacement::lru};
  const double inside = chase_pages(8, tlbs);
  EXPECT_NEAR(chase_pages(16, tlbs), inside, 0.01);
  EXPECT_NEAR(chase_pages(17, tlbs) - inside, 5, 0.01);
  EXPECT_NEAR(chase_pages(120, tlbs) - inside, 5, 0.01);
  EXPECT_NEAR(chase_pages(160, tlbs) - inside, 5 + kStart + 3 * kRead, 0.01);
  EXPECT_NEAR(chase_pages(160, tlbs, true) - inside, 5 + kStart + 15 * kRead, 0.01);
}

// The same pages behind different replacement policies of the first level: hits that level zero serves are
// seen where the policy minds them, or the miss count would differ from that of the policy alone.
TEST(Shape, LeastRecentlyUsedFirstLevelTlbsKeepWhatIsInUse) {
  for (const auto policy : {mem::Replacement::lru, mem::Replacement::plru, mem::Replacement::nru}) {
    mmu::TlbHierarchyConfig tlbs;
    tlbs.dtlb = {.entries = 16, .ways = 16, .replacement = policy};
    EXPECT_NEAR(chase_pages(16, tlbs), chase_pages(8, tlbs), 0.01);
    if (policy == mem::Replacement::lru) {
      EXPECT_NEAR(chase_pages(17, tlbs) - chase_pages(8, tlbs), static_cast<double>(tlbs.l2.hit_latency),
                  0.01);
    }
  }
}

TEST(Shape, TheWalkersCachesTakeOffTheExpectedReads) {
  mmu::TlbHierarchyConfig tlbs;
  tlbs.dtlb = {.entries = 16, .ways = 16};
  tlbs.has_l2 = false;
  const double whole = chase_pages(160, tlbs, true);
  tlbs.walk_caches.first.entries = 16;
  EXPECT_NEAR(whole - chase_pages(160, tlbs, true), 2 * (3 + 1) * kRead, 0.01) << "two guest tables";
  tlbs.walk_caches.has_g_tlb = true;
  tlbs.walk_caches.g_tlb = {
      .entries = 256, .ways = 64, .hit_latency = 0, .replacement = mem::Replacement::lru};
  EXPECT_NEAR(whole - chase_pages(160, tlbs, true), (15 - 1) * kRead, 0.01)
      << "only the guest's leaf PTE is left";
}

// Loads, stores, multiplications and mispredicted branches over pages and lines that miss now and then.
Cycles mixed_work(const TimingConfig& costs, const mmu::TlbHierarchyConfig& tlbs,
                  const mem::HierarchyConfig& levels, const PipelineConfig& pipeline = {}) {
  auto rig = timed(costs, tlbs, levels, pipeline);
  std::mt19937 random(4);
  std::vector<std::uint64_t> places(300);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = kData + random() % 0x40'0000 / 64 * 64;
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  put_ring(*rig, places);
  for (const std::uint64_t place : places) rig->put_pte(place + 8, random() % 2);
  rig->put(kRam, {as::ld(7, 5, 8), as::bne(7, 0, 12), as::mul(8, 8, 7), as::fadd_d(1, 1, 2), as::sd(8, 5, 16),
                  as::ld(5, 5, 0), as::lr_d(9, 5), as::sc_d(9, 5, 9), as::mul(8, 8, 8), as::jalr(0, 6, 0)});
  rig->state().x[5] = kData;
  rig->state().x[6] = kRam;
  rig->state().csr.mstatus |= isa::csr::kFs;
  rig->put_pte(kData, places[0]);
  rig->hart.state_changed();
  while (rig->state().retired < 4'000) rig->hart.run(1, false);
  return rig->state().cycle;
}

TEST(Shape, HalvingALatencyNeverSlowsAnything) {
  TimingConfig costs;
  mmu::TlbHierarchyConfig tlbs;
  PipelineConfig pipeline;
  for (const bool banked : {false, true}) {
    mem::HierarchyConfig levels;
    levels.dram.banked = banked;
    levels.l1d.miss_latency = levels.l1i.miss_latency = levels.l2.miss_latency = 4;
    const Cycles whole = mixed_work(costs, tlbs, levels, pipeline);
    Cycles* const latencies[] = {&costs.alu,
                                 &costs.mul,
                                 &costs.load_use,
                                 &costs.fp_add,
                                 &costs.taken,
                                 &pipeline.atomic,
                                 &pipeline.resolve,
                                 &pipeline.fetch_to_issue,
                                 &pipeline.redirect,
                                 &pipeline.load_after_miss,
                                 &levels.l1d.miss_latency,
                                 &levels.l1i.miss_latency,
                                 &levels.l2.hit_latency,
                                 &levels.l2.miss_latency,
                                 &levels.memory_latency,
                                 &levels.memory_write_latency,
                                 &levels.dram.controller_latency,
                                 &levels.dram.cas,
                                 &levels.dram.activate,
                                 &levels.dram.precharge};
    unsigned faster = 0;
    for (Cycles* const latency : latencies) {
      const Cycles before = *latency;
      *latency = before / 2;
      const Cycles halved = mixed_work(costs, tlbs, levels, pipeline);
      EXPECT_LE(halved, whole) << "latency number " << latency - latencies[0] << " of " << before;
      faster += halved < whole;
      *latency = before;
    }
    EXPECT_GE(faster, 8U);
  }
}

// Eight loads of lines that miss, then their sum: how many are under way at a time is what registers allow.
template <class Rig>
Cycles gather(Rig& rig) {
  std::uint64_t at = kRam;
  for (unsigned i = 0; i < 8; ++i, at += 4) rig.put(at, {as::ld(10 + i, 5, static_cast<int>(i) * 64)});
  for (unsigned i = 0; i < 8; ++i, at += 4) rig.put(at, {as::add(9, 9, 10 + i)});
  rig.put(at, {as::addi(5, 5, 512), as::jalr(0, 6, 0)});
  rig.state().x[5] = kData;
  rig.state().x[6] = kRam;
  rig.hart.state_changed();
  while (rig.state().retired < 18U * 200) rig.hart.run(1, false);
  return rig.state().cycle;
}

// Stores of a line each that misses: what the queues in front of the cache hold may be under way together.
template <class Rig>
Cycles scatter(Rig& rig) {
  std::uint64_t at = kRam;
  for (unsigned i = 0; i < 8; ++i, at += 4) rig.put(at, {as::sd(9, 5, static_cast<int>(i) * 64)});
  rig.put(at, {as::addi(5, 5, 512), as::jalr(0, 6, 0)});
  rig.state().x[5] = kData;
  rig.state().x[6] = kRam;
  rig.hart.state_changed();
  while (rig.state().retired < 10U * 200) rig.hart.run(1, false);
  return rig.state().cycle;
}

bool within_three_percent(Cycles fast, Cycles detailed) {
  return std::abs(static_cast<double>(fast) - static_cast<double>(detailed)) <=
         0.03 * static_cast<double>(detailed);
}

TEST(Shape, MoreMissRegistersNeverSlowStores) {
  Cycles last_fast = ~Cycles{0}, last_detailed = last_fast;
  for (const unsigned registers : {1U, 2U, 4U, 8U}) {
    mem::HierarchyConfig levels;
    levels.l1d.mshrs = registers;
    const Cycles fast = scatter(*timed({}, {}, levels)), detailed = scatter(*detailed_with(levels));
    EXPECT_LE(fast, last_fast) << registers;
    EXPECT_LE(detailed, last_detailed) << registers;
    if (registers == 4) {
      EXPECT_LT(fast, last_fast);
      EXPECT_LT(detailed, last_detailed);
    }
    EXPECT_PRED2(within_three_percent, fast, detailed) << registers;
    last_fast = fast;
    last_detailed = detailed;
  }
}

TEST(Shape, MoreMissRegistersNeverSlowAnythingAndHelpWhereMissesAreIndependent) {
  PipelineConfig pipeline;
  pipeline.scoreboard_entries = 32;
  Cycles last_fast = ~Cycles{0}, last_detailed = last_fast, chased = last_fast;
  for (const unsigned registers : {1U, 2U, 4U, 8U, 16U}) {
    mem::HierarchyConfig levels;
    levels.l1d.mshrs = registers;
    const Cycles fast = gather(*timed({}, {}, levels, pipeline));
    const Cycles detailed = gather(*detailed_with(levels, pipeline));
    if (registers <= 8) {
      EXPECT_LT(fast, last_fast) << registers;
      EXPECT_LT(detailed, last_detailed) << registers;
    } else {
      EXPECT_LE(fast, last_fast) << "there are only eight loads";
      EXPECT_LE(detailed, last_detailed);
    }
    EXPECT_PRED2(within_three_percent, fast, detailed) << registers;
    last_fast = fast;
    last_detailed = detailed;
    const auto chain = static_cast<Cycles>(chase(1 << 20, levels) * 1000);
    EXPECT_LE(chain, chased) << "nothing is independent in a chain";
    chased = chain;
  }
}

// Four harts that work for themselves and meet at a counter and a shared array: the slowest one's cycles per
// instruction, as each runs on to the end of its last quantum.
double shared_work(int own_turns, Cycles quantum) {
  constexpr unsigned kHarts = 4;
  auto ram = make_ram();
  mem::HierarchyConfig levels;
  auto caches = std::move(mem::Hierarchy::create(levels, kHarts, ram->ram()).value());
  std::vector<FakeDevices> devices(kHarts);
  std::vector<std::unique_ptr<Engine<InOrder>>> harts;
  // Own work, then an update of the shared line and a look at the shared array.
  std::uint64_t at = kRam;
  for (const std::uint32_t word :
       {as::addi(7, 0, own_turns), as::mul(8, 8, 7), as::ld(9, 10, 0), as::addi(7, 7, -1), as::bne(7, 0, -12),
        as::lr_d(11, 5), as::addi(11, 11, 1), as::sc_d(12, 5, 11), as::ld(13, 14, 0), as::addi(15, 15, 1),
        as::jalr(0, 6, 0)}) {
    ram->write(isa::Hpa{at}, word);
    at += 4;
  }
  for (unsigned number = 0; number < kHarts; ++number) {
    harts.push_back(
        std::make_unique<Engine<InOrder>>(HartConfig{.hart_id = number}, *ram, devices[number],
                                          InOrder({}, BranchPredictorConfig{}, {}, *caches, number)));
    auto& state = harts.back()->hart_state();
    state.pc = state.x[6] = kRam;
    state.x[5] = kData;
    state.x[14] = kData + 0x1000;
    state.x[10] = kData + 0x10'0000 * (number + 1);
    harts.back()->state_changed();
  }
  double slowest = 0;
  std::vector<bool> done(kHarts, false);
  for (unsigned left = kHarts; left != 0;)
    for (unsigned number = 0; number < kHarts; ++number) {
      if (done[number]) continue;
      harts[number]->run(quantum, false);
      const HartState& state = harts[number]->hart_state();
      if (state.retired < 200'000) continue;
      done[number] = true;
      --left;
      slowest = std::max(slowest, static_cast<double>(state.cycle) / static_cast<double>(state.retired));
    }
  return slowest;
}

// The longer the quantum, the longer a hart keeps what it would have had to give away. The stated bounds are
// for a line that each of four harts writes every 400 and every 4,000 cycles.
TEST(Shape, TheQuantumMovesResultsByLessThanTheStatedBound) {
  for (const auto& [own_turns, bound] : {std::pair{80, 0.12}, std::pair{800, 0.015}}) {
    const double fine = shared_work(own_turns, 100);
    for (const Cycles quantum : {1'000U, 10'000U})
      EXPECT_NEAR(shared_work(own_turns, quantum) / fine, 1, bound) << own_turns << " turns, " << quantum;
  }
}

}  // namespace
}  // namespace hvsim::cpu::test
