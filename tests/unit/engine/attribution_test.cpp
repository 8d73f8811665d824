// Whose events and interrupts they were: shares that add up, and waits from pending to handler.
#include <gtest/gtest.h>

#include <tuple>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

constexpr std::uint32_t kMret = 0x3020'0073, kSret = 0x1020'0073;
constexpr isa::Mode kVs{isa::Privilege::supervisor, true}, kHs{isa::Privilege::supervisor, false};

std::uint64_t of(const EventCounts& counts, Event event) { return counts[static_cast<std::size_t>(event)]; }

void open_memory(HartState& state) {
  state.csr.pmpcfg[0] = 0x1F;
  state.csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
}

TEST(Attribution, SharesOfModesAddUpToTheTotalsOfTheModels) {
  auto rig = timed();
  open_memory(rig->state());
  auto& csr = rig->state().csr;
  csr.mtvec = kRam + 0x100;
  rig->state().x[5] = kRam + 0x4000;
  rig->state().x[6] = 4;
  rig->put(kRam, {as::ld(1, 5, 0), as::addi(2, 2, 1), as::bne(0, 6, 8), as::nop, as::ecall});
  rig->put(kRam + 0x100, {as::sd(1, 5, 64), as::addi(5, 5, 256), as::csrrw(0, isa::csr::mepc, 7), kMret});
  rig->state().x[7] = kRam;
  rig->state().mode = {isa::Privilege::user, false};  // and MPP is U, too
  rig->hart.state_changed();
  for (int i = 0; i < 20; ++i) rig->hart.run(101, false);
  rig->hart.settle_statistics();

  EventCounts sum{};
  const auto activity = rig->hart.accountant().activity();
  for (const auto& [owner, done] : activity) {
    std::uint64_t cycles = 0;
    for (const auto part : done.components) cycles += part;
    EXPECT_EQ(cycles, of(done.events, Event::cycles));
    EXPECT_LE(of(done.events, Event::l1d_misses), of(done.events, Event::l1d_accesses));
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += done.events[i];
  }
  EXPECT_EQ(of(sum, Event::cycles), rig->state().cycle);
  EXPECT_EQ(of(sum, Event::instructions), rig->state().retired);
  EXPECT_EQ(of(sum, Event::traps), rig->hart.counters().traps);
  EXPECT_EQ(of(sum, Event::l1d_accesses), rig->caches->l1d_stats(0).accesses);
  EXPECT_EQ(of(sum, Event::l1d_misses), rig->caches->l1d_stats(0).misses);
  EXPECT_EQ(of(sum, Event::l1i_accesses), rig->caches->l1i_stats(0).accesses);
  EXPECT_EQ(of(sum, Event::branch_instructions), rig->hart.timing().predictor.stats().branches);

  std::uint64_t traps = 0;
  rig->hart.accountant().traps().for_each([&](const TrapTaken& taken, std::uint64_t count) {
    EXPECT_EQ(taken.from, (isa::Mode{isa::Privilege::user, false}));
    EXPECT_EQ(taken.to, (isa::Mode{isa::Privilege::machine, false}));
    EXPECT_EQ(taken.trap.code, static_cast<unsigned>(isa::Exception::ecall_from_u));
    EXPECT_FALSE(taken.trap.interrupt);
    traps += count;
  });
  EXPECT_EQ(traps, rig->hart.counters().traps);

  // Each turn loads once in U-mode and stores once in M-mode, and traps from U-mode.
  const auto& user = activity.at({kNoVm, 0, {isa::Privilege::user, false}}).events;
  const auto& machine = activity.at({kNoVm, 0, {isa::Privilege::machine, false}}).events;
  ASSERT_GT(rig->hart.counters().traps, 5u);
  EXPECT_NEAR(static_cast<double>(of(user, Event::l1d_accesses)),
              static_cast<double>(of(machine, Event::l1d_accesses)), 1.0);
  EXPECT_EQ(of(machine, Event::branch_instructions), 0u);
  EXPECT_EQ(of(user, Event::traps), rig->hart.counters().traps);
}

// Eight megapages of RAM at themselves.
void map_megapages(Rig<InOrder>& rig, std::uint64_t root, std::uint64_t leaf_bits) {
  constexpr std::uint64_t kMegapage = 0x20'0000;
  const std::uint64_t middle = root + 0x4000;
  rig.put_pte(root + (kRam >> 30) * 8, middle >> 12 << 10 | isa::pte::v);
  for (std::uint64_t i = 0; i < kRamBytes / kMegapage; ++i)
    rig.put_pte(middle + i * 8, (kRam + i * kMegapage) >> 12 << 10 | leaf_bits);
}

TEST(Attribution, SharedCachesAndWalkCachesKnowForWhomTheyWork) {
  mem::HierarchyConfig levels;
  levels.has_llc = true;
  mmu::TlbHierarchyConfig tlbs;
  tlbs.walk_caches = {.first = {.entries = 4}, .g_stage = {.entries = 4}, .has_g_tlb = true};
  auto rig = timed({}, tlbs, levels);
  open_memory(rig->state());
  const std::uint64_t guest_root = kRam + 0x10'0000, g_root = kRam + 0x12'0000;
  map_megapages(*rig, guest_root, 0xCF);
  map_megapages(*rig, g_root, 0xDF);
  auto& csr = rig->state().csr;
  csr.vsatp = isa::csr::kModeSv39 << 60 | guest_root >> 12;
  csr.hgatp = isa::csr::kModeSv39 << 60 | g_root >> 12;
  csr.mtvec = kRam + 0x100;
  rig->state().x[5] = kRam;
  rig->state().x[6] = 0x20'0040;
  rig->state().x[7] = kRam;
  rig->put(kRam, {as::ld(1, 5, 0), as::add(5, 5, 6), as::ecall});  // after eight loads each faults
  rig->put(kRam + 0x100, {as::csrrw(0, isa::csr::mepc, 7), kMret});
  rig->state().mode = kVs;
  rig->hart.state_changed();
  for (int i = 0; i < 20; ++i) rig->hart.run(500, false);
  rig->hart.settle_statistics();

  const auto activity = rig->hart.accountant().activity();
  const EventCounts& guest = activity.at({kNoVm, 0, kVs}).events;
  const EventCounts& machine = activity.at({kNoVm, 0, {isa::Privilege::machine, false}}).events;
  const auto expect_parts = [&](Event event, std::uint64_t whole) {
    EXPECT_EQ(of(guest, event) + of(machine, event), whole) << static_cast<int>(event);
  };
  expect_parts(Event::l2_accesses, rig->caches->l2_stats().accesses);
  expect_parts(Event::l2_misses, rig->caches->l2_stats().misses);
  expect_parts(Event::llc_accesses, rig->caches->llc_stats().accesses);
  expect_parts(Event::llc_misses, rig->caches->llc_stats().misses);
  EXPECT_EQ(of(guest, Event::llc_accesses), of(guest, Event::l2_misses));
  EXPECT_EQ(of(machine, Event::l2_accesses), 1u) << "the handler is one line";
  EXPECT_GE(of(guest, Event::l2_accesses), 9u) << "its own code and eight lines";

  const mmu::WalkCaches& walker = rig->hart.timing().tlbs.walk_caches();
  const std::tuple<Event, Event, mmu::TlbStats> caches[] = {
      {Event::gtlb_accesses, Event::gtlb_misses, walker.g_tlb_stats()},
      {Event::walk_cache_first_accesses, Event::walk_cache_first_misses, walker.first_stats()},
      {Event::walk_cache_g_accesses, Event::walk_cache_g_misses, walker.g_stage_stats()}};
  for (const auto& [accesses, misses, stats] : caches) {
    EXPECT_EQ(of(guest, accesses), stats.lookups);
    EXPECT_EQ(of(guest, misses), stats.misses);
    EXPECT_GT(stats.lookups, stats.misses);
    EXPECT_GT(stats.misses, 0u);
    EXPECT_EQ(of(machine, accesses), 0u) << "addresses there are physical";
  }
}

TEST(Attribution, AnAccessThatFaultsIsALookupOfItsOwn) {
  auto rig = timed();
  open_memory(rig->state());
  auto& csr = rig->state().csr;
  csr.satp = isa::csr::kModeSv39 << 60 | (kRam + 0x10'0000) >> 12;
  // One gigapage: RAM; nothing else.
  rig->put_pte(kRam + 0x10'0000 + (kRam >> 30) * 8, kRam >> 12 << 10 | 0xCF);
  csr.mtvec = kRam + 0x100;
  rig->put(kRam, {as::ld(1, 0, 0), as::self});  // faults
  rig->put(kRam + 0x100, {as::self});
  rig->state().mode = kHs;
  rig->hart.state_changed();
  rig->hart.run(100, false);
  rig->hart.settle_statistics();
  const auto activity = rig->hart.accountant().activity();
  const auto& events = activity.at({kNoVm, 0, kHs}).events;
  EXPECT_EQ(of(events, Event::dtlb_misses), 1u);
  EXPECT_EQ(of(events, Event::dtlb_accesses), 1u);
  EXPECT_EQ(of(events, Event::itlb_accesses), 1u);
}

TEST(Attribution, ResettingForgetsAndGoesOn) {
  auto rig = timed();
  rig->put(kRam, {as::nop, as::self});
  rig->hart.run(100, false);
  const isa::Cycles before = rig->state().cycle;
  rig->hart.reset_statistics(before);
  rig->hart.run(100, false);
  EXPECT_EQ(rig->all_cells(), rig->state().cycle - before);
  rig->hart.settle_statistics();
  const auto activity = rig->hart.accountant().activity();
  ASSERT_EQ(activity.size(), 1u);
  EXPECT_EQ(of(activity.begin()->second.events, Event::cycles), rig->state().cycle - before);
}

// More VCPUs and phases than an accountant remembers the places of, told apart by their numbers.
TEST(Attribution, CyclesAreBookedToWhomeverTheyBelongHoweverManyThereAre) {
  using isa::HypervisorPhase, isa::MarkKind;
  Accountant accountant;
  HartState hart;
  hart.mode = kHs;
  accountant.mode_changed(hart);
  const auto cycles = [](std::uint64_t vm, std::uint64_t vcpu, HypervisorPhase phase) {
    return vm * 1000 + vcpu * 20 + static_cast<std::uint64_t>(phase) + 1;
  };
  const auto kind = [](MarkKind mark) { return static_cast<std::uint16_t>(mark); };
  constexpr HypervisorPhase phases[] = {HypervisorPhase::exit, HypervisorPhase::drain,
                                        HypervisorPhase::restore};
  constexpr unsigned vms = 40, vcpus = 5, rounds = 3;
  for (unsigned round = 0; round < rounds; ++round)
    for (unsigned vm = 0; vm < vms; ++vm)
      for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
        accountant.marked(hart, kind(MarkKind::vcpu), isa::mark_vcpu(vm, vcpu));
        for (const HypervisorPhase phase : phases) {
          accountant.marked(hart, kind(MarkKind::phase), static_cast<std::uint64_t>(phase));
          accountant.row()[static_cast<unsigned>(Component::hypervisor)] += cycles(vm, vcpu, phase);
        }
      }
  for (unsigned vm = 0; vm < vms; ++vm)
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu)
      for (const HypervisorPhase phase : phases) {
        const CellKey key{
            .vm = vm, .vcpu = vcpu, .mode = kHs, .in_exit = true, .cause = kResumed, .phase = phase};
        const auto& cell = *accountant.cells().at(key);
        EXPECT_EQ(cell[static_cast<unsigned>(Component::hypervisor)], rounds * cycles(vm, vcpu, phase));
      }
}

// One hart puts the VCPU in line, the other takes it; what went on at the reset counts from there.
TEST(Attribution, TimesOfVcpusAddUpOverHartsAndBeginAnewAtAReset) {
  using isa::VcpuActivity;
  std::array<Accountant, 2> harts;
  HartState state;
  state.mode = kHs;
  const auto change = [&](std::size_t hart, isa::Cycles now, VcpuActivity before, VcpuActivity after) {
    state.cycle = now;
    harts[hart].marked(state, static_cast<std::uint16_t>(isa::MarkKind::vcpu_activity),
                       isa::mark_activity(3, 1, before, after));
  };
  const auto time_in = [&](VcpuActivity activity, std::int64_t end) {
    const auto kind = static_cast<std::size_t>(activity);
    std::int64_t sum = 0;
    for (const Accountant& hart : harts)
      if (hart.activities().contains(3))
        sum += hart.activities().at(3).cycles[kind] + end * hart.activities().at(3).begun[kind];
    return sum;
  };
  change(0, 100, VcpuActivity::off, VcpuActivity::ready);
  change(1, 250, VcpuActivity::ready, VcpuActivity::running);
  EXPECT_EQ(time_in(VcpuActivity::ready, 1000), 150);
  EXPECT_EQ(time_in(VcpuActivity::running, 1000), 750);

  for (Accountant& hart : harts) hart.reset(1000);
  change(1, 1400, VcpuActivity::running, VcpuActivity::blocked);
  EXPECT_EQ(time_in(VcpuActivity::ready, 2000), 0);
  EXPECT_EQ(time_in(VcpuActivity::running, 2000), 400);
  EXPECT_EQ(time_in(VcpuActivity::blocked, 2000), 600);

  state.mode = kVs;  // a guest has no say in it
  change(1, 1500, VcpuActivity::blocked, VcpuActivity::running);
  EXPECT_EQ(time_in(VcpuActivity::blocked, 2000), 600);
}

// A hart and what its software says, one after the other; time passes in between.
class Told {
 public:
  void trap(isa::Cycles at, isa::Mode from, isa::Mode to, isa::Trap why) {
    pass(at);
    state_.mode = to;
    accountant.trapped(state_, {.from = from, .to = to, .trap = why});
  }
  void enter(isa::Cycles at) {
    pass(at);
    state_.mode = kVs;
    accountant.mode_changed(state_);
  }
  void mark(isa::Cycles at, isa::MarkKind kind, std::uint64_t value) {
    pass(at);
    accountant.marked(state_, static_cast<std::uint16_t>(kind), value);
  }
  std::uint64_t cycles(const CellKey& key) const {
    const auto found = accountant.cells().find(key);
    return found == accountant.cells().end() ? 0 : (*found->second)[0];
  }

  Accountant accountant;

 private:
  void pass(isa::Cycles until) {
    accountant.row()[0] += until - state_.cycle;
    state_.cycle = until;
  }
  HartState state_{.mode = kHs};
};

TEST(Exits, EndWhereTheHartIsGivenToAnotherVcpuOrToNobody) {
  using isa::HypervisorPhase;
  using isa::MarkKind;
  constexpr isa::Trap timer{.interrupt = true, .code = 5}, wfi{.interrupt = false, .code = 22};
  constexpr ExitCause by_timer{.interrupt = true, .code = 5}, by_wfi{.interrupt = false, .code = 22};
  const auto schedule = static_cast<std::uint64_t>(HypervisorPhase::schedule);
  Told hart;
  hart.mark(10, MarkKind::vcpu, isa::mark_vcpu(0, 0));
  hart.enter(20);
  hart.trap(100, kVs, kHs, timer);
  hart.mark(110, MarkKind::phase, schedule);
  hart.mark(150, MarkKind::vcpu, isa::mark_vcpu(1, 0));
  hart.enter(207);
  hart.trap(300, kVs, kHs, wfi);
  hart.mark(330, MarkKind::vcpu, isa::kMarkNoVcpu);
  hart.mark(335, MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::idle));
  hart.mark(1000, MarkKind::phase, schedule);
  hart.mark(1011, MarkKind::vcpu, isa::mark_vcpu(0, 0));
  hart.enter(1040);
  hart.trap(1100, kVs, kHs, timer);
  hart.enter(1160);  // nobody else wanted the hart

  const auto& exits = hart.accountant.exits();
  ASSERT_EQ(exits.size(), 4u);
  const auto expect = [&](ExitKey key, std::uint64_t count, std::uint64_t cycles) {
    ASSERT_TRUE(exits.contains(key));
    EXPECT_EQ(exits.at(key).count(), count);
    EXPECT_EQ(exits.at(key).sum(), cycles);
  };
  expect({0, by_timer}, 2, 50 + 60);
  expect({1, by_wfi}, 1, 30);
  expect({0, kResumed}, 2, 10 + 29);
  expect({1, kResumed}, 1, 57);

  const auto cell = [&](std::uint32_t vm, ExitCause cause, HypervisorPhase phase) {
    return hart.cycles({.vm = vm, .mode = kHs, .in_exit = true, .cause = cause, .phase = phase});
  };
  EXPECT_EQ(cell(0, by_timer, HypervisorPhase::schedule), 40u);
  EXPECT_EQ(cell(1, by_timer, HypervisorPhase::schedule), 0u) << "what another one left for";
  EXPECT_EQ(cell(1, kResumed, HypervisorPhase::schedule), 57u);
  EXPECT_EQ(cell(kNoVm, kResumed, HypervisorPhase::idle), 665u);
  EXPECT_EQ(cell(kNoVm, kResumed, HypervisorPhase::schedule), 11u);
  std::uint64_t all = 0;
  for (const auto& [key, cycles] : hart.accountant.cells()) all += (*cycles)[0];
  EXPECT_EQ(all, 1160u - 10u + 10u);
}

const statistics::Histogram& only_latency(const Hart& hart, InterruptKey expected) {
  static const statistics::Histogram none;
  const auto& all = hart.interrupt_times().latencies();
  EXPECT_TRUE(all.contains(expected)) << all.size() << " others";
  return all.contains(expected) ? all.at(expected) : none;
}

constexpr std::uint8_t code(isa::Interrupt interrupt) { return static_cast<std::uint8_t>(interrupt); }

TEST(InterruptLatency, OfATimerIsWhatTheTrapTakesWhenNothingIsInTheWay) {
  auto rig = functional();
  rig->put(kRam, {as::self});
  rig->put(kRam + 0x100, {as::self});
  auto& csr = rig->state().csr;
  csr.mtvec = kRam + 0x100;
  csr.mie = isa::bit(isa::Interrupt::machine_timer);
  csr.mstatus |= isa::csr::kMie;
  rig->state().mtimecmp = 5;  // ticks of 100 cycles
  rig->hart.state_changed();
  rig->hart.run(1000, false);
  const auto& latency = only_latency(
      rig->hart,
      {kNoVm, {isa::Privilege::machine, false}, code(isa::Interrupt::machine_timer), InterruptPath::direct});
  EXPECT_EQ(latency.count(), 1u);
  EXPECT_EQ(latency.sum(), 1u) << "trap entry in a run without time";
}

TEST(InterruptLatency, CountsWhileInterruptsAreOff) {
  auto rig = functional();
  rig->put(kRam, {as::addi(1, 1, 1), as::bne(1, 2, -4), as::csrrw(0, isa::csr::mstatus, 3), as::self});
  rig->put(kRam + 0x100, {as::self});
  rig->state().x[2] = 400;  // 800 instructions
  rig->state().x[3] = isa::csr::kMie;
  auto& csr = rig->state().csr;
  csr.mtvec = kRam + 0x100;
  csr.mie = isa::bit(isa::Interrupt::machine_timer);
  rig->state().mtimecmp = 5;
  rig->hart.state_changed();
  rig->hart.run(2000, false);
  const auto& latency = only_latency(
      rig->hart,
      {kNoVm, {isa::Privilege::machine, false}, code(isa::Interrupt::machine_timer), InterruptPath::direct});
  EXPECT_EQ(latency.count(), 1u);
  EXPECT_EQ(latency.sum(), 801u - 500u + 1u)
      << "from the tick, over the loop and the CSR write, and the trap";
}

// A guest without Sstc: its timer is the hypervisor's, which injects.
TEST(InterruptLatency, OfAnInjectedInterruptBeginsWithTheOneThatTheHypervisorHandled) {
  auto rig = functional();
  open_memory(rig->state());
  rig->put(kRam, {as::self});  // guest
  rig->put(kRam + 0x100, {as::csrrw(0, isa::csr::hvip, 1), as::csrrw(0, isa::csr::stimecmp, 2), kSret});
  rig->put(kRam + 0x200, {as::self});  // the guest's handler
  rig->state().x[1] = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  rig->state().x[2] = ~std::uint64_t{0};
  auto& csr = rig->state().csr;
  csr.menvcfg |= std::uint64_t{1} << 63;  // STCE: stimecmp drives STIP
  csr.mcounteren = 2;                     // TM: HS-mode may write it
  csr.stvec = kRam + 0x100;
  csr.vstvec = kRam + 0x200;
  csr.mideleg = isa::bit(isa::Interrupt::supervisor_timer);
  csr.hideleg = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  csr.mie = isa::bit(isa::Interrupt::supervisor_timer) | isa::bit(isa::Interrupt::virtual_supervisor_timer);
  csr.vsstatus |= isa::csr::kSie;
  csr.stimecmp = 5;
  rig->state().mode = kVs;
  rig->hart.state_changed();
  rig->hart.run(1000, false);
  ASSERT_EQ(rig->state().mode, kVs);
  ASSERT_EQ(rig->state().pc, kRam + 0x200);
  const auto& all = rig->hart.interrupt_times().latencies();
  EXPECT_EQ(all.size(), 2u);
  const auto& host =
      only_latency(rig->hart, {kNoVm, kHs, code(isa::Interrupt::supervisor_timer), InterruptPath::direct});
  EXPECT_EQ(host.sum(), 1u);
  const auto& guest = only_latency(
      rig->hart, {kNoVm, kVs, code(isa::Interrupt::virtual_supervisor_timer), InterruptPath::trapped});
  EXPECT_EQ(guest.sum(), 1u + 3u + 1u) << "one trap, the hypervisor's three instructions, another trap";
}

// Without Sstc the timer is M-mode's, which makes STIP pending. A hypervisor that has interrupts off and
// polls takes no trap for it, but handles it nevertheless.
TEST(InterruptLatency, OfAnInterruptInjectedByAHypervisorThatPollsBeginsWithWhatItPolledFor) {
  auto rig = functional();
  open_memory(rig->state());
  const std::uint64_t stip = isa::bit(isa::Interrupt::supervisor_timer);
  rig->put(kRam, {as::addi(9, 9, 1), as::bne(9, 10, -4), as::csrrw(0, isa::csr::hvip, 1),
                  as::csrrw(0, isa::csr::sie, 0), kSret});
  rig->put(kRam + 0x100, {as::csrrw(0, isa::csr::mip, 2), as::csrrw(0, isa::csr::mie, 3), kMret});
  rig->put(kRam + 0x200, {as::self});  // the guest's handler
  rig->state().x[1] = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  rig->state().x[2] = stip;
  rig->state().x[3] = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  rig->state().x[10] = 400;  // 800 instructions
  auto& csr = rig->state().csr;
  csr.mtvec = kRam + 0x100;
  csr.vstvec = csr.sepc = kRam + 0x200;
  csr.mideleg = stip;
  csr.hideleg = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  csr.mie = isa::bit(isa::Interrupt::machine_timer);
  csr.vsstatus |= isa::csr::kSie;
  csr.mstatus |= isa::csr::kSpp;
  csr.hstatus |= isa::csr::kSpv;
  rig->state().mtimecmp = 5;  // ticks of 100 cycles: in the midst of the loop
  rig->state().mode = kHs;
  rig->hart.state_changed();
  rig->hart.run(1200, false);
  ASSERT_EQ(rig->state().mode, kVs);
  const auto& guest = only_latency(
      rig->hart, {kNoVm, kVs, code(isa::Interrupt::virtual_supervisor_timer), InterruptPath::trapped});
  EXPECT_EQ(guest.count(), 1u);
  EXPECT_EQ(guest.sum(), 1u + 3u + (800u - 500u) + 3u + 1u)
      << "a trap, M-mode's three instructions, the rest of the loop, three more, another trap";
}

TEST(InterruptLatency, OfAGuestsOwnTimerIsDirect) {
  auto rig = functional();
  open_memory(rig->state());
  rig->put(kRam, {as::self});
  rig->put(kRam + 0x200, {as::self});
  auto& csr = rig->state().csr;
  csr.menvcfg |= std::uint64_t{1} << 63;
  csr.henvcfg |= std::uint64_t{1} << 63;
  csr.vstvec = kRam + 0x200;
  csr.hideleg = csr.mie = isa::bit(isa::Interrupt::virtual_supervisor_timer);
  csr.vsstatus |= isa::csr::kSie;
  csr.vstimecmp = 3;
  rig->state().mode = kVs;
  rig->hart.state_changed();
  rig->hart.run(600, false);
  const auto& guest = only_latency(
      rig->hart, {kNoVm, kVs, code(isa::Interrupt::virtual_supervisor_timer), InterruptPath::direct});
  EXPECT_EQ(guest.count(), 1u);
  EXPECT_EQ(guest.sum(), 1u);
}

}  // namespace
}  // namespace hvsim::cpu::test
