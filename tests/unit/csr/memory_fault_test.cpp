// How failed accesses become traps: cause, tval, htval, GVA, and the instruction value.
#include <string_view>

#include "models/cpu/transformed_instruction.h"
#include "models/cpu/trap.h"
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

using mmu::Stage;
using Why = mmu::TranslationFault::Why;

constexpr std::uint32_t kLw = 0x0083A503;  // lw a0,8(t2)
constexpr isa::Gva kAddress{0x12345678};

isa::Trap fault(Why why, Stage stage, isa::Access access, bool virtualized = true) {
  mmu::AddressSpace space;
  space.virtualized = virtualized;
  mmu::TranslationFault f;
  f.why = why;
  f.stage = stage;
  f.guest_physical = isa::Gpa{0x87654320};
  return memory_fault(f, access, kAddress, space, access == isa::Access::fetch ? 0 : kLw);
}

TEST(MemoryFault, CauseComesFromAccessStageAndReason) {
  struct Case {
    isa::Access access;
    unsigned page, guest_page, access_fault;
  };
  for (const Case& c : {Case{isa::Access::fetch, 12, 20, 1}, Case{isa::Access::load, 13, 21, 5},
                        Case{isa::Access::execute_read, 13, 21, 5}, Case{isa::Access::store, 15, 23, 7}}) {
    for (Why why : {Why::not_canonical, Why::not_valid, Why::reserved_encoding, Why::not_a_leaf,
                    Why::misaligned_superpage, Why::permission, Why::accessed_dirty}) {
      EXPECT_EQ(fault(why, Stage::first, c.access).code, c.page);
      EXPECT_EQ(fault(why, Stage::g_stage, c.access).code, c.guest_page);
    }
    for (Why why : {Why::pmp, Why::no_memory})
      for (Stage stage : {Stage::first, Stage::g_stage})
        EXPECT_EQ(fault(why, stage, c.access).code, c.access_fault);
  }
}

TEST(MemoryFault, TvalIsTheVirtualAddressAndGvaSaysWhose) {
  for (bool virtualized : {false, true}) {
    const isa::Trap trap = fault(Why::not_valid, Stage::first, isa::Access::load, virtualized);
    EXPECT_EQ(trap.tval, kAddress.value);
    EXPECT_EQ(trap.guest_virtual, virtualized);
    EXPECT_EQ(trap.guest_physical, 0u);
    EXPECT_FALSE(trap.interrupt);
  }
}

TEST(MemoryFault, GuestPageFaultsTellTheGuestPhysicalAddressShiftedByTwo) {
  const isa::Trap trap = fault(Why::not_valid, Stage::g_stage, isa::Access::load);
  EXPECT_EQ(trap.guest_physical, 0x87654320u >> 2);
  EXPECT_EQ(trap.instruction, 0x00002503u);  // lw a0,0(x0)
  EXPECT_EQ(fault(Why::pmp, Stage::g_stage, isa::Access::load).guest_physical, 0u);
}

TEST(MemoryFault, FetchFaultsHaveNoTransformedInstruction) {
  EXPECT_EQ(fault(Why::not_valid, Stage::g_stage, isa::Access::fetch).instruction, 0u);
}

// Table "Special pseudoinstruction values for guest-page faults", RV64.
TEST(MemoryFault, ImplicitPageTableAccessesAreToldByPseudoinstructions) {
  mmu::AddressSpace space;
  space.virtualized = true;
  mmu::TranslationFault f;
  f.why = Why::permission;
  f.stage = Stage::g_stage;
  f.implicit = true;
  for (isa::Access access : {isa::Access::fetch, isa::Access::load, isa::Access::store}) {
    f.implicit_write = false;
    EXPECT_EQ(memory_fault(f, access, kAddress, space, kLw).instruction, 0x3000u);
    f.implicit_write = true;
    EXPECT_EQ(memory_fault(f, access, kAddress, space, kLw).instruction, 0x3020u);
  }
}

// A pseudoinstruction is allowed for guest-page faults only.
TEST(MemoryFault, AnImplicitAccessFaultHasNoPseudoinstruction) {
  mmu::TranslationFault f;
  f.why = Why::pmp;
  f.stage = Stage::g_stage;
  f.implicit = true;
  EXPECT_EQ(memory_fault(f, isa::Access::load, kAddress, {}, kLw).instruction, 0x2503u);
}

TEST(MemoryFault, IllegalAndVirtualInstructionsCarryTheBits) {
  EXPECT_EQ(illegal_instruction(0x1234).tval, 0x1234u);
  EXPECT_EQ(illegal_instruction(0x1234).code, 2u);
  EXPECT_EQ(virtual_instruction(0x30200073).tval, 0x30200073u);
  EXPECT_EQ(virtual_instruction(0x30200073).code, 22u);
}

struct Transformation {
  std::string_view text;
  std::uint32_t encoding, transformed;
};

// Encodings by GNU as; transformed ones by the figures "Transformed noncompressed load instruction" and on.
TEST(TransformedInstruction, FollowsTheManualsFormats) {
  const Transformation cases[] = {
      {"lb a0,-1(a1)", 0xfff58503, 0x00000503},
      {"lhu t0,2046(sp)", 0x7fe15283, 0x00005283},
      {"ld s11,8(t6)", 0x008fbd83, 0x00003d83},
      {"flw fa0,4(a1)", 0x0045a507, 0x00002507},
      {"fld ft11,-8(a1)", 0xff85bf87, 0x00003f87},
      {"sb a0,-1(a1)", 0xfea58fa3, 0x00a00023},
      {"sd t6,2040(t5)", 0x7fff3c23, 0x01f03023},
      {"fsw fa0,4(a1)", 0x00a5a227, 0x00a02027},
      {"fsd ft11,-8(a1)", 0xfff5bc27, 0x01f03027},
      {"lr.w.aq a0,(a1)", 0x1405a52f, 0x1400252f},
      {"sc.d.rl a0,a2,(a1)", 0x1ac5b52f, 0x1ac0352f},
      {"amomaxu.d.aqrl a0,a2,(a1)", 0xe6c5b52f, 0xe6c0352f},
      {"hlv.b a0,(a1)", 0x6005c573, 0x60004573},
      {"hlvx.wu a0,(a1)", 0x6835c573, 0x68304573},
      {"hsv.d a0,(a1)", 0x6ea5c073, 0x6ea04073},
      // Compressed ones: the 32-bit instruction's transformation with bit 1 cleared.
      {"c.lw a0,4(a1)", 0x41c8, 0x00002501},
      {"c.ld a0,8(a1)", 0x6588, 0x00003501},
      {"c.fld fa0,8(a1)", 0x2588, 0x00003505},
      {"c.sw a0,4(a1)", 0xc1c8, 0x00a02021},
      {"c.sd a0,8(a1)", 0xe588, 0x00a03021},
      {"c.fsd fa0,8(a1)", 0xa588, 0x00a03025},
      {"c.lwsp a0,4(sp)", 0x4512, 0x00002501},
      {"c.ldsp t6,8(sp)", 0x6fa2, 0x00003f81},
      {"c.fldsp fa0,8(sp)", 0x2522, 0x00003505},
      {"c.swsp a0,4(sp)", 0xc22a, 0x00a02021},
      {"c.sdsp t6,8(sp)", 0xe47e, 0x01f03021},
      {"c.fsdsp fa0,8(sp)", 0xa42a, 0x00a03025},
  };
  for (const auto& c : cases) EXPECT_EQ(transformed_instruction(c.encoding, 0), c.transformed) << c.text;
}

TEST(TransformedInstruction, TheAddressOffsetOfAMisalignedAccessTakesRs1sPlace) {
  EXPECT_EQ(transformed_instruction(0x0045a503, 2), 0x00012503u);  // lw a0,4(a1)
  EXPECT_EQ(transformed_instruction(0x6588, 7), 0x0003b501u);      // c.ld a0,8(a1)
  EXPECT_EQ(transformed_instruction(0x00a5b423, 5), 0x00a2b023u);  // sd a0,8(a1)
}

// "If a synchronous trap occurs for a standard instruction for which no transformation has been defined ...
// zero"
TEST(TransformedInstruction, OtherInstructionsGiveZero) {
  for (std::uint32_t other : {0x00000013u, 0x00000073u, 0x30200073u, 0x34202573u, 0x0001u, 0x0000u, 0x8082u,
                              0x0000100fu, 0x12000073u})
    EXPECT_EQ(transformed_instruction(other, 0), 0u) << std::hex << other;
}

}  // namespace
}  // namespace hvsim::cpu::testing
