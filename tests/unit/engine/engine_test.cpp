// The engine runs programs exactly: order, traps, code that changes, and when it stops.
#include <gtest/gtest.h>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "tests/unit/engine/program.h"

namespace hvsim::cpu::test {
namespace {

TEST(Engine, RunsALoopAndCountsEveryInstruction) {
  auto rig = functional();
  rig->put(kRam, {as::addi(1, 0, 100), as::addi(2, 2, 3), as::addi(1, 1, -1), as::bne(1, 0, -8), as::self});
  rig->hart.run(301, false);
  EXPECT_EQ(rig->state().x[2], 300u);
  EXPECT_EQ(rig->state().retired, 301u);
  EXPECT_EQ(rig->state().pc, kRam + 16);
}

TEST(Engine, WritesToX0AreLost) {
  auto rig = functional();
  rig->put(kRam, {as::addi(0, 0, 5), as::add(1, 0, 0), as::self});
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().x[0], 0u);
  EXPECT_EQ(rig->state().x[1], 0u);
}

TEST(Engine, OvershootsItsBudgetByLessThanABlock) {
  auto rig = functional();
  rig->put(kRam, {as::nop, as::nop, as::nop, as::bne(1, 1, 4), as::self});
  const RunResult ran = rig->hart.run(1000, false);
  EXPECT_EQ(ran.stop, Stop::budget);
  EXPECT_GE(ran.elapsed, 1000u);
  EXPECT_LT(ran.elapsed, 1000u + kMaxBlockOps);
}

TEST(Engine, ATrapInTheMiddleOfABlockIsPrecise) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->put(kRam, {as::addi(1, 0, 1), as::lui(5, 0x50000), as::ld(2, 5, 0), as::addi(1, 0, 2)});
  rig->put(kRam + 0x100, {as::self});
  rig->hart.run(4, false);
  EXPECT_EQ(rig->state().csr.mepc, kRam + 8);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::load_access_fault));
  EXPECT_EQ(rig->state().csr.mtval, 0x5000'0000u);
  EXPECT_EQ(rig->state().x[1], 1u) << "what follows the trapping instruction has not run";
}

TEST(Engine, InstretCountsWhatRetiredBeforeTheRead) {
  auto rig = functional();
  rig->put(kRam,
           {as::nop, as::nop, as::csrr(3, isa::csr::minstret), as::csrr(4, isa::csr::minstret), as::self});
  rig->hart.run(4, false);
  EXPECT_EQ(rig->state().x[3], 2u);
  EXPECT_EQ(rig->state().x[4], 3u);
}

TEST(Engine, CodeThatChangedRunsAfterFenceI) {
  auto rig = functional();
  // Runs `addi x1, x1, 1` once, overwrites it by `addi x1, x1, 16`, FENCE.I, and runs it again.
  rig->put(kRam, {as::addi(1, 1, 1), as::bne(9, 0, 20), as::sd(8, 6, 0), as::fence_i, as::addi(9, 0, 1),
                  as::jalr(0, 6, 0), as::self});
  rig->state().x[6] = kRam;
  rig->state().x[8] = as::addi(1, 1, 16) | static_cast<std::uint64_t>(as::bne(9, 0, 20)) << 32;
  rig->hart.run(8, false);
  EXPECT_EQ(rig->state().x[1], 17u);
}

TEST(Engine, CodeThatChangedRunsAfterAFullFenceOfTranslations) {
  auto rig = functional();
  constexpr std::uint32_t sfence_vma = 0x1200'0073;
  rig->put(kRam, {as::addi(1, 1, 1), as::bne(9, 0, 20), as::sd(8, 6, 0), sfence_vma, as::addi(9, 0, 1),
                  as::jalr(0, 6, 0), as::self});
  rig->state().x[6] = kRam;
  rig->state().x[8] = as::addi(1, 1, 16) | static_cast<std::uint64_t>(as::bne(9, 0, 20)) << 32;
  rig->hart.run(8, false);
  EXPECT_EQ(rig->state().x[1], 17u);
}

TEST(Engine, AnInstructionMayStraddleTwoPages) {
  auto rig = functional();
  const std::uint64_t at = kRam + isa::kPageBytes - 2;
  rig->put(at, {as::addi(7, 0, 42), as::self});
  rig->state().pc = at;
  rig->hart.state_changed();
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().x[7], 42u);
  EXPECT_EQ(rig->state().pc, at + 4);
}

TEST(Engine, AStraddlingInstructionFaultsOnItsSecondPage) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam;
  rig->put(kRam, {as::self});
  const std::uint64_t at = kRam + kRamBytes - 2;  // RAM ends between the halves
  const std::uint16_t low = 0x0013;
  rig->memory->write(isa::Hpa{at}, low);
  rig->state().pc = at;
  rig->hart.state_changed();
  rig->hart.run(1, false);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::instruction_access_fault));
  EXPECT_EQ(rig->state().csr.mepc, at);
  EXPECT_EQ(rig->state().csr.mtval, at + 2) << "the half that could not be fetched";
}

TEST(Engine, FloatingPointIsIllegalWhileFsIsOffAndLegalAgainAfterwards) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->put(kRam, {as::fadd_d(1, 2, 3), as::self});
  rig->put(kRam + 0x100, {as::self});
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::illegal_instruction));
  EXPECT_EQ(rig->state().csr.mtval, as::fadd_d(1, 2, 3));
  rig->state().csr.mstatus |= isa::csr::kFs;
  rig->state().pc = kRam;
  rig->hart.state_changed();
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().pc, kRam + 4);
  rig->state().csr.mstatus &= ~isa::csr::kFs;
  rig->state().csr.mcause = 0;
  rig->state().pc = kRam;
  rig->hart.state_changed();
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::illegal_instruction));
}

TEST(Engine, StopsBeforeADeviceAccessUntilTheOthersHaveCaughtUp) {
  auto rig = functional({.synchronize_devices = true});
  rig->put(kRam, {as::lui(5, 0x10000), as::lw(6, 5, 0), as::self});
  rig->devices.values[0x1000'0000] = 77;
  const RunResult first = rig->hart.run(100, false);
  EXPECT_EQ(first.stop, Stop::synchronize);
  EXPECT_EQ(first.retired, 1u);
  EXPECT_EQ(rig->devices.reads, 0u);
  rig->hart.run(2, true);
  EXPECT_EQ(rig->devices.reads, 1u);
  EXPECT_EQ(rig->state().x[6], 77u);
}

TEST(Engine, ADeviceAccessInStepGoesAheadOnceAlthoughFetchingItTookTime) {
  auto rig = functional({.synchronize_devices = true});
  rig->put(kRam, {as::lui(5, 0x10000), as::nop, as::lw(6, 5, 0), as::lw(7, 5, 0), as::self});
  EXPECT_EQ(rig->hart.run(100, true).stop, Stop::synchronize);
  EXPECT_EQ(rig->devices.reads, 1u) << "the second access waits for the others again";
  EXPECT_EQ(rig->state().pc, kRam + 12);
}

TEST(Engine, AMachineModeHandlerThatTrapsItselfStopsTheHart) {
  auto rig = functional();
  rig->state().csr.mtvec = 0x5000'0000;  // nothing is there
  rig->put(kRam, {as::ecall});
  const RunResult ran = rig->hart.run(1'000'000, false);
  EXPECT_EQ(ran.stop, Stop::unexpected_trap);
  EXPECT_LT(ran.elapsed, 10u);
  EXPECT_EQ(rig->state().csr.mepc, 0x5000'0000u);
}

TEST(Engine, WfiStopsTheHartUntilAnEnabledInterruptIsPending) {
  auto rig = functional();
  rig->put(kRam, {as::wfi, as::addi(1, 0, 1), as::self});
  EXPECT_EQ(rig->hart.run(100, false).stop, Stop::wait_for_interrupt);
  EXPECT_FALSE(rig->hart.wakes());
  rig->state().csr.mie = isa::bit(isa::Interrupt::machine_software);
  rig->hart.set_line(isa::Interrupt::machine_software, true);
  EXPECT_TRUE(rig->hart.wakes());
  rig->hart.idle(50);
  rig->hart.run(1, false);
  EXPECT_EQ(rig->state().x[1], 1u) << "with mstatus.MIE clear WFI falls through";
  EXPECT_EQ(rig->cell(Component::idle), 50u);
}

TEST(Engine, AnInterruptIsTakenAtABlockBoundaryWithThePcToReturnTo) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->state().csr.mie = isa::bit(isa::Interrupt::machine_timer);
  rig->state().csr.mstatus |= isa::csr::kMie;
  rig->state().mtimecmp = 3;  // at cycle 300
  rig->put(kRam, {as::addi(1, 1, 1), as::bne(1, 0, -4)});
  rig->put(kRam + 0x100, {as::self});
  rig->hart.state_changed();
  rig->hart.run(1000, false);
  EXPECT_EQ(rig->state().csr.mcause,
            isa::kInterruptBit | static_cast<unsigned>(isa::Interrupt::machine_timer));
  EXPECT_EQ(rig->state().x[1], 150u) << "two instructions per turn until cycle 300";
  EXPECT_EQ(rig->state().csr.mepc, kRam);
}

TEST(Engine, ScSucceedsOnceAndOnlyAfterLr) {
  auto rig = functional();
  rig->state().x[5] = kRam + 0x800;
  rig->put(kRam, {as::sc_d(1, 5, 6), as::lr_d(2, 5), as::sc_d(3, 5, 6), as::sc_d(4, 5, 6), as::self});
  rig->hart.run(4, false);
  EXPECT_EQ(rig->state().x[1], 1u);
  EXPECT_EQ(rig->state().x[3], 0u);
  EXPECT_EQ(rig->state().x[4], 1u);
}

TEST(Engine, MisalignedAccessesWorkAcrossPagesInRam) {
  auto rig = functional();
  rig->state().x[5] = kRam + 0x2000 - 3;
  rig->state().x[6] = 0x1122'3344'5566'7788;
  rig->put(kRam, {as::sd(6, 5, 0), as::ld(7, 5, 0), as::self});
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().x[7], 0x1122'3344'5566'7788u);
}

// H extension, section "Hypervisor Trap Value Register": the faulting guest physical address, shifted by 2.
TEST(Engine, AFetchGuestPageFaultTellsTheWholeGuestPhysicalAddress) {
  auto rig = functional();
  auto& csr = rig->state().csr;
  csr.mtvec = kRam;
  csr.hgatp = isa::csr::kModeSv39 << 60 | (kRam + 0x10'0000) >> 12;  // an empty table
  csr.pmpcfg[0] = 0x1F;
  csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  rig->put(kRam, {as::self});
  rig->state().mode = {isa::Privilege::supervisor, true};
  rig->state().pc = 0x9000'0124;
  rig->hart.state_changed();
  rig->hart.run(1, false);
  EXPECT_EQ(csr.mcause, static_cast<std::uint64_t>(isa::Exception::instruction_guest_page_fault));
  EXPECT_EQ(csr.mtval, 0x9000'0124u);
  EXPECT_EQ(csr.mtval2, 0x9000'0124u >> 2);
}

// "Transformed Instruction or Pseudoinstruction for mtinst or htinst": the address offset, in the field of
// rs1, is how far tval lies above the first byte of a misaligned access. Here the second page has no memory
// behind it.
TEST(Engine, AMisalignedAccessThatFaultsInItsSecondPageTellsTheOffset) {
  const std::uint32_t hlv_d = as::r_type(0x73, 4, 0x36, 7, 5, 0), hsv_d = as::r_type(0x73, 4, 0x37, 0, 5, 7);
  for (const std::uint32_t access : {as::ld(7, 5, 0), as::sd(7, 5, 0), hlv_d, hsv_d}) {
    auto rig = functional();
    auto& csr = rig->state().csr;
    csr.mtvec = kRam + 0x100;
    csr.pmpcfg[0] = 0x1F;
    csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
    rig->put(kRam + 0x100, {as::self});
    rig->put(kRam, {access});
    rig->state().x[5] = kRam + kRamBytes - 3;
    rig->hart.state_changed();
    rig->hart.run(1, false);
    EXPECT_EQ(csr.mtval, kRam + kRamBytes) << std::hex << access;
    EXPECT_EQ(csr.mtinst >> 15 & 31, 3u) << std::hex << access;
  }
}

TEST(Engine, PmpAppliesWithinAPage) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x100;
  rig->put(kRam + 0x100, {as::self});
  rig->put(kRam, {as::ld(1, 5, 0), as::ld(2, 5, 8), as::self});
  rig->state().x[5] = kRam + 0x1000;
  // Entry 0: the doubleword at +8 is closed to all; entry 1: everything is open.
  rig->state().csr.pmpaddr[0] = (kRam + 0x1008) >> 2;
  rig->state().csr.pmpcfg[0] = 0x18 | 0x80;  // NAPOT (8 bytes), locked: binds M-mode too
  rig->hart.state_changed();
  rig->hart.run(4, false);
  EXPECT_EQ(rig->state().csr.mepc, kRam + 4);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::load_access_fault));
}

// "Physical Memory Protection": fetches too. The block begins where it may be executed and runs on.
TEST(Engine, PmpStopsCodeThatRunsOnIntoAnotherRegionOfItsPage) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x2000;
  rig->put(kRam + 0x2000, {as::self});
  rig->put(kRam, {as::addi(1, 1, 1), as::addi(2, 2, 1), as::addi(3, 3, 1), as::self});
  rig->state().csr.pmpaddr[0] = (kRam + 8) >> 2;
  rig->state().csr.pmpcfg[0] = 0x10 | 0x80 | 1;  // NA4, locked, readable
  rig->hart.state_changed();
  rig->hart.run(8, false);
  EXPECT_EQ(rig->state().x[2], 1u);
  EXPECT_EQ(rig->state().x[3], 0u);
  EXPECT_EQ(rig->state().csr.mepc, kRam + 8);
  EXPECT_EQ(rig->state().csr.mtval, kRam + 8);
  EXPECT_EQ(rig->state().csr.mcause, static_cast<std::uint64_t>(isa::Exception::instruction_access_fault));
}

// "Machine Trap Value Register": of an instruction that is fetched in parts, tval is the address of the part.
TEST(Engine, PmpStopsAnInstructionAtItsSecondHalf) {
  auto rig = functional();
  rig->state().csr.mtvec = kRam + 0x2000;
  rig->put(kRam + 0x2000, {as::self});
  rig->memory->write(isa::Hpa{kRam + 2}, std::uint32_t{as::addi(1, 1, 1)});
  rig->state().pc = kRam + 2;
  rig->state().csr.pmpaddr[0] = (kRam + 4) >> 2;
  rig->state().csr.pmpcfg[0] = 0x10 | 0x80 | 1;
  rig->hart.state_changed();
  rig->hart.run(2, false);
  EXPECT_EQ(rig->state().x[1], 0u);
  EXPECT_EQ(rig->state().csr.mepc, kRam + 2);
  EXPECT_EQ(rig->state().csr.mtval, kRam + 4);
}

TEST(Engine, CodeInAPageThatPmpDividesRunsAndLoops) {
  auto rig = functional();
  rig->put(kRam, {as::addi(1, 1, 1), as::addi(2, 0, 10), as::bne(1, 2, -8), as::self});
  rig->state().csr.pmpaddr[0] = (kRam + 0x800) >> 2;
  rig->state().csr.pmpcfg[0] = 0x10 | 0x80 | 1;
  rig->hart.state_changed();
  rig->hart.run(40, false);
  EXPECT_EQ(rig->state().x[1], 10u);
  EXPECT_EQ(rig->state().pc, kRam + 12);
}

}  // namespace
}  // namespace hvsim::cpu::test
