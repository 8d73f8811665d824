// Trap delivery: delegation, status stacks, vectors, and what each destination is told.
#include "models/cpu/trap.h"

#include "models/cpu/privileged.h"
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

using isa::Exception;
using isa::Interrupt;

constexpr std::uint64_t kPc = 0x80001234, kMtvec = 0x80000100, kStvec = 0x80000200, kVstvec = 0x80000300;

isa::Trap exception(Exception code) { return {.code = static_cast<std::uint8_t>(code)}; }
isa::Trap interrupt(Interrupt code) { return {.interrupt = true, .code = static_cast<std::uint8_t>(code)}; }

TestHart ready(isa::Mode mode) {
  TestHart hart(mode);
  hart.pc = kPc;
  hart.csr.mtvec = kMtvec;
  hart.csr.stvec = kStvec;
  hart.csr.vstvec = kVstvec;
  return hart;
}

std::uint64_t mpp(const HartState& hart) { return (hart.csr.mstatus & csr::kMpp) >> csr::kMppShift; }

TEST(TrapDelegation, WithoutMedelegEverythingGoesToMachineMode) {
  for (isa::Mode mode : kAllModes) {
    TestHart hart = ready(mode);
    hart.csr.hedeleg = kAllOnes;
    const TrapTaken taken = take_trap(hart, exception(Exception::breakpoint));
    EXPECT_EQ(taken.from, mode);
    EXPECT_EQ(taken.to, kM);
    EXPECT_EQ(taken.epc, kPc);
    EXPECT_EQ(hart.mode, kM);
    EXPECT_EQ(hart.pc, kMtvec);
    EXPECT_EQ(hart.csr.mepc, kPc);
    EXPECT_EQ(hart.csr.mcause, 3u);
  }
}

TEST(TrapDelegation, TrapsInMachineModeAreNeverDelegated) {
  TestHart hart = ready(kM);
  hart.csr.medeleg = hart.csr.hedeleg = kAllOnes;
  EXPECT_EQ(take_trap(hart, exception(Exception::load_page_fault)).to, kM);
}

TEST(TrapDelegation, MedelegLeadsToHsAndHedelegFurtherToVsFromGuestsOnly) {
  for (isa::Mode mode : {kHs, kU, kVs, kVu}) {
    TestHart hart = ready(mode);
    hart.csr.medeleg = bit(Exception::load_page_fault);
    EXPECT_EQ(trap_destination(hart, exception(Exception::load_page_fault)), kHs);
    EXPECT_EQ(trap_destination(hart, exception(Exception::store_page_fault)), kM);
    hart.csr.hedeleg = bit(Exception::load_page_fault);
    EXPECT_EQ(trap_destination(hart, exception(Exception::load_page_fault)), mode.virtualized ? kVs : kHs);
  }
}

TEST(TrapDelegation, VirtualInterruptsPassMachineModeAlways) {
  TestHart hart = ready(kVu);
  EXPECT_EQ(trap_destination(hart, interrupt(Interrupt::virtual_supervisor_timer)), kHs);
  EXPECT_EQ(trap_destination(hart, interrupt(Interrupt::supervisor_timer)), kM);
  hart.csr.hideleg = bit(Interrupt::virtual_supervisor_timer);
  EXPECT_EQ(trap_destination(hart, interrupt(Interrupt::virtual_supervisor_timer)), kVs);
}

// Table "Value of mstatus fields MPV and MPP after a trap into M-mode".
TEST(TrapToMachine, RemembersWhereItCameFrom) {
  for (isa::Mode mode : kAllModes) {
    TestHart hart = ready(mode);
    hart.csr.mstatus = csr::kMie | csr::kSie;
    take_trap(hart, exception(Exception::illegal_instruction));
    EXPECT_EQ(mpp(hart), static_cast<unsigned>(mode.privilege));
    EXPECT_EQ((hart.csr.mstatus & csr::kMpv) != 0, mode.virtualized);
    EXPECT_EQ(hart.csr.mstatus & (csr::kMie | csr::kMpie | csr::kSie), csr::kMpie | csr::kSie);
  }
}

TEST(TrapToMachine, CarriesAllTheFaultSays) {
  TestHart hart = ready(kVs);
  hart.csr.mstatus = csr::kMpie;
  isa::Trap trap = exception(Exception::load_guest_page_fault);
  trap.guest_virtual = true;
  trap.tval = 0x1111;
  trap.guest_physical = 0x2222;
  trap.instruction = 0x3333;
  take_trap(hart, trap);
  EXPECT_EQ(hart.csr.mcause, 21u);
  EXPECT_EQ(hart.csr.mtval, 0x1111u);
  EXPECT_EQ(hart.csr.mtval2, 0x2222u);
  EXPECT_EQ(hart.csr.mtinst, 0x3333u);
  EXPECT_EQ(hart.csr.mstatus & (csr::kGva | csr::kMpie), csr::kGva);
  take_trap(hart, exception(Exception::breakpoint));
  EXPECT_EQ(hart.csr.mstatus & csr::kGva, 0u);
  EXPECT_EQ(hart.csr.mtval2 | hart.csr.mtinst | hart.csr.mtval, 0u);
}

// Table "Value of hstatus field SPV and sstatus field SPP after a trap into HS-mode".
TEST(TrapToHs, RemembersWhereItCameFromAndSpvpOnlyForGuests) {
  for (isa::Mode mode : {kHs, kU, kVs, kVu}) {
    for (std::uint64_t spvp : {std::uint64_t{0}, csr::kSpvp}) {
      TestHart hart = ready(mode);
      hart.csr.medeleg = kAllOnes;
      hart.csr.mstatus = csr::kSie;
      hart.csr.hstatus = spvp;
      take_trap(hart, exception(Exception::virtual_instruction));
      const bool supervisor = mode.privilege == isa::Privilege::supervisor;
      EXPECT_EQ(hart.mode, kHs);
      EXPECT_EQ(hart.pc, kStvec);
      EXPECT_EQ((hart.csr.mstatus & csr::kSpp) != 0, supervisor);
      EXPECT_EQ((hart.csr.hstatus & csr::kSpv) != 0, mode.virtualized);
      EXPECT_EQ((hart.csr.hstatus & csr::kSpvp) != 0, mode.virtualized ? supervisor : spvp != 0);
      EXPECT_EQ(hart.csr.mstatus & (csr::kSie | csr::kSpie), csr::kSpie);
      EXPECT_EQ(hart.csr.sepc, kPc);
      EXPECT_EQ(hart.csr.scause, 22u);
    }
  }
}

TEST(TrapToHs, CarriesAllTheFaultSays) {
  TestHart hart = ready(kVu);
  hart.csr.medeleg = kAllOnes;
  isa::Trap trap = exception(Exception::store_guest_page_fault);
  trap.guest_virtual = true;
  trap.tval = 0x1111;
  trap.guest_physical = 0x2222;
  trap.instruction = 0x3333;
  take_trap(hart, trap);
  EXPECT_EQ(hart.csr.stval, 0x1111u);
  EXPECT_EQ(hart.csr.htval, 0x2222u);
  EXPECT_EQ(hart.csr.htinst, 0x3333u);
  EXPECT_NE(hart.csr.hstatus & csr::kHGva, 0u);
  EXPECT_EQ(hart.csr.mtval | hart.csr.mtinst | hart.csr.mepc, 0u);
  take_trap(hart, exception(Exception::ecall_from_s));
  EXPECT_EQ(hart.csr.hstatus & csr::kHGva, 0u);
  EXPECT_EQ(hart.csr.htval | hart.csr.htinst | hart.csr.stval, 0u);
}

// Table "Value of vsstatus field SPP after a trap into VS-mode"; hstatus and sstatus are not modified.
TEST(TrapToVs, TouchesNothingOfHs) {
  for (isa::Mode mode : {kVs, kVu}) {
    TestHart hart = ready(mode);
    hart.csr.medeleg = hart.csr.hedeleg = kAllOnes;
    hart.csr.vsstatus = csr::kSie;
    isa::Trap trap = exception(Exception::load_page_fault);
    trap.tval = 0x1111;
    trap.guest_virtual = true;
    trap.instruction = 0x3333;
    take_trap(hart, trap);
    EXPECT_EQ(hart.mode, kVs);
    EXPECT_EQ(hart.pc, kVstvec);
    EXPECT_EQ(hart.csr.vsepc, kPc);
    EXPECT_EQ(hart.csr.vscause, 13u);
    EXPECT_EQ(hart.csr.vstval, 0x1111u);
    EXPECT_EQ(hart.csr.vsstatus, csr::kSpie | (mode == kVs ? csr::kSpp : 0));
    EXPECT_EQ(hart.csr.mstatus | hart.csr.hstatus | hart.csr.htinst | hart.csr.scause, 0u);
  }
}

// H "Hypervisor Trap Delegation Registers": codes 10, 6, 2 become 9, 5, 1.
TEST(TrapToVs, VirtualInterruptsShowAsSupervisorInterrupts) {
  for (unsigned code : {2u, 6u, 10u}) {
    TestHart hart = ready(kVu);
    hart.csr.hideleg = 0x444;
    hart.csr.vstvec = kVstvec | 1;
    take_trap(hart, interrupt(static_cast<Interrupt>(code)));
    EXPECT_EQ(hart.csr.vscause, isa::kInterruptBit | (code - 1));
    EXPECT_EQ(hart.pc, kVstvec + 4 * (code - 1));
  }
}

TEST(TrapVector, VectoredModeOffsetsInterruptsOnly) {
  TestHart hart = ready(kU);
  hart.csr.mtvec = kMtvec | 1;
  take_trap(hart, interrupt(Interrupt::machine_timer));
  EXPECT_EQ(hart.pc, kMtvec + 28);
  EXPECT_EQ(hart.csr.mcause, isa::kInterruptBit | 7);
  take_trap(hart, exception(Exception::breakpoint));
  EXPECT_EQ(hart.pc, kMtvec);

  hart = ready(kHs);
  hart.csr.stvec = kStvec | 1;
  take_trap(hart, interrupt(Interrupt::virtual_supervisor_external));
  EXPECT_EQ(hart.pc, kStvec + 40);
  EXPECT_EQ(hart.csr.scause, isa::kInterruptBit | 10);
}

// Table "Value of mstatus fields MPV and MPP": MRET goes back to where the trap came from.
TEST(Mret, UndoesATrapIntoMachineMode) {
  for (isa::Mode mode : kAllModes) {
    TestHart hart = ready(mode);
    hart.csr.mstatus = csr::kMie;
    take_trap(hart, exception(Exception::illegal_instruction));
    EXPECT_EQ(leave_machine(hart), kPc);
    EXPECT_EQ(hart.mode, mode);
    EXPECT_EQ(hart.csr.mstatus, csr::kMie | csr::kMpie);
  }
}

TEST(Mret, IgnoresMpvWhenMppIsMachineAndClearsMprvOnlyWhenLeaving) {
  TestHart hart;
  hart.csr.mstatus = csr::kMpp | csr::kMpv | csr::kMprv;
  leave_machine(hart);
  EXPECT_EQ(hart.mode, kM);
  EXPECT_EQ(hart.csr.mstatus, csr::kMprv | csr::kMpie);
  leave_machine(hart);
  EXPECT_EQ(hart.mode, kU);
  EXPECT_EQ(hart.csr.mstatus & csr::kMprv, 0u);
}

TEST(Sret, UndoesATrapIntoHsMode) {
  for (isa::Mode mode : {kHs, kU, kVs, kVu}) {
    TestHart hart = ready(mode);
    hart.csr.medeleg = kAllOnes;
    hart.csr.mstatus = csr::kSie;
    take_trap(hart, exception(Exception::illegal_instruction));
    EXPECT_EQ(leave_supervisor(hart), kPc);
    EXPECT_EQ(hart.mode, mode);
    EXPECT_EQ(hart.csr.mstatus, csr::kSie | csr::kSpie);
    EXPECT_EQ(hart.csr.hstatus & csr::kSpv, 0u);
  }
}

TEST(Sret, InTheGuestUsesVsstatusAndStaysThere) {
  TestHart hart(kVs);
  hart.csr.vsepc = 0x4000;
  hart.csr.sepc = 0x5000;
  hart.csr.vsstatus = csr::kSpie;
  hart.csr.mstatus = csr::kSpp;
  hart.csr.hstatus = 0;
  EXPECT_EQ(leave_supervisor(hart), 0x4000u);
  EXPECT_EQ(hart.mode, kVu);
  EXPECT_EQ(hart.csr.vsstatus, csr::kSie | csr::kSpie);
  EXPECT_EQ(hart.csr.mstatus, csr::kSpp);
}

TEST(Sret, InMachineModeActsAsInHsModeAndClearsMprv) {
  TestHart hart(kM);
  hart.csr.sepc = 0x5000;
  hart.csr.mstatus = csr::kSpp | csr::kMprv;
  hart.csr.hstatus = csr::kSpv;
  EXPECT_EQ(leave_supervisor(hart), 0x5000u);
  EXPECT_EQ(hart.mode, kVs);
  EXPECT_EQ(hart.csr.mstatus & csr::kMprv, 0u);
}

}  // namespace
}  // namespace hvsim::cpu::testing
