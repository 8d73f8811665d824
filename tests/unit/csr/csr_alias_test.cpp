// Aliases: VS CSRs in place of supervisor CSRs, and the many views of the interrupt registers.
#include <array>
#include <utility>

#include "models/cpu/interrupts.h"
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

using isa::Interrupt;
constexpr std::uint64_t kSsi = bit(Interrupt::supervisor_software), kSti = bit(Interrupt::supervisor_timer),
                        kSei = bit(Interrupt::supervisor_external),
                        kVssi = bit(Interrupt::virtual_supervisor_software),
                        kVsti = bit(Interrupt::virtual_supervisor_timer),
                        kVsei = bit(Interrupt::virtual_supervisor_external),
                        kMsi = bit(Interrupt::machine_software), kMei = bit(Interrupt::machine_external),
                        kLcofi = bit(Interrupt::counter_overflow);

constexpr std::array<std::pair<unsigned, unsigned>, 9> kPairs{{{csr::stvec, csr::vstvec},
                                                               {csr::sscratch, csr::vsscratch},
                                                               {csr::sepc, csr::vsepc},
                                                               {csr::scause, csr::vscause},
                                                               {csr::stval, csr::vstval},
                                                               {csr::satp, csr::vsatp},
                                                               {csr::sstatus, csr::vsstatus},
                                                               {csr::sie, csr::vsie},
                                                               {csr::stimecmp, csr::vstimecmp}}};

TestHart permissive() {
  TestHart hart;
  hart.csr.menvcfg = hart.csr.henvcfg = csr::kStce;
  hart.csr.mcounteren = hart.csr.hcounteren = csr::kTm;
  hart.csr.mideleg = kSsi | kSti | kSei;
  hart.csr.hideleg = kVssi | kVsti | kVsei;
  return hart;
}

// H "Hypervisor and Virtual Supervisor CSRs".
TEST(VsAliases, WithVSetSupervisorNumbersMeanVsRegisters) {
  for (auto [supervisor, virtual_supervisor] : kPairs) {
    TestHart hart = permissive();
    const std::uint64_t native = hart.get(supervisor);
    hart.in(kVs).set(supervisor, 0x220);
    const std::uint64_t seen = hart.get(supervisor);
    EXPECT_NE(seen, native) << std::hex << supervisor;
    EXPECT_EQ(hart.in(kM).get(supervisor), native) << std::hex << supervisor;
    EXPECT_EQ(hart.get(virtual_supervisor), seen) << std::hex << supervisor;
  }
}

TEST(VsAliases, ScounterenAndSenvcfgHaveNoVsTwin) {
  TestHart hart(kVs);
  hart.set(csr::scounteren, 5);
  hart.set(csr::senvcfg, 1);
  EXPECT_EQ(hart.in(kHs).get(csr::scounteren), 5u);
  EXPECT_EQ(hart.get(csr::senvcfg), 1u);
}

TEST(Mie, HoldsAllLevelsEnables) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::mie, kAllOnes), 0x3EEEu);
  hart.isa_config.h = false;
  EXPECT_EQ(hart.set_and_get(csr::mie, kAllOnes), 0x2AAAu);
}

TEST(Sie, ShowsAndWritesDelegatedSupervisorEnablesOnly) {
  TestHart hart;
  hart.set(csr::mie, kAllOnes);
  EXPECT_EQ(hart.get(csr::sie), 0u);
  hart.set(csr::mideleg, kSsi | kSei);
  EXPECT_EQ(hart.get(csr::sie), kSsi | kSei);
  hart.set(csr::sie, 0);
  EXPECT_EQ(hart.get(csr::mie), 0x3EEEu & ~(kSsi | kSei));
}

// H: "the nonzero bits in sie and hie are always mutually exclusive, and likewise for sip and hip".
TEST(Hie, IsTheVirtualPartOfMieAndDisjointFromSie) {
  TestHart hart;
  hart.set(csr::mideleg, kAllOnes);
  hart.set(csr::hie, kAllOnes);
  EXPECT_EQ(hart.get(csr::hie), 0x1444u);
  EXPECT_EQ(hart.get(csr::mie), 0x1444u);
  EXPECT_EQ(hart.get(csr::sie), 0u);
  hart.set(csr::sie, kAllOnes);
  EXPECT_EQ(hart.get(csr::sie) & hart.get(csr::hie), 0u);
}

TEST(Vsie, AliasesHieWhereHidelegHandsOver) {
  TestHart hart;
  hart.set(csr::hie, kVssi | kVsti | kVsei);
  EXPECT_EQ(hart.get(csr::vsie), 0u);
  hart.set(csr::hideleg, kVssi | kVsei);
  EXPECT_EQ(hart.get(csr::vsie), kSsi | kSei);
  hart.in(kVs).set(csr::sie, kSti);  // STIE is read-only zero, the others are cleared
  EXPECT_EQ(hart.in(kHs).get(csr::hie), kVsti);
  hart.set(csr::vsie, kSei);
  EXPECT_EQ(hart.get(csr::hie), kVsti | kVsei);
}

TEST(Mip, SoftwareWritesSupervisorBitsAndVssipOnly) {
  TestHart hart;
  hart.set(csr::mip, kAllOnes);
  EXPECT_EQ(hart.get(csr::mip), kSsi | kSti | kSei | kVssi | kLcofi);
  EXPECT_EQ(hart.get(csr::hvip), kVssi);
  hart.set(csr::mip, 0);
  EXPECT_EQ(hart.get(csr::mip), 0u);
}

TEST(Mip, StipIsReadOnlyWhileSstcDrivesIt) {
  TestHart hart;
  hart.set(csr::menvcfg, csr::kStce);
  EXPECT_EQ(hart.set_and_get(csr::mip, kSti), 0u);
  hart.set(csr::stimecmp, 0);
  EXPECT_EQ(hart.set_and_get(csr::mip, 0), kSti);
  hart.set(csr::menvcfg, 0);
  EXPECT_EQ(hart.get(csr::mip), 0u);
}

TEST(Mip, ShowsLinesAndTimer) {
  TestHart hart;
  hart.lines = kMsi | kMei | kSei;
  hart.mtimecmp = 0;
  EXPECT_EQ(hart.get(csr::mip), kMsi | kMei | kSei | bit(Interrupt::machine_timer));
}

// "the value of the software-writable bit ... not the value of the interrupt controller's signal" is
// modified.
TEST(Mip, ReadModifyWriteDoesNotCopyTheExternalSignalIntoSeip) {
  TestHart hart;
  hart.lines = kSei;
  EXPECT_EQ(csr_file::modify_base(hart, csr::mip, hart.get(csr::mip)), 0u);
  hart.set(csr::mip, kSei);
  EXPECT_EQ(csr_file::modify_base(hart, csr::mip, hart.get(csr::mip)), kSei);
  EXPECT_EQ(csr_file::modify_base(hart, csr::sip, kSei), kSei);
}

TEST(Sip, ShowsDelegatedBitsAndWritesSsipOnly) {
  TestHart hart;
  hart.set(csr::mip, kSsi | kSti | kSei);
  EXPECT_EQ(hart.get(csr::sip), 0u);
  hart.set(csr::sip, 0);  // SSIP is not delegated, so not writable here
  EXPECT_EQ(hart.get(csr::mip), kSsi | kSti | kSei);
  hart.set(csr::mideleg, kAllOnes);
  EXPECT_EQ(hart.set_and_get(csr::sip, 0), kSti | kSei);
}

TEST(Hvip, TakesTheVirtualInterrupts) {
  TestHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hvip, kAllOnes), kVssi | kVsti | kVsei);
  EXPECT_EQ(hart.get(csr::hip), kVssi | kVsti | kVsei);
  EXPECT_EQ(hart.get(csr::mip), kVssi | kVsti | kVsei);
}

TEST(Hip, OnlyVssipIsWritableAndItIsHvips) {
  TestHart hart;
  hart.set(csr::hip, kAllOnes);
  EXPECT_EQ(hart.get(csr::hvip), kVssi);
  hart.set(csr::hvip, kVssi | kVsti | kVsei);
  hart.set(csr::hip, 0);
  EXPECT_EQ(hart.get(csr::hip), kVsti | kVsei);
}

TEST(Vsip, AliasesHipWhereHidelegHandsOverAndWritesSsipOnly) {
  TestHart hart;
  hart.set(csr::hvip, kVssi | kVsti | kVsei);
  EXPECT_EQ(hart.get(csr::vsip), 0u);
  hart.set(csr::hideleg, kAllOnes);
  EXPECT_EQ(hart.in(kVs).get(csr::sip), kSsi | kSti | kSei);
  hart.set(csr::sip, 0);
  EXPECT_EQ(hart.in(kHs).get(csr::hvip), kVsti | kVsei);
  hart.in(kVs).set(csr::sip, kSsi);
  EXPECT_EQ(hart.in(kHs).get(csr::hvip), kVssi | kVsti | kVsei);
  hart.set(csr::hideleg, kVsti);
  hart.set(csr::vsip, 0);  // SSIP is read-only zero now
  EXPECT_EQ(hart.get(csr::hvip), kVssi | kVsti | kVsei);
}

// H "Virtual Supervisor Interrupt Registers": HS-level interrupts do not show in the guest.
TEST(Vsip, NeverShowsHsLevelInterrupts) {
  TestHart hart = permissive();
  hart.csr.mip = kSsi | kSei;
  EXPECT_EQ(hart.in(kVs).get(csr::sip), 0u);
}

// Sstc: VSTIP is hvip.VSTIP or time + htimedelta >= vstimecmp.
TEST(Hip, VstipIsTheOrOfHvipAndTheVirtualTimer) {
  TestHart hart = permissive();
  hart.cycle = 100 * hart.cycles_per_tick;
  hart.csr.htimedelta = 50;
  hart.csr.vstimecmp = 151;
  EXPECT_EQ(hart.get(csr::hip), 0u);
  hart.csr.vstimecmp = 150;
  EXPECT_EQ(hart.get(csr::hip), kVsti);
  hart.csr.vstimecmp = kAllOnes;
  hart.csr.hvip = kVsti;
  EXPECT_EQ(hart.get(csr::hip), kVsti);
  hart.csr.hvip = 0;
  hart.csr.vstimecmp = 0;
  hart.csr.henvcfg = 0;
  EXPECT_EQ(hart.get(csr::hip), 0u);
}

}  // namespace
}  // namespace hvsim::cpu::testing
