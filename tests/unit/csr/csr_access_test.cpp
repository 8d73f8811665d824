// Which CSRs exist, who may access them, and which exception a refusal raises.
#include <vector>

#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

const std::vector<unsigned> kSupervisorCsrs{csr::sstatus, csr::sie,      csr::stvec, csr::scounteren,
                                            csr::senvcfg, csr::sscratch, csr::sepc,  csr::scause,
                                            csr::stval,   csr::sip,      csr::satp};
const std::vector<unsigned> kHypervisorCsrs{
    csr::hstatus, csr::hedeleg,  csr::hideleg, csr::hie,    csr::htimedelta, csr::hcounteren,
    csr::hgeie,   csr::henvcfg,  csr::htval,   csr::hip,    csr::hvip,       csr::htinst,
    csr::hgatp,   csr::vsstatus, csr::vsie,    csr::vstvec, csr::vsscratch,  csr::vsepc,
    csr::vscause, csr::vstval,   csr::vsip,    csr::vsatp};
const std::vector<unsigned> kMachineCsrs{
    csr::mstatus,    csr::misa,          csr::medeleg,   csr::mideleg, csr::mie,      csr::mtvec,
    csr::mcounteren, csr::menvcfg,       csr::mscratch,  csr::mepc,    csr::mcause,   csr::mtval,
    csr::mip,        csr::mtinst,        csr::mtval2,    csr::pmpcfg0, csr::pmpaddr0, csr::mcycle,
    csr::minstret,   csr::mcountinhibit, csr::mhpmevent3};

TEST(CsrAccess, EachLevelReadsItsOwnCsrsAndThoseBelow) {
  TestHart hart;
  for (const auto& [numbers, modes] :
       {std::pair{kMachineCsrs, std::vector{kM}}, std::pair{kHypervisorCsrs, std::vector{kM, kHs}},
        std::pair{kSupervisorCsrs, std::vector{kM, kHs, kVs}}})
    for (unsigned number : numbers)
      for (isa::Mode mode : modes) {
        EXPECT_EQ(hart.in(mode).reads(number), kOk) << std::hex << number;
        EXPECT_EQ(hart.in(mode).writes(number), kOk) << std::hex << number;
      }
}

TEST(CsrAccess, MachineCsrsAreIllegalBelowMachineModeEvenInAGuest) {
  TestHart hart;
  for (unsigned number : kMachineCsrs)
    for (isa::Mode mode : {kHs, kU, kVs, kVu}) EXPECT_EQ(hart.in(mode).reads(number), kIllegal);
}

TEST(CsrAccess, UserModeMayNotTouchSupervisorOrHypervisorCsrs) {
  TestHart hart(kU);
  for (unsigned number : kSupervisorCsrs) EXPECT_EQ(hart.reads(number), kIllegal);
  for (unsigned number : kHypervisorCsrs) EXPECT_EQ(hart.reads(number), kIllegal);
}

// H, "Trap Cause Codes": implemented hypervisor and VS CSRs in VS- and VU-mode.
TEST(CsrAccess, HypervisorCsrsInAGuestRaiseVirtualInstruction) {
  TestHart hart;
  for (unsigned number : kHypervisorCsrs)
    for (isa::Mode mode : {kVs, kVu}) {
      EXPECT_EQ(hart.in(mode).reads(number), kVirtual) << std::hex << number;
      EXPECT_EQ(hart.in(mode).writes(number), kVirtual) << std::hex << number;
    }
}

TEST(CsrAccess, SupervisorCsrsInVuModeRaiseVirtualInstruction) {
  TestHart hart(kVu);
  for (unsigned number : kSupervisorCsrs) EXPECT_EQ(hart.reads(number), kVirtual) << std::hex << number;
}

// The same access must be allowed in HS-mode for the exception to be a virtual one.
TEST(CsrAccess, WritingAReadOnlyCsrIsIllegalEverywhere) {
  TestHart hart;
  hart.csr.mcounteren = hart.csr.hcounteren = hart.csr.scounteren = kAllOnes;
  for (isa::Mode mode : kAllModes) {
    EXPECT_EQ(hart.in(mode).writes(csr::hgeip), kIllegal);
    EXPECT_EQ(hart.in(mode).writes(csr::cycle), kIllegal);
    EXPECT_EQ(hart.in(mode).writes(csr::mhartid), kIllegal);
  }
  EXPECT_EQ(hart.in(kVs).reads(csr::hgeip), kVirtual);
}

// What OpenSBI and kernels probe for by trapping.
TEST(CsrAccess, AbsentCsrsAreIllegalInEveryMode) {
  constexpr unsigned mstateen0 = 0x30C, mtopi = 0xFB0, tinfo = 0x7A4, scountovf = 0xDA0, mstatush = 0x310,
                     cycleh = 0xC80, mcycleh = 0xB80, htimedeltah = 0x615, pmpcfg1 = 0x3A1, pmpcfg4 = 0x3A4,
                     pmpaddr16 = 0x3C0, siselect = 0x150, stopi = 0xDB0, hvictl = 0x609, sedeleg = 0x102,
                     ustatus = 0x000, seed = 0x015, vstart = 0x008, mcounter1 = 0xB01, scontext = 0x5A8,
                     dcsr = 0x7B0;
  TestHart hart;
  hart.isa_config.sscofpmf = false;
  for (isa::Mode mode : kAllModes)
    for (unsigned number : {csr::mseccfg, mstateen0, mtopi,   tinfo,     scountovf, mstatush, cycleh, mcycleh,
                            htimedeltah,  pmpcfg1,   pmpcfg4, pmpaddr16, siselect,  stopi,    hvictl, sedeleg,
                            ustatus,      seed,      vstart,  mcounter1, scontext,  dcsr}) {
      EXPECT_EQ(hart.in(mode).reads(number), kIllegal) << std::hex << number;
      EXPECT_EQ(hart.in(mode).writes(number), kIllegal) << std::hex << number;
    }
}

// Debug specification: a tdata1 of type 0 means that there is no trigger.
TEST(CsrAccess, ThereIsNoTrigger) {
  for (unsigned number = 0x7A0; number <= 0x7A3; ++number) {
    TestHart hart;
    EXPECT_EQ(hart.in(kHs).reads(number), kIllegal);
    hart.in(kM).set(number, ~std::uint64_t{0});
    EXPECT_EQ(hart.get(number), 0u);
  }
}

TEST(CsrAccess, WithoutTheHypervisorExtensionItsCsrsDoNotExist) {
  TestHart hart;
  hart.isa_config.h = false;
  for (unsigned number : kHypervisorCsrs) EXPECT_EQ(hart.reads(number), kIllegal);
  for (unsigned number : {csr::mtval2, csr::mtinst, csr::vstimecmp}) EXPECT_EQ(hart.reads(number), kIllegal);
  EXPECT_EQ(hart.get(csr::misa) >> 7 & 1, 0u);
  EXPECT_EQ(hart.get(csr::mideleg), 0u);
}

TEST(CsrAccess, PmpRegistersExistAsFarAsEntriesDo) {
  TestHart hart;
  hart.isa_config.pmp_entries = 8;
  EXPECT_EQ(hart.reads(csr::pmpcfg0), kOk);
  EXPECT_EQ(hart.reads(csr::pmpcfg0 + 2), kIllegal);
  EXPECT_EQ(hart.reads(csr::pmpaddr0 + 7), kOk);
  EXPECT_EQ(hart.reads(csr::pmpaddr0 + 8), kIllegal);
}

TEST(CsrAccess, TvmTakesSatpAndHgatpFromHsModeButNotVsatp) {
  TestHart hart(kHs);
  hart.csr.mstatus = csr::kTvm;
  EXPECT_EQ(hart.reads(csr::satp), kIllegal);
  EXPECT_EQ(hart.writes(csr::hgatp), kIllegal);
  EXPECT_EQ(hart.reads(csr::vsatp), kOk);
  EXPECT_EQ(hart.in(kM).reads(csr::satp), kOk);
  EXPECT_EQ(hart.in(kM).reads(csr::hgatp), kOk);
}

// TVM is taken as zero when deciding what HS-mode could do.
TEST(CsrAccess, TvmDoesNotChangeWhatGuestsSee) {
  TestHart hart(kVs);
  hart.csr.mstatus = csr::kTvm;
  EXPECT_EQ(hart.reads(csr::satp), kOk);
  EXPECT_EQ(hart.reads(csr::hgatp), kVirtual);
  EXPECT_EQ(hart.in(kVu).reads(csr::satp), kVirtual);
}

TEST(CsrAccess, VtvmTakesSatpFromVsMode) {
  TestHart hart(kVs);
  hart.csr.hstatus = csr::kVtvm;
  EXPECT_EQ(hart.reads(csr::satp), kVirtual);
  EXPECT_EQ(hart.writes(csr::satp), kVirtual);
  EXPECT_EQ(hart.in(kHs).reads(csr::satp), kOk);
  EXPECT_EQ(hart.in(kHs).reads(csr::vsatp), kOk);
}

struct CounterCase {
  bool m, h, s;
  CsrResult hs, u, vs, vu;
};
// Sections "Machine Counter-Enable", "Supervisor Counter-Enable", "Hypervisor Counter-Enable".
TEST(CsrAccess, CounterEnablesDecideByMode) {
  const CounterCase cases[] = {
      {false, true, true, kIllegal, kIllegal, kIllegal, kIllegal},
      {true, false, false, kOk, kIllegal, kVirtual, kVirtual},
      {true, false, true, kOk, kOk, kVirtual, kVirtual},
      {true, true, false, kOk, kIllegal, kOk, kVirtual},
      {true, true, true, kOk, kOk, kOk, kOk},
  };
  for (unsigned number : {csr::cycle, csr::time, csr::instret, csr::hpmcounter3, csr::cycle + 31})
    for (const auto& c : cases) {
      const std::uint64_t mask = std::uint64_t{1} << (number - csr::cycle);
      TestHart hart;
      hart.csr.mcounteren = c.m ? mask : ~mask;
      hart.csr.hcounteren = c.h ? mask : ~mask;
      hart.csr.scounteren = c.s ? mask : ~mask;
      EXPECT_EQ(hart.in(kM).reads(number), kOk);
      EXPECT_EQ(hart.in(kHs).reads(number), c.hs) << std::hex << number;
      EXPECT_EQ(hart.in(kU).reads(number), c.u) << std::hex << number;
      EXPECT_EQ(hart.in(kVs).reads(number), c.vs) << std::hex << number;
      EXPECT_EQ(hart.in(kVu).reads(number), c.vu) << std::hex << number;
    }
}

struct SstcCase {
  bool menvcfg, henvcfg, mcounteren, hcounteren;
  CsrResult hs_stimecmp, hs_vstimecmp, vs_stimecmp, vs_vstimecmp, vu_stimecmp;
};
// Sstc: menvcfg.STCE and mcounteren.TM for everybody below M-mode, henvcfg.STCE and hcounteren.TM for guests.
TEST(CsrAccess, TimeCompareNeedsStceAndTm) {
  const SstcCase cases[] = {
      {true, true, true, true, kOk, kOk, kOk, kVirtual, kVirtual},
      {true, false, true, true, kOk, kOk, kVirtual, kVirtual, kVirtual},
      {true, true, true, false, kOk, kOk, kVirtual, kVirtual, kVirtual},
      {true, true, false, true, kIllegal, kIllegal, kIllegal, kIllegal, kIllegal},
      {false, true, true, true, kIllegal, kIllegal, kIllegal, kIllegal, kIllegal},
  };
  for (const auto& c : cases) {
    TestHart hart;
    hart.csr.menvcfg = c.menvcfg ? csr::kStce : 0;
    hart.csr.henvcfg = c.henvcfg ? csr::kStce : 0;
    hart.csr.mcounteren = c.mcounteren ? csr::kTm : 0;
    hart.csr.hcounteren = c.hcounteren ? csr::kTm : 0;
    EXPECT_EQ(hart.in(kM).reads(csr::stimecmp), kOk);
    EXPECT_EQ(hart.in(kM).reads(csr::vstimecmp), kOk);
    EXPECT_EQ(hart.in(kHs).reads(csr::stimecmp), c.hs_stimecmp);
    EXPECT_EQ(hart.in(kHs).writes(csr::vstimecmp), c.hs_vstimecmp);
    EXPECT_EQ(hart.in(kVs).writes(csr::stimecmp), c.vs_stimecmp);
    EXPECT_EQ(hart.in(kVs).reads(csr::vstimecmp), c.vs_vstimecmp);
    EXPECT_EQ(hart.in(kVu).reads(csr::stimecmp), c.vu_stimecmp);
    EXPECT_EQ(hart.in(kU).reads(csr::stimecmp), kIllegal);
  }
}

TEST(CsrAccess, WithoutSstcTimeCompareDoesNotExist) {
  TestHart hart;
  hart.isa_config.sstc = false;
  EXPECT_EQ(hart.reads(csr::stimecmp), kIllegal);
  EXPECT_EQ(hart.reads(csr::vstimecmp), kIllegal);
  EXPECT_EQ(hart.set_and_get(csr::menvcfg, csr::kStce), 0u);
}

// CSRs that all supervisor modes share are not swapped with V.
TEST(CsrAccess, CsrsWithoutAVsTwinAreTheSameInAGuest) {
  TestHart hart(kVs);
  for (unsigned number : {csr::scounteren, csr::senvcfg, csr::scountovf, csr::sstateen0, csr::sstateen0 + 3})
    EXPECT_EQ(csr_file::resolve(hart, number), number);
}

// mstatus.FS, and H "Virtual Supervisor Status Register": always an illegal instruction.
TEST(CsrAccess, FloatCsrsNeedFsInEveryStatusRegisterInEffect) {
  for (unsigned number : {csr::fflags, csr::frm, csr::fcsr}) {
    TestHart hart;
    for (isa::Mode mode : kAllModes) EXPECT_EQ(hart.in(mode).reads(number), kIllegal);
    hart.csr.mstatus = 1 << csr::kFsShift;
    for (isa::Mode mode : {kM, kHs, kU}) EXPECT_EQ(hart.in(mode).reads(number), kOk);
    for (isa::Mode mode : {kVs, kVu}) EXPECT_EQ(hart.in(mode).reads(number), kIllegal);
    hart.csr.vsstatus = 1 << csr::kFsShift;
    for (isa::Mode mode : kAllModes) EXPECT_EQ(hart.in(mode).reads(number), kOk);
    hart.csr.mstatus = 0;
    EXPECT_EQ(hart.in(kVs).reads(number), kIllegal);
  }
}

}  // namespace
}  // namespace hvsim::cpu::testing
