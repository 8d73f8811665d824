// What the decoder puts into an Op, beyond names.
#include "models/cpu/decoder.h"

#include <gtest/gtest.h>

#include "models/cpu/compressed.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/mark.h"

namespace hvsim::cpu {
namespace {

constexpr std::uint32_t kAddiX0 = 0x00108013;       // addi x0, x1, 1
constexpr std::uint32_t kFaddDynamic = 0x00527E53;  // fadd.s f28, f4, f5, dyn
constexpr std::uint16_t kFldCompressed = 0x2108;    // c.fld f10, 0(x10)

TEST(Decoder, SendsWritesToX0ToTheSinkButLeavesF0Alone) {
  EXPECT_EQ(decode(kAddiX0, {}).rd, HartState::kSink);
  EXPECT_EQ(decode(0x00002007, {}).rd, 0);                 // flw f0, 0(x0)
  EXPECT_EQ(decode(0xA0002053, {}).rd, HartState::kSink);  // feq.s x0, f0, f0
  EXPECT_EQ(decode(0x00000063, {}).rd, HartState::kSink);  // beq has no destination
  EXPECT_EQ(decode(0x0000006F, {}).rd, HartState::kSink);  // jal x0
}

TEST(Decoder, KeepsCsrNumberImmediateAndRegisterApart) {
  const Op op = decode(0x300AD573, {});  // csrrwi x10, mstatus, 21
  EXPECT_EQ(op.id, Id::csrrwi);
  EXPECT_EQ(op.imm, static_cast<int>(isa::csr::mstatus));
  EXPECT_EQ(op.rs1, 21);
  EXPECT_EQ(op.rd, 10);
  EXPECT_EQ(decode(0xF1402573, {}).imm, 0xF14);  // csrr x10, mhartid: not sign-extended
}

TEST(Decoder, KeepsRoundingModeAndOrderingBits) {
  EXPECT_EQ(decode(kFaddDynamic, {}).rm, 7);
  EXPECT_EQ(decode((kFaddDynamic & ~0x7000u) | 0x1000, {}).rm, 1);
  EXPECT_EQ(decode(0x0655AFAF, {}).rm, 3);  // amoadd.w.aqrl
}

TEST(Decoder, ReservedStaticRoundingModesAreIllegal) {
  EXPECT_EQ(decode((kFaddDynamic & ~0x7000u) | 0x5000, {}).id, Id::illegal);
  EXPECT_EQ(decode((kFaddDynamic & ~0x7000u) | 0x6000, {}).id, Id::illegal);
}

TEST(Decoder, WithFsOffEveryFloatInstructionIsIllegalAlsoCompressed) {
  const DecodeOptions off{.float_enabled = false};
  for (const Instruction& row : kInstructions) {
    const bool is_illegal = decode(row.pattern.match, off).id == Id::illegal;
    const bool expected = is_float(row.extension) || row.klass == Class::illegal;
    EXPECT_EQ(is_illegal, expected) << row.name();
  }
  const Op op = decode(kFldCompressed, off);
  EXPECT_EQ(op.id, Id::illegal);
  EXPECT_EQ(op.length, 2);
  EXPECT_EQ(op.raw, kFldCompressed);
}

TEST(Decoder, CompressedOpsKeepTheirSixteenBitsForTval) {
  const Op op = decode(0xFFFF'4501, {});  // c.li x10, 0; what follows does not matter
  EXPECT_EQ(op.id, Id::addi);
  EXPECT_EQ(op.raw, 0x4501u);
  EXPECT_EQ(op.length, 2);
  EXPECT_EQ(op.rd, 10);
}

TEST(Decoder, MarksAreSltiuHintsWithAnImmediate) {
  const Op op = decode(isa::mark_encoding(isa::MarkKind::vcpu, 11), {});
  EXPECT_EQ(op.id, Id::mark);
  EXPECT_EQ(op.imm, 17);
  EXPECT_EQ(op.rs1, 11);
  EXPECT_EQ(decode(0x0005B013, {}).id, Id::sltiu);  // immediate 0 announces nothing
  EXPECT_EQ(decode(0x0115B513, {}).id, Id::sltiu);  // rd is not x0
}

TEST(Decoder, AllZerosAllOnesAndLongEncodingsAreIllegal) {
  EXPECT_EQ(decode(0, {}).id, Id::illegal);
  EXPECT_EQ(decode(0, {}).length, 2);
  EXPECT_EQ(decode(0xFFFFFFFF, {}).id, Id::illegal);
  EXPECT_EQ(decode(0xFFFFFFFF, {}).length, 4);
  EXPECT_EQ(decode(0x0000001F, {}).id, Id::illegal);
}

TEST(Decoder, FindsEveryRowByItsOwnPattern) {
  for (std::size_t i = 0; i < kInstructionCount; ++i) {
    const Instruction& row = kInstructions[i];
    if (row.klass == Class::illegal || row.klass == Class::mark) continue;
    EXPECT_EQ(static_cast<std::size_t>(decode(row.pattern.match, {}).id), i) << row.name();
  }
}

// Unprivileged manual, "Zicond": binutils 2.40 does not know these encodings.
TEST(Decoder, ConditionalZeroes) {
  EXPECT_EQ(decode(0x0EC5D533, {}).id, Id::czero_eqz);
  EXPECT_EQ(decode(0x0EC5F533, {}).id, Id::czero_nez);
}

TEST(Decoder, InstructionsOfAbsentExtensionsAreIllegal) {
  const std::pair<std::uint32_t, bool IsaConfig::*> samples[] = {
      {0x0AC59533, &IsaConfig::zbc},    {0x0EC5D533, &IsaConfig::zicond},  {0x0005200F, &IsaConfig::zicbom},
      {0x0045200F, &IsaConfig::zicboz}, {0x16B50073, &IsaConfig::svinval}, {0x18000073, &IsaConfig::svinval}};
  for (const auto& [raw, extension] : samples) {
    DecodeOptions options;
    EXPECT_NE(decode(raw, options).id, Id::illegal) << std::hex << raw;
    options.isa.*extension = false;
    EXPECT_EQ(decode(raw, options).id, Id::illegal) << std::hex << raw;
  }
}

TEST(InstructionTable, MnemonicsAreTheIdsWithDots) {
  EXPECT_EQ(instruction(Id::amoadd_w).name(), "amoadd.w");
  EXPECT_EQ(instruction(Id::and_).name(), "and");
  EXPECT_EQ(instruction(Id::fcvt_lu_d).name(), "fcvt.lu.d");
  EXPECT_EQ(instruction(Id::hfence_gvma).name(), "hfence.gvma");
}

}  // namespace
}  // namespace hvsim::cpu
