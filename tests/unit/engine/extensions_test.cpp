// Cache blocks, misaligned accesses and event counters on the engine.
#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

namespace csr = isa::csr;
using isa::Exception;

constexpr std::uint32_t cbo(unsigned operation, unsigned base) {
  return as::i_type(0x0F, 2, 0, base, static_cast<int>(operation));
}
constexpr unsigned kInval = 0, kClean = 1, kFlush = 2, kZero = 4;

constexpr std::uint64_t code(Exception e) { return static_cast<std::uint64_t>(e); }

void open_pmp(CsrState& state) {
  state.pmpcfg[0] = 0x1F;
  state.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
}

TEST(CacheBlock, ZeroClearsTheAlignedBlockAndNothingElse) {
  auto rig = functional();
  constexpr std::uint64_t block = kRam + 0x2040;
  for (std::uint64_t at = block - 8; at < block + 72; at += 8)
    rig->memory->write(isa::Hpa{at}, ~std::uint64_t{0});
  rig->state().x[5] = block + 37;
  rig->put(kRam, {cbo(kZero, 5), as::self});
  rig->hart.run(1, false);
  EXPECT_EQ(rig->state().pc, kRam + 4);
  std::uint64_t words[10];
  std::memcpy(words, rig->memory->host_readable(isa::Hpa{block - 8}, 80), 80);
  EXPECT_EQ(words[0], ~std::uint64_t{0});
  for (int i = 1; i <= 8; ++i) EXPECT_EQ(words[i], 0u) << i;
  EXPECT_EQ(words[9], ~std::uint64_t{0});
}

// CMO, "Traps": a store fault, tval is rs1 as it is; "Hypervisor Extension": the transformed instruction.
TEST(CacheBlock, ZeroOutsideRamIsAStoreAccessFault) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().x[5] = 0x5000'0013;
  rig->put(kRam, {cbo(kZero, 5)});
  rig->put(kRam + 0x100, {as::self});
  rig->hart.run(1, false);
  EXPECT_EQ(rig->state().csr.mcause, code(Exception::store_access_fault));
  EXPECT_EQ(rig->state().csr.mtval, 0x5000'0013u);
  EXPECT_EQ(rig->state().csr.mtinst, 0x0040'200Fu);
}

TEST(CacheBlock, AGuestPageFaultTellsTheGuestPhysicalAddressOfRs1) {
  for (const auto& [operation, transformed] :
       {std::pair{kZero, 0x0040'200Fu}, std::pair{kClean, 0x0010'200Fu}, std::pair{kInval, 0x0000'200Fu}}) {
    auto rig = functional();
    CsrState& state = rig->state().csr;
    state.mtvec = kRam;
    state.menvcfg = state.henvcfg = csr::kCbie | csr::kCbcfe | csr::kCbze;
    constexpr std::uint64_t root = kRam + 0x10'0000;
    state.hgatp = csr::kModeSv39 << 60 | root >> 12;
    rig->put_pte(root + 8 * (kRam >> 30), (kRam >> 12) << 10 | 0xDF);  // the code's gigabyte
    open_pmp(state);
    rig->put(kRam, {as::self});
    rig->put(kRam + 0x1000, {cbo(operation, 5)});
    rig->state().x[5] = 0xC000'0135;
    rig->state().mode = {isa::Privilege::supervisor, true};
    rig->state().pc = kRam + 0x1000;
    rig->hart.state_changed();
    rig->hart.run(1, false);
    EXPECT_EQ(state.mcause, code(Exception::store_guest_page_fault));
    EXPECT_EQ(state.mtval, 0xC000'0135u);
    EXPECT_EQ(state.mtval2, 0xC000'0135u >> 2);
    EXPECT_EQ(state.mtinst, transformed);
    EXPECT_NE(state.mstatus & csr::kGva, 0u);
  }
}

// "permitted ... whenever a load instruction or store instruction is permitted"; zeroing needs a store.
TEST(CacheBlock, WhoMayOnlyReadMayManageButNotZero) {
  for (const auto& [operation, faults] : {std::pair{kClean, false}, std::pair{kFlush, false},
                                          std::pair{kInval, false}, std::pair{kZero, true}}) {
    auto rig = functional();
    CsrState& state = rig->state().csr;
    state.mtvec = kRam;
    state.menvcfg = csr::kCbie | csr::kCbcfe | csr::kCbze;
    constexpr std::uint64_t root = kRam + 0x10'0000;
    state.satp = csr::kModeSv39 << 60 | root >> 12;
    rig->put_pte(root + 8 * (kRam >> 30), (kRam >> 12) << 10 | 0x4B);  // V R X A
    open_pmp(state);
    rig->put(kRam, {as::self});
    rig->put(kRam + 0x1000, {cbo(operation, 5), as::self});
    rig->state().x[5] = kRam + 0x3011;
    rig->state().mode = {isa::Privilege::supervisor, false};
    rig->state().pc = kRam + 0x1000;
    rig->hart.state_changed();
    rig->hart.run(1, false);
    EXPECT_EQ(state.mcause, faults ? code(Exception::store_page_fault) : 0u);
    EXPECT_EQ(state.mtval, faults ? kRam + 0x3011 : 0u);
  }
}

TEST(CacheBlock, AFlushedLineMissesAndACleanOneDoesNot) {
  for (const auto& [operation, misses] :
       {std::pair{kFlush, 2u}, std::pair{kInval, 2u}, std::pair{kClean, 1u}}) {
    auto rig = timed();
    rig->state().x[5] = kRam + 0x4000;
    rig->put(kRam, {as::sd(6, 5, 0), cbo(operation, 5), as::ld(7, 5, 8), as::self});
    rig->hart.run(3, false);
    rig->hart.settle_statistics();
    EXPECT_EQ(rig->caches->l1d_stats(0).misses, misses);
    EXPECT_EQ(rig->caches->l2_stats().writebacks, 1u);
  }
}

TEST(Misaligned, AccessesTrapWhereSoftwareDoesThem) {
  HartConfig config;
  config.isa.misaligned = Misaligned::trap;
  for (const auto& [instruction, offset, cause] :
       {std::tuple{as::ld(7, 5, 1), 1u, Exception::load_address_misaligned},
        std::tuple{as::lw(7, 5, 2), 2u, Exception::load_address_misaligned},
        std::tuple{as::sd(7, 5, 4), 4u, Exception::store_address_misaligned}}) {
    auto rig = functional(config);
    rig->state().csr.mtvec = kRam + 0x100;
    rig->state().x[5] = kRam + 0x2000;
    rig->put(kRam, {as::ld(6, 5, 0), as::sd(6, 5, 8), instruction});  // aligned ones, to warm up
    rig->put(kRam + 0x100, {as::self});
    rig->hart.run(3, false);
    EXPECT_EQ(rig->state().csr.mepc, kRam + 8);
    EXPECT_EQ(rig->state().csr.mcause, code(cause));
    EXPECT_EQ(rig->state().csr.mtval, kRam + 0x2000 + offset);
  }
}

TEST(EventCounters, CountInstructionsOfTheModesThatAreNotFiltered) {
  auto rig = functional();
  auto& state = rig->state();
  state.isa_config.sscofpmf = true;
  state.csr.mtvec = kRam + 0x100;
  open_pmp(state.csr);
  rig->hart.state_changed();
  state.x[6] = 2 | csr::kMinh;
  state.csr.mepc = kRam + 0x200;
  rig->put(kRam, {as::csrrw(0, csr::mhpmevent3, 6), as::nop, as::nop, 0x3020'0073});  // MRET to U-mode
  rig->put(kRam + 0x200, {as::nop, as::nop, as::nop, as::ecall});
  rig->put(kRam + 0x100, {as::csrr(7, csr::mhpmcounter3), as::nop, as::csrr(8, csr::mhpmcounter3), as::self});
  rig->hart.run(12, false);
  // MRET retires into U-mode; ECALL does not retire.
  EXPECT_EQ(state.x[7], 4u);
  EXPECT_EQ(state.x[8], state.x[7]);
}

TEST(EventCounters, ATrapBelongsToTheModeThatTraps) {
  for (const auto& [filter, counted] : {std::pair{csr::kMinh, 1u}, std::pair{csr::kUinh, 0u}}) {
    auto rig = functional();
    auto& state = rig->state();
    state.isa_config.sscofpmf = true;
    state.csr.mtvec = kRam + 0x100;
    open_pmp(state.csr);
    rig->hart.state_changed();
    state.x[6] = 0x20001 | filter;
    state.csr.mepc = kRam + 0x200;
    rig->put(kRam, {as::csrrw(0, csr::mhpmevent3, 6), 0x3020'0073});  // MRET to U-mode
    rig->put(kRam + 0x200, {as::ecall});
    rig->put(kRam + 0x100, {as::csrr(7, csr::mhpmcounter3), as::self});
    rig->hart.run(8, false);
    EXPECT_EQ(state.x[7], counted);
  }
}

TEST(EventCounters, AnOverflowInterruptsTheHart) {
  auto rig = functional();
  auto& state = rig->state();
  state.isa_config.sscofpmf = true;
  state.csr.mtvec = kRam + 0x100;
  state.csr.mie = isa::bit(isa::Interrupt::counter_overflow);
  state.csr.mstatus = csr::kMie;
  state.x[5] = 1;
  state.x[6] = ~std::uint64_t{0} - 499;
  rig->put(kRam, {as::csrrw(0, csr::mhpmevent3, 5), as::csrrw(0, csr::mhpmcounter3, 6), as::addi(1, 1, 1),
                  as::bne(1, 0, -4)});
  rig->put(kRam + 0x100, {as::csrr(7, csr::mcycle), as::csrr(8, csr::scountovf), as::self});
  rig->hart.run(600, false);
  EXPECT_EQ(state.csr.mcause, isa::kInterruptBit | 13);
  EXPECT_GE(state.x[7], 500u);
  EXPECT_LE(state.x[7], 500u + 8);
  EXPECT_EQ(state.x[8], 8u);
}

TEST(EventCounters, ASleepingHartKnowsWhenItsCycleCounterOverflows) {
  auto rig = functional();
  auto& state = rig->state();
  state.isa_config.sscofpmf = true;
  state.csr.mie = isa::bit(isa::Interrupt::counter_overflow);
  state.x[5] = 1;
  state.x[6] = ~std::uint64_t{0} - 9999;
  rig->put(kRam, {as::csrrw(0, csr::mhpmevent3, 5), as::csrrw(0, csr::mhpmcounter3, 6), as::wfi, as::self});
  EXPECT_EQ(rig->hart.run(100, false).stop, Stop::wait_for_interrupt);
  EXPECT_FALSE(rig->hart.wakes());
  const isa::Cycles due = rig->hart.next_timer();
  EXPECT_NEAR(static_cast<double>(due), 10'000, 8);
  rig->hart.idle(due - state.cycle);
  EXPECT_TRUE(rig->hart.wakes());
}

TEST(EventCounters, CountWhatTheModelsSaw) {
  auto rig = timed();
  auto& state = rig->state();
  state.x[5] = kRam + 0x8000;
  state.x[10] = 0x10000;
  state.x[11] = 0x10001;
  rig->put(kRam, {as::csrrw(0, csr::mhpmevent3, 10), as::csrrw(0, csr::mhpmevent3 + 1, 11), as::ld(1, 5, 0),
                  as::ld(2, 5, 8), as::ld(3, 5, 64), as::sd(3, 5, 72), as::csrr(7, csr::mhpmcounter3),
                  as::csrr(8, csr::mhpmcounter3 + 1), as::self});
  rig->hart.run(600, false);
  EXPECT_EQ(state.x[7], 4u);
  EXPECT_EQ(state.x[8], 2u);
}

}  // namespace
}  // namespace hvsim::cpu::test
