// Legal values (WARL), read-only fields and derived bits.
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

constexpr std::uint64_t kXl64 = std::uint64_t{2} << 32 | std::uint64_t{2} << 34;

TEST(Mstatus, HoldsExactlyItsImplementedFields) {
  TestHart hart;
  constexpr std::uint64_t fields = csr::kSie | csr::kMie | csr::kSpie | csr::kMpie | csr::kSpp | csr::kMpp |
                                   csr::kFs | csr::kMprv | csr::kSum | csr::kMxr | csr::kTvm | csr::kTw |
                                   csr::kTsr | csr::kGva | csr::kMpv;
  EXPECT_EQ(hart.set_and_get(csr::mstatus, kAllOnes), fields | kXl64 | csr::kSd);
  EXPECT_EQ(hart.set_and_get(csr::mstatus, 0), kXl64);
}

TEST(Mstatus, ReservedMppLeavesMppAsItWas) {
  TestHart hart;
  for (std::uint64_t legal : {0u, 1u, 3u}) {
    hart.set(csr::mstatus, legal << csr::kMppShift);
    hart.set(csr::mstatus, std::uint64_t{2} << csr::kMppShift | csr::kSum);
    EXPECT_EQ(hart.get(csr::mstatus), legal << csr::kMppShift | csr::kSum | kXl64);
  }
}

TEST(Mstatus, SdFollowsFsOnly) {
  TestHart hart;
  for (std::uint64_t fs = 0; fs < 4; ++fs)
    EXPECT_EQ(hart.set_and_get(csr::mstatus, csr::kSd | fs << csr::kFsShift) >> 63, fs == 3 ? 1u : 0u);
}

TEST(Mstatus, WithoutHThereIsNoMpvAndNoGva) {
  TestHart hart;
  hart.isa_config.h = false;
  EXPECT_EQ(hart.set_and_get(csr::mstatus, csr::kGva | csr::kMpv), kXl64);
}

TEST(Sstatus, IsTheSupervisorsViewOfMstatus) {
  TestHart hart;
  constexpr std::uint64_t fields = csr::kSie | csr::kSpie | csr::kSpp | csr::kFs | csr::kSum | csr::kMxr |
                                   csr::kSd | std::uint64_t{2} << 32;
  hart.set(csr::mstatus, kAllOnes);
  EXPECT_EQ(hart.get(csr::sstatus), fields);
  hart.set(csr::sstatus, 0);
  EXPECT_EQ(hart.get(csr::mstatus), csr::kMie | csr::kMpie | csr::kMpp | csr::kMprv | csr::kTvm | csr::kTw |
                                        csr::kTsr | csr::kGva | csr::kMpv | kXl64);
}

TEST(Vsstatus, HasSstatusFieldsAndItsOwnSd) {
  TestHart hart;
  constexpr std::uint64_t fields = csr::kSie | csr::kSpie | csr::kSpp | csr::kFs | csr::kSum | csr::kMxr |
                                   csr::kSd | std::uint64_t{2} << 32;
  EXPECT_EQ(hart.set_and_get(csr::vsstatus, kAllOnes), fields);
  EXPECT_EQ(hart.set_and_get(csr::vsstatus, csr::kSum), csr::kSum | std::uint64_t{2} << 32);
  hart.csr.mstatus = csr::kFs;  // HS-level FS does not show in vsstatus.SD
  EXPECT_EQ(hart.get(csr::vsstatus) >> 63, 0u);
}

TEST(Hstatus, HoldsExactlyItsImplementedFields) {
  TestHart hart;
  constexpr std::uint64_t fields =
      csr::kHGva | csr::kSpv | csr::kSpvp | csr::kHu | csr::kVtvm | csr::kVtw | csr::kVtsr;
  EXPECT_EQ(hart.set_and_get(csr::hstatus, kAllOnes), fields | std::uint64_t{2} << 32);
  EXPECT_EQ(hart.set_and_get(csr::hstatus, 0), std::uint64_t{2} << 32);
}

TEST(Misa, SaysRv64ImafdchSuAndIgnoresWrites) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::misa, 0), 0x80000000001411AD);
}

TEST(Ids, AreZeroButForTheHart) {
  TestHart hart;
  hart.hart_id = 5;
  EXPECT_EQ(hart.get(csr::mhartid), 5u);
  for (unsigned number : {csr::mvendorid, csr::marchid, csr::mimpid, csr::mconfigptr})
    EXPECT_EQ(hart.get(number), 0u);
}

// Machine Trap Delegation Registers: ecall from M (bit 11) can never be delegated.
TEST(Medeleg, TakesWhateverCanHappenBelowMachineMode) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::medeleg, kAllOnes), 0xFCB7FFu);
  hart.isa_config.h = false;
  EXPECT_EQ(hart.set_and_get(csr::medeleg, kAllOnes), 0xCB3FFu);
}

// H "Machine Interrupt Delegation Register".
TEST(Mideleg, VirtualAndGuestExternalInterruptsAreAlwaysDelegated) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::mideleg, 0), 0x1444u);
  EXPECT_EQ(hart.set_and_get(csr::mideleg, kAllOnes), 0x3666u);
}

// Table "Bits of hedeleg that must be writable or must be read-only zero".
TEST(Hedeleg, RefusesEcallsOfSupervisorsGuestPageFaultsAndVirtualInstructions) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hedeleg, kAllOnes), 0xCB1FFu);
}

TEST(Hideleg, TakesOnlyTheVirtualInterrupts) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hideleg, kAllOnes), 0x444u);
}

TEST(TrapVectors, IgnoreReservedModes) {
  TestHart hart;
  for (unsigned number : {csr::mtvec, csr::stvec, csr::vstvec}) {
    EXPECT_EQ(hart.set_and_get(number, 0x80000101), 0x80000101u);
    EXPECT_EQ(hart.set_and_get(number, 0x80000202), 0x80000101u);
    EXPECT_EQ(hart.set_and_get(number, 0x80000203), 0x80000101u);
    EXPECT_EQ(hart.set_and_get(number, 0x80000204), 0x80000204u);
  }
}

TEST(ExceptionPcs, LoseBitZeroOnly) {
  TestHart hart;
  for (unsigned number : {csr::mepc, csr::sepc, csr::vsepc})
    EXPECT_EQ(hart.set_and_get(number, kAllOnes), ~1ull);
}

TEST(PlainRegisters, HoldAllSixtyFourBits) {
  TestHart hart;
  for (unsigned number : {csr::mscratch, csr::mcause, csr::mtval, csr::mtval2, csr::mtinst, csr::sscratch,
                          csr::scause, csr::stval, csr::stimecmp, csr::htimedelta, csr::htval, csr::htinst,
                          csr::vsscratch, csr::vscause, csr::vstval, csr::vstimecmp})
    for (std::uint64_t value : {kAllOnes, std::uint64_t{0x123456789ABCDEF0}})
      EXPECT_EQ(hart.set_and_get(number, value), value) << std::hex << number;
}

constexpr std::uint64_t atp(std::uint64_t mode, std::uint64_t space, std::uint64_t ppn) {
  return mode << 60 | space << 44 | ppn;
}

TEST(Satp, AWriteWithAnUnsupportedModeHasNoEffectAtAll) {
  TestHart hart;
  for (unsigned number : {csr::satp, csr::vsatp}) {
    const std::uint64_t good = atp(8, 0xABCD, 0x80000);
    EXPECT_EQ(hart.set_and_get(number, good), good);
    for (std::uint64_t mode : {1, 2, 7, 11, 15}) EXPECT_EQ(hart.set_and_get(number, atp(mode, 1, 2)), good);
    EXPECT_EQ(hart.set_and_get(number, atp(9, 0xFFFF, csr::kAtpPpn)), atp(9, 0xFFFF, csr::kAtpPpn));
    EXPECT_EQ(hart.set_and_get(number, 0), 0u);
  }
}

TEST(Satp, Sv57IsTakenWhereTheHartHasIt) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::satp, atp(10, 1, 2)), atp(10, 1, 2));
  hart.isa_config.widest_paging = csr::kModeSv39;
  EXPECT_EQ(hart.set_and_get(csr::satp, atp(9, 3, 4)), atp(10, 1, 2));
}

// H "Hypervisor Guest Address Translation and Protection Register".
TEST(Hgatp, UnsupportedModeIsNotTakenButTheOtherFieldsAre) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hgatp, atp(8, 5, 0x80000)), atp(8, 5, 0x80000));
  EXPECT_EQ(hart.set_and_get(csr::hgatp, atp(11, 6, 0x90000)), atp(8, 6, 0x90000));
  EXPECT_EQ(hart.set_and_get(csr::hgatp, atp(10, 7, 0xA0000)), atp(10, 7, 0xA0000));
}

TEST(Hgatp, RootIsSixteenKibAlignedAndVmidHasFourteenBits) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hgatp, atp(9, 0xFFFF, csr::kAtpPpn)), atp(9, 0x3FFF, csr::kAtpPpn & ~3ull));
}

constexpr std::uint64_t kCacheBlocks = csr::kCbie | csr::kCbcfe | csr::kCbze;

TEST(Envcfg, HasTheFieldsOfWhatTheHartHas) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::senvcfg, kAllOnes), csr::kFiom | kCacheBlocks);
  const std::uint64_t all = csr::kFiom | kCacheBlocks | csr::kPbmte | csr::kStce;
  EXPECT_EQ(hart.set_and_get(csr::menvcfg, kAllOnes), all);
  EXPECT_EQ(hart.set_and_get(csr::henvcfg, kAllOnes), all);
}

TEST(Envcfg, AFieldOfAnAbsentExtensionIsZero) {
  TestHart hart;
  hart.isa_config = {
      .zicbom = false, .zicboz = false, .sstc = false, .svpbmt = false, .ad_updates = AdUpdates::svadu};
  EXPECT_EQ(hart.set_and_get(csr::menvcfg, kAllOnes), csr::kFiom | csr::kAdue);
  EXPECT_EQ(hart.set_and_get(csr::senvcfg, kAllOnes), csr::kFiom);
  hart.isa_config.zicbom = true;
  EXPECT_EQ(hart.set_and_get(csr::senvcfg, kAllOnes), csr::kFiom | csr::kCbie | csr::kCbcfe);
}

// "The encoding 10 is reserved" (CMO, "xenvcfg.CBIE").
TEST(Envcfg, TheReservedCbieIsTakenAsZero) {
  TestHart hart;
  for (unsigned number : {csr::menvcfg, csr::senvcfg, csr::henvcfg})
    for (std::uint64_t cbie : {0, 1, 2, 3})
      EXPECT_EQ(hart.set_and_get(number, cbie << csr::kCbieShift), cbie == 2 ? 0 : cbie << csr::kCbieShift);
}

// Sstc, Svpbmt and Svadu: these fields of henvcfg are read-only zero while menvcfg's are zero.
TEST(Envcfg, WhatMenvcfgDoesNotGrantIsZeroInHenvcfg) {
  TestHart hart;
  hart.isa_config.ad_updates = AdUpdates::svadu;
  EXPECT_EQ(hart.set_and_get(csr::henvcfg, kAllOnes), csr::kFiom | kCacheBlocks);
  for (std::uint64_t field : {csr::kStce, csr::kPbmte, csr::kAdue}) {
    hart.set(csr::menvcfg, field);
    EXPECT_EQ(hart.set_and_get(csr::henvcfg, field), field);
    hart.set(csr::menvcfg, 0);
    EXPECT_EQ(hart.get(csr::henvcfg), 0u);
  }
}

TEST(CounterEnables, AreThirtyTwoBits) {
  TestHart hart;
  for (unsigned number : {csr::mcounteren, csr::scounteren, csr::hcounteren})
    EXPECT_EQ(hart.set_and_get(number, kAllOnes), 0xFFFFFFFFu);
}

TEST(GuestExternalInterrupts, AreNone) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hgeie, kAllOnes), 0u);
  EXPECT_EQ(hart.get(csr::hgeip), 0u);
}

TEST(FloatCsrs, ShareFcsrAndMakeTheStateDirty) {
  TestHart hart(kVs);
  hart.csr.mstatus = hart.csr.vsstatus = 1 << csr::kFsShift;
  hart.set(csr::fcsr, 0xFFF);
  EXPECT_EQ(hart.get(csr::fcsr), 0xFFu);
  EXPECT_EQ(hart.get(csr::frm), 7u);
  EXPECT_EQ(hart.get(csr::fflags), 0x1Fu);
  hart.set(csr::frm, 0xFA);
  EXPECT_EQ(hart.get(csr::fcsr), 0x5Fu);
  hart.set(csr::fflags, 0x21);
  EXPECT_EQ(hart.get(csr::fcsr), 0x41u);
  EXPECT_EQ(hart.csr.mstatus & csr::kFs, csr::kFs);
  EXPECT_EQ(hart.csr.vsstatus & csr::kFs, csr::kFs);
}

TEST(FloatCsrs, OutsideAGuestLeaveVsstatusAlone) {
  TestHart hart(kHs);
  hart.csr.mstatus = hart.csr.vsstatus = 1 << csr::kFsShift;
  hart.set(csr::frm, 1);
  EXPECT_EQ(hart.csr.mstatus, csr::kFs);
  EXPECT_EQ(hart.csr.vsstatus, std::uint64_t{1} << csr::kFsShift);
}

TEST(PmpCsrs, PackEightEntriesPerConfigRegister) {
  TestHart hart;
  hart.set(csr::pmpcfg0, 0x1F9D'1B19'0F0D'0B09);
  EXPECT_EQ(hart.csr.pmpcfg[0], 0x09);
  EXPECT_EQ(hart.csr.pmpcfg[7], 0x1F);
  hart.set(csr::pmpcfg0 + 2, 0x07);
  EXPECT_EQ(hart.csr.pmpcfg[8], 0x07);
  EXPECT_EQ(hart.get(csr::pmpcfg0), 0x1F9D'1B19'0F0D'0B09u);
  EXPECT_EQ(hart.get(csr::pmpcfg0 + 2), 0x07u);
}

TEST(PmpCsrs, ReservedBitsAndWriteWithoutReadAreDropped) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::pmpcfg0, 0x7A), 0x18u);
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0, kAllOnes), (std::uint64_t{1} << 54) - 1);
}

TEST(PmpCsrs, LockedEntriesKeepConfigAndAddress) {
  TestHart hart;
  hart.set(csr::pmpaddr0 + 1, 0x100);
  hart.set(csr::pmpcfg0, 0x9F << 8);
  hart.set(csr::pmpcfg0, 0);
  EXPECT_EQ(hart.get(csr::pmpcfg0), 0x9Fu << 8);
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0 + 1, 0x200), 0x100u);
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0, 0x300), 0x300u);
}

TEST(PmpCsrs, ALockedTorEntryLocksItsLowerBound) {
  TestHart hart;
  hart.set(csr::pmpaddr0 + 2, 0x100);
  hart.set(csr::pmpcfg0, std::uint64_t{0x8F} << 24);
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0 + 2, 0x200), 0x100u);
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0 + 1, 0x200), 0x200u);
  hart.set(csr::pmpcfg0 + 2, 0x88 | 0x98 << 8);  // the neighbour across pmpcfg registers, too
  EXPECT_EQ(hart.set_and_get(csr::pmpaddr0 + 7, 0x400), 0u);
}

TEST(Counters, RunFromTheHartAndMoveByWrites) {
  TestHart hart;
  hart.cycle = 1000;
  hart.retired = 500;
  EXPECT_EQ(hart.get(csr::mcycle), 1000u);
  EXPECT_EQ(hart.get(csr::minstret), 500u);
  hart.set(csr::mcycle, 7);
  hart.cycle += 10;
  EXPECT_EQ(hart.get(csr::mcycle), 17u);
  EXPECT_EQ(hart.get(csr::cycle), 17u);
}

// "a value written to instret by one instruction will be the value read by the following instruction"
TEST(Counters, AWrittenMinstretIsReadBackByTheNextInstruction) {
  TestHart hart;
  hart.retired = 500;
  hart.set(csr::minstret, 42);
  hart.retired = 501;  // the write has retired
  EXPECT_EQ(hart.get(csr::minstret), 42u);
  hart.retired = 502;
  EXPECT_EQ(hart.get(csr::instret), 43u);
}

TEST(Counters, StandStillWhileInhibited) {
  TestHart hart;
  hart.cycle = 100;
  EXPECT_EQ(hart.set_and_get(csr::mcountinhibit, kAllOnes), 0xFFFF'FFFDu);
  hart.cycle += 50;
  EXPECT_EQ(hart.get(csr::mcycle), 100u);
  hart.set(csr::mcycle, 5);
  EXPECT_EQ(hart.get(csr::mcycle), 5u);
  hart.set(csr::mcountinhibit, 0);
  hart.cycle += 3;
  EXPECT_EQ(hart.get(csr::mcycle), 8u);
}

TEST(Counters, WithoutZihpmHpmCountersAndEventsReadZero) {
  TestHart hart;
  hart.isa_config.zihpm = hart.isa_config.sscofpmf = false;
  for (unsigned i = 0; i < 29; ++i) {
    EXPECT_EQ(hart.set_and_get(csr::mhpmcounter3 + i, kAllOnes), 0u);
    EXPECT_EQ(hart.set_and_get(csr::mhpmevent3 + i, kAllOnes), 0u);
    EXPECT_EQ(hart.reads(csr::hpmcounter3 + i), kIllegal);
  }
}

TEST(Time, InAGuestIsShiftedByHtimedelta) {
  TestHart hart;
  hart.csr.mcounteren = hart.csr.hcounteren = hart.csr.scounteren = csr::kTm;
  hart.cycles_per_tick = 100;
  hart.cycle = 5099;
  hart.csr.htimedelta = static_cast<std::uint64_t>(-20);
  for (isa::Mode mode : {kM, kHs, kU}) EXPECT_EQ(hart.in(mode).get(csr::time), 50u);
  for (isa::Mode mode : {kVs, kVu}) EXPECT_EQ(hart.in(mode).get(csr::time), 30u);
}

}  // namespace
}  // namespace hvsim::cpu::testing
