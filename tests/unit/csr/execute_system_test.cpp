// CSR and privileged instructions: operand rules, permissions by mode, and what they ask of the hart.
#include "models/cpu/execute_system.h"

#include <functional>

#include "tests/unit/csr/fake_core.h"

namespace hvsim::cpu::testing {
namespace {

constexpr std::uint32_t kRaw = 0xABCD1234;
constexpr unsigned kIllegalCode = 2, kVirtualCode = 22;

Op csr_op(unsigned number, unsigned rd, unsigned rs1) {
  Op op;
  op.raw = kRaw;
  op.imm = static_cast<std::int32_t>(number);
  op.rd = rd == 0 ? HartState::kSink : static_cast<std::uint8_t>(rd);
  op.rs1 = static_cast<std::uint8_t>(rs1);
  return op;
}
Op registers(unsigned rd, unsigned rs1, unsigned rs2) {
  Op op = csr_op(0, rd, rs1);
  op.rs2 = static_cast<std::uint8_t>(rs2);
  return op;
}

TEST(CsrInstructions, ReplaceSetAndClearReturnTheOldValue) {
  FakeCore core;
  core.state.csr.mscratch = 0xF0F0;
  core.state.x[5] = 0x00FF;
  EXPECT_TRUE(execute::csrrs(core, csr_op(csr::mscratch, 10, 5)));
  EXPECT_EQ(core.state.x[10], 0xF0F0u);
  EXPECT_EQ(core.state.csr.mscratch, 0xF0FFu);
  EXPECT_TRUE(execute::csrrc(core, csr_op(csr::mscratch, 10, 5)));
  EXPECT_EQ(core.state.x[10], 0xF0FFu);
  EXPECT_EQ(core.state.csr.mscratch, 0xF000u);
  EXPECT_TRUE(execute::csrrw(core, csr_op(csr::mscratch, 5, 5)));  // rd = rs1
  EXPECT_EQ(core.state.x[5], 0xF000u);
  EXPECT_EQ(core.state.csr.mscratch, 0x00FFu);
}

TEST(CsrInstructions, ImmediateFormsUseTheFiveBits) {
  FakeCore core;
  core.state.x[21] = kAllOnes;  // must not be read
  core.state.csr.mscratch = 0x100;
  EXPECT_TRUE(execute::csrrsi(core, csr_op(csr::mscratch, 10, 21)));
  EXPECT_EQ(core.state.csr.mscratch, 0x115u);
  EXPECT_TRUE(execute::csrrci(core, csr_op(csr::mscratch, 10, 1)));
  EXPECT_EQ(core.state.csr.mscratch, 0x114u);
  EXPECT_TRUE(execute::csrrwi(core, csr_op(csr::mscratch, 10, 0)));
  EXPECT_EQ(core.state.x[10], 0x114u);
  EXPECT_EQ(core.state.csr.mscratch, 0u);
}

// Zicsr: CSRRS/CSRRC with rs1=x0, CSRRSI/CSRRCI with a zero immediate "shall not write to the CSR at all".
TEST(CsrInstructions, ReadOnlyCsrsMayBeReadWithoutWriting) {
  FakeCore core;
  core.state.hart_id = 3;
  for (auto* execute : {&execute::csrrs<FakeCore>, &execute::csrrc<FakeCore>, &execute::csrrsi<FakeCore>,
                        &execute::csrrci<FakeCore>}) {
    core.trap.reset();
    EXPECT_TRUE(execute(core, csr_op(csr::mhartid, 10, 0)));
    EXPECT_EQ(core.state.x[10], 3u);
    EXPECT_FALSE(execute(core, csr_op(csr::mhartid, 10, 6)));
    EXPECT_EQ(core.cause(), kIllegalCode);
  }
  for (auto* execute : {&execute::csrrw<FakeCore>, &execute::csrrwi<FakeCore>}) {
    core.trap.reset();
    EXPECT_FALSE(execute(core, csr_op(csr::mhartid, 0, 0)));
    EXPECT_EQ(core.cause(), kIllegalCode);
  }
}

TEST(CsrInstructions, WithoutARegisterOperandNothingIsWritten) {
  FakeCore core;
  core.state.retired = 100;
  core.state.minstret_offset = 7;
  execute::csrrs(core, csr_op(csr::minstret, 10, 0));
  EXPECT_EQ(core.state.minstret_offset, 7u);
  // A register that holds zero does write.
  execute::csrrs(core, csr_op(csr::minstret, 10, 5));
  EXPECT_EQ(core.state.minstret_offset, 6u);
}

TEST(CsrInstructions, ARefusedAccessChangesNothingAndCarriesTheEncoding) {
  FakeCore core(kVs);
  core.state.x[10] = 77;
  core.state.x[5] = 1;
  EXPECT_FALSE(execute::csrrw(core, csr_op(csr::hstatus, 10, 5)));
  EXPECT_EQ(core.cause(), kVirtualCode);
  EXPECT_EQ(core.trap->tval, kRaw);
  EXPECT_FALSE(core.trap->guest_virtual);
  EXPECT_EQ(core.state.x[10], 77u);
  EXPECT_EQ(core.state.csr.hstatus, 0u);
  EXPECT_FALSE(execute::csrrw(core, csr_op(csr::mstatus, 10, 5)));
  EXPECT_EQ(core.cause(), kIllegalCode);
  EXPECT_EQ(core.trap->tval, kRaw);
}

TEST(CsrInstructions, InAGuestSupervisorNumbersReachVsRegisters) {
  FakeCore core(kVs);
  core.state.x[5] = 0x1234;
  EXPECT_TRUE(execute::csrrw(core, csr_op(csr::sscratch, 0, 5)));
  EXPECT_EQ(core.state.csr.vsscratch, 0x1234u);
  EXPECT_EQ(core.state.csr.sscratch, 0u);
}

TEST(CsrInstructions, SettingABitInMipDoesNotLatchTheExternalLine) {
  FakeCore core;
  constexpr std::uint64_t seip = bit(isa::Interrupt::supervisor_external);
  core.state.lines = seip;
  EXPECT_TRUE(execute::csrrsi(core, csr_op(csr::mip, 10, 2)));
  EXPECT_EQ(core.state.x[10], seip);  // rd gets the signal as well
  EXPECT_EQ(core.state.csr.mip, 2u);
}

TEST(Ecall, CauseTellsTheMode) {
  for (auto [mode, cause] :
       {std::pair{kM, 11u}, std::pair{kHs, 9u}, std::pair{kU, 8u}, std::pair{kVs, 10u}, std::pair{kVu, 8u}}) {
    FakeCore core(mode);
    EXPECT_FALSE(execute::ecall(core, Op{}));
    EXPECT_EQ(core.cause(), cause);
    EXPECT_EQ(core.trap->tval, 0u);
  }
}

// "mtval is written with either zero or the virtual address of the instruction"; GVA is set for what is a
// guest's
// ("Machine Status Registers" of H).
TEST(Ebreak, IsABreakpointAtItsAddress) {
  for (isa::Mode mode : kAllModes) {
    FakeCore core(mode);
    core.state.pc = 0x80000404;
    EXPECT_FALSE(execute::ebreak(core, Op{}));
    EXPECT_EQ(core.cause(), 3u);
    EXPECT_EQ(core.trap->tval, 0x80000404u);
    EXPECT_EQ(core.trap->guest_virtual, mode.virtualized);
  }
}

// One instruction under one setting of the trap bits: the exception in each mode (0: it executes).
struct Permission {
  const char* name;
  std::function<bool(FakeCore&)> run;
  std::uint64_t mstatus, hstatus;
  unsigned m, hs, u, vs, vu;
};

TEST(Privileged, PermissionsFollowTheManual) {
  const Op op = registers(10, 0, 0);
  const auto mret = [&](FakeCore& c) { return execute::mret(c, op); };
  const auto sret = [&](FakeCore& c) { return execute::sret(c, op); };
  const auto wfi = [&](FakeCore& c) { return execute::wfi(c, op); };
  const auto sfence = [&](FakeCore& c) { return execute::sfence_vma(c, op); };
  const auto vvma = [&](FakeCore& c) { return execute::hfence_vvma(c, op); };
  const auto gvma = [&](FakeCore& c) { return execute::hfence_gvma(c, op); };
  const auto sinval = [&](FakeCore& c) { return execute::sinval_vma(c, op); };
  const auto order_before = [&](FakeCore& c) { return execute::sfence_w_inval(c, op); };
  const auto order_after = [&](FakeCore& c) { return execute::sfence_inval_ir(c, op); };
  const auto inval_vvma = [&](FakeCore& c) { return execute::hinval_vvma(c, op); };
  const auto inval_gvma = [&](FakeCore& c) { return execute::hinval_gvma(c, op); };
  const auto hlv = [&](FakeCore& c) { return execute::hlv_d(c, op); };
  const auto hsv = [&](FakeCore& c) { return execute::hsv_d(c, op); };
  const Permission cases[] = {
      // name, instruction, mstatus, hstatus: M HS U VS VU
      {"mret", mret, 0, 0, 0, 2, 2, 2, 2},
      {"sret", sret, 0, 0, 0, 0, 2, 0, 22},
      {"sret, TSR", sret, csr::kTsr, 0, 0, 2, 2, 0, 22},
      {"sret, VTSR", sret, 0, csr::kVtsr, 0, 0, 2, 22, 22},
      {"wfi", wfi, 0, 0, 0, 0, 2, 0, 22},
      {"wfi, TW", wfi, csr::kTw, 0, 0, 2, 2, 2, 2},
      {"wfi, VTW", wfi, 0, csr::kVtw, 0, 0, 2, 22, 22},
      {"wfi, TW and VTW", wfi, csr::kTw, csr::kVtw, 0, 2, 2, 2, 2},
      {"sfence.vma", sfence, 0, 0, 0, 0, 2, 0, 22},
      {"sfence.vma, TVM", sfence, csr::kTvm, 0, 0, 2, 2, 0, 22},
      {"sfence.vma, VTVM", sfence, 0, csr::kVtvm, 0, 0, 2, 22, 22},
      {"hfence.vvma", vvma, 0, 0, 0, 0, 2, 22, 22},
      {"hfence.vvma, TVM and VTVM", vvma, csr::kTvm, csr::kVtvm, 0, 0, 2, 22, 22},
      {"hfence.gvma", gvma, 0, 0, 0, 0, 2, 22, 22},
      {"hfence.gvma, TVM", gvma, csr::kTvm, 0, 0, 2, 2, 22, 22},
      {"sinval.vma", sinval, 0, 0, 0, 0, 2, 0, 22},
      {"sinval.vma, TVM", sinval, csr::kTvm, 0, 0, 2, 2, 0, 22},
      {"sinval.vma, VTVM", sinval, 0, csr::kVtvm, 0, 0, 2, 22, 22},
      {"sfence.w.inval, TVM and VTVM", order_before, csr::kTvm, csr::kVtvm, 0, 0, 2, 0, 22},
      {"sfence.inval.ir, TVM and VTVM", order_after, csr::kTvm, csr::kVtvm, 0, 0, 2, 0, 22},
      {"hinval.vvma, TVM and VTVM", inval_vvma, csr::kTvm, csr::kVtvm, 0, 0, 2, 22, 22},
      {"hinval.gvma", inval_gvma, 0, 0, 0, 0, 2, 22, 22},
      {"hinval.gvma, TVM", inval_gvma, csr::kTvm, 0, 0, 2, 2, 22, 22},
      {"hlv", hlv, 0, 0, 0, 0, 2, 22, 22},
      {"hlv, HU", hlv, 0, csr::kHu, 0, 0, 0, 22, 22},
      {"hsv", hsv, 0, 0, 0, 0, 2, 22, 22},
      {"hsv, HU", hsv, 0, csr::kHu, 0, 0, 0, 22, 22},
  };
  for (const Permission& c : cases) {
    const std::pair<isa::Mode, unsigned> expected[] = {
        {kM, c.m}, {kHs, c.hs}, {kU, c.u}, {kVs, c.vs}, {kVu, c.vu}};
    for (auto [mode, cause] : expected) {
      FakeCore core(mode);
      core.state.csr.mstatus = c.mstatus;
      core.state.csr.hstatus = c.hstatus;
      EXPECT_EQ(c.run(core), cause == 0) << c.name;
      EXPECT_EQ(core.cause(), cause) << c.name;
      if (cause != 0) {
        EXPECT_EQ(core.trap->tval, kRaw) << c.name;
        EXPECT_EQ(core.state.mode, mode) << c.name;
        EXPECT_TRUE(core.fences.empty() && core.guest_accesses.empty() && core.waits == 0) << c.name;
      }
    }
  }
}

TEST(Privileged, WithoutHItsInstructionsAreIllegal) {
  FakeCore core;
  core.state.isa_config.h = false;
  EXPECT_FALSE(execute::hfence_gvma(core, registers(0, 0, 0)));
  EXPECT_EQ(core.cause(), kIllegalCode);
  EXPECT_FALSE(execute::hlv_b(core, registers(10, 5, 0)));
  EXPECT_EQ(core.cause(), kIllegalCode);
}

TEST(Privileged, ReturnsSetTheNextPc) {
  FakeCore core;
  core.state.csr.mepc = 0x80001000;
  core.state.csr.mstatus = std::uint64_t{1} << csr::kMppShift | csr::kMpv;
  EXPECT_TRUE(execute::mret(core, Op{}));
  EXPECT_EQ(core.next_pc, 0x80001000u);
  EXPECT_EQ(core.state.mode, kVs);
  core.state.csr.vsepc = 0x2000;
  EXPECT_TRUE(execute::sret(core, Op{}));
  EXPECT_EQ(core.next_pc, 0x2000u);
  EXPECT_EQ(core.state.mode, kVu);
}

TEST(Wfi, AsksTheHartToWait) {
  FakeCore core(kVs);
  EXPECT_TRUE(execute::wfi(core, Op{}));
  EXPECT_EQ(core.waits, 1u);
}

TEST(Fences, X0MeansAllAndOtherRegistersSelect) {
  FakeCore core;
  core.state.x[5] = 0x12345000;
  core.state.x[6] = 0xABCD1234;
  execute::sfence_vma(core, registers(0, 0, 0));
  execute::sfence_vma(core, registers(0, 5, 6));
  execute::hfence_vvma(core, registers(0, 5, 0));
  execute::hfence_gvma(core, registers(0, 5, 6));
  ASSERT_EQ(core.fences.size(), 4u);
  EXPECT_EQ(core.fences[0].kind, TranslationFence::Kind::sfence_vma);
  EXPECT_FALSE(core.fences[0].address || core.fences[0].space || core.fences[0].virtualized);
  EXPECT_EQ(core.fences[1].address, 0x12345000u);
  EXPECT_EQ(core.fences[1].space, 0x1234u);  // ASIDs have 16 bits
  EXPECT_EQ(core.fences[2].kind, TranslationFence::Kind::hfence_vvma);
  EXPECT_EQ(core.fences[2].address, 0x12345000u);
  EXPECT_FALSE(core.fences[2].space);
  EXPECT_EQ(core.fences[3].kind, TranslationFence::Kind::hfence_gvma);
  EXPECT_EQ(core.fences[3].address, 0x48D14000u);  // rs1 holds the guest physical address >> 2
  EXPECT_EQ(core.fences[3].space, 0x1234u & 0x3FFF);
}

TEST(Fences, SfenceInAGuestIsMarkedVirtualized) {
  FakeCore core(kVs);
  EXPECT_TRUE(execute::sfence_vma(core, registers(0, 0, 0)));
  EXPECT_TRUE(core.fences.at(0).virtualized);
}

TEST(GuestLoads, ExtendAndUseTheRightAccess) {
  struct Case {
    bool (*run)(FakeCore&, const Op&);
    unsigned bytes;
    isa::Access access;
    std::uint64_t value;
  };
  const Case cases[] = {
      {execute::hlv_b, 1, isa::Access::load, 0xFFFFFFFFFFFFFFEF},
      {execute::hlv_bu, 1, isa::Access::load, 0xEF},
      {execute::hlv_h, 2, isa::Access::load, 0xFFFFFFFFFFFFCDEF},
      {execute::hlv_hu, 2, isa::Access::load, 0xCDEF},
      {execute::hlv_w, 4, isa::Access::load, 0xFFFFFFFF89ABCDEF},
      {execute::hlv_wu, 4, isa::Access::load, 0x89ABCDEF},
      {execute::hlv_d, 8, isa::Access::load, 0x0123456789ABCDEF},
      {execute::hlvx_hu, 2, isa::Access::execute_read, 0xCDEF},
      {execute::hlvx_wu, 4, isa::Access::execute_read, 0x89ABCDEF},
  };
  for (const Case& c : cases) {
    FakeCore core(kHs);
    core.guest_value = 0x0123456789ABCDEF;
    core.state.x[5] = 0x4000;
    EXPECT_TRUE(c.run(core, registers(10, 5, 0)));
    EXPECT_EQ(core.state.x[10], c.value);
    EXPECT_EQ(core.guest_accesses.at(0).address, 0x4000u);
    EXPECT_EQ(core.guest_accesses.at(0).bytes, c.bytes);
    EXPECT_EQ(core.guest_accesses.at(0).access, c.access);
  }
}

TEST(GuestLoads, AFaultLeavesTheDestinationAlone) {
  FakeCore core(kHs);
  core.guest_fails = true;
  core.state.x[10] = 5;
  EXPECT_FALSE(execute::hlv_d(core, registers(10, 6, 0)));
  EXPECT_EQ(core.cause(), 21u);
  EXPECT_EQ(core.state.x[10], 5u);
  EXPECT_FALSE(execute::hsv_w(core, registers(0, 6, 7)));
  EXPECT_EQ(core.cause(), 23u);
}

TEST(GuestStores, StoreTheLowBytesOfRs2) {
  FakeCore core(kM);
  core.state.x[5] = 0x4000;
  core.state.x[6] = 0x0123456789ABCDEF;
  for (auto* run : {&execute::hsv_b<FakeCore>, &execute::hsv_h<FakeCore>, &execute::hsv_w<FakeCore>,
                    &execute::hsv_d<FakeCore>})
    EXPECT_TRUE(run(core, registers(0, 5, 6)));
  const std::uint64_t expected[] = {0xEF, 0xCDEF, 0x89ABCDEF, 0x0123456789ABCDEF};
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(core.guest_accesses.at(i).value, expected[i]);
    EXPECT_EQ(core.guest_accesses.at(i).bytes, 1u << i);
    EXPECT_EQ(core.guest_accesses.at(i).address, 0x4000u);
  }
}

TEST(Marks, PassKindAndValue) {
  FakeCore core(kVu);
  core.state.x[5] = 99;
  Op op = registers(0, 5, 0);
  op.imm = 3;
  execute::mark(core, op);
  EXPECT_EQ(core.marks.at(0), (std::pair<unsigned, std::uint64_t>{3, 99}));
}

TEST(FenceI, ReachesTheHart) {
  FakeCore core(kU);
  execute::fence_i(core, Op{});
  execute::fence(core, Op{});
  EXPECT_EQ(core.instruction_fences, 1u);
  EXPECT_TRUE(core.fences.empty());
}

}  // namespace
}  // namespace hvsim::cpu::testing
