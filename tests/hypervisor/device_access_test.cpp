// What a load or store wanted of a device; the instruction words come from the GNU assembler.
#include "hypervisor/device_access.h"

#include <gtest/gtest.h>

namespace hv {
namespace {

struct Expected {
  const char* text;
  std::uint32_t word;
  bool is_store, sign_extend;
  unsigned bytes, reg, instruction_bytes;
};

constexpr Expected kAccesses[] = {
    {"lb a1,5(a0)", 0x00550583, false, true, 1, 11, 4}, {"lbu t6,0(s0)", 0x00044f83, false, false, 1, 31, 4},
    {"lh a1,2(a0)", 0x00251583, false, true, 2, 11, 4}, {"lhu a1,2(a0)", 0x00255583, false, false, 2, 11, 4},
    {"lw a1,4(a0)", 0x00452583, false, true, 4, 11, 4}, {"lwu a1,4(a0)", 0x00456583, false, false, 4, 11, 4},
    {"ld a1,8(a0)", 0x00853583, false, true, 8, 11, 4}, {"sb a1,1(a0)", 0x00b500a3, true, false, 1, 11, 4},
    {"sh a2,2(a0)", 0x00c51123, true, false, 2, 12, 4}, {"sw a3,4(a0)", 0x00d52223, true, false, 4, 13, 4},
    {"sd t6,8(a0)", 0x01f53423, true, false, 8, 31, 4}, {"c.lw a5,4(a4)", 0x435c, false, true, 4, 15, 2},
    {"c.ld s1,8(s0)", 0x6404, false, true, 8, 9, 2},    {"c.sw a5,4(a4)", 0xc35c, true, true, 4, 15, 2},
    {"c.sd s0,8(s1)", 0xe480, true, true, 8, 8, 2},     {"c.lwsp ra,4(sp)", 0x4092, false, true, 4, 1, 2},
    {"c.ldsp t6,8(sp)", 0x6fa2, false, true, 8, 31, 2}, {"c.swsp t6,4(sp)", 0xc27e, true, true, 4, 31, 2},
    {"c.sdsp ra,8(sp)", 0xe406, true, true, 8, 1, 2}};

constexpr std::uint32_t kOthers[] = {
    0x00b6252f,  // amoadd.w a0,a1,(a2)
    0x1005b52f,  // lr.d a0,(a1)
    0x00052507,  // flw fa0,0(a0)
    0x00b53427,  // fsd fa1,8(a0)
    0x00c58533,  // add a0,a1,a2
    0x2108,      // c.fld fa0,0(a0)
    0xa02a,      // c.fsdsp fa0,0(sp)
    0x0505       // c.addi a0,1
};

TEST(DeviceAccess, IsReadFromEveryIntegerLoadAndStore) {
  for (const Expected& expected : kAccesses) {
    // Behind a compressed instruction lies another one.
    const std::uint32_t above = expected.instruction_bytes == 2 ? 0xabcd0000 : 0;
    const auto access = from_instruction(expected.word | above);
    ASSERT_TRUE(access) << expected.text;
    EXPECT_EQ(access->is_store, expected.is_store) << expected.text;
    EXPECT_EQ(access->bytes, expected.bytes) << expected.text;
    EXPECT_EQ(access->reg, expected.reg) << expected.text;
    EXPECT_EQ(access->instruction_bytes, expected.instruction_bytes) << expected.text;
    if (!expected.is_store) {
      EXPECT_EQ(access->sign_extend, expected.sign_extend) << expected.text;
    }
  }
}

TEST(DeviceAccess, IsNothingElse) {
  for (const std::uint32_t word : kOthers) EXPECT_FALSE(from_instruction(word)) << std::hex << word;
}

// Privileged manual: loads keep rd, stores rs2; rs1's place has the offset of the address, immediates are 0.
TEST(DeviceAccess, IsReadFromTheTransformedInstruction) {
  const auto load = from_transformed(0x00002583);  // lw a1
  ASSERT_TRUE(load);
  EXPECT_EQ(load->reg, 11u);
  EXPECT_EQ(load->bytes, 4u);
  EXPECT_EQ(load->instruction_bytes, 4u);
  const auto compressed = from_transformed(0x00002581);  // c.lw a1: bit 1 cleared
  ASSERT_TRUE(compressed);
  EXPECT_EQ(compressed->instruction_bytes, 2u);
  EXPECT_EQ(compressed->reg, 11u);
  const auto store = from_transformed(0x00b00023);  // sb a1
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->is_store);
  EXPECT_EQ(store->reg, 11u);
}

TEST(DeviceAccess, IsNoPseudoinstructionNoAtomicAndNoPartOfAMisalignedOne) {
  for (const std::uint64_t word :
       {std::uint64_t{0x3000}, std::uint64_t{0x3020}, std::uint64_t{0}, std::uint64_t{0x00c0252f},
        std::uint64_t{0x0000a583}, std::uint64_t{1} << 33 | 3})
    EXPECT_FALSE(from_transformed(word)) << std::hex << word;
}

TEST(DeviceAccess, ExtendsWhatWasLoaded) {
  EXPECT_EQ(extended({.sign_extend = true, .bytes = 1}, 0x80), 0xffffffffffffff80u);
  EXPECT_EQ(extended({.sign_extend = false, .bytes = 1}, 0x1ff), 0xffu);
  EXPECT_EQ(extended({.sign_extend = true, .bytes = 4}, 0x80000000), 0xffffffff80000000u);
  EXPECT_EQ(extended({.sign_extend = false, .bytes = 4}, 0x80000000), 0x80000000u);
  EXPECT_EQ(extended({.sign_extend = true, .bytes = 8}, ~std::uint64_t{0}), ~std::uint64_t{0});
}

}  // namespace
}  // namespace hv
