// Smstateen: which state-enable bits there are, and whom they keep out.
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

constexpr std::uint64_t kSe = csr::kStateenSe, kEnvcfg = csr::kStateenEnvcfg;

struct StateEnableHart : TestHart {
  StateEnableHart() { isa_config.smstateen = true; }
};

TEST(StateEnable, DoesNotExistUnlessConfigured) {
  TestHart hart;
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned number : {csr::mstateen0, csr::hstateen0, csr::sstateen0})
      EXPECT_EQ(hart.reads(number + i), kIllegal);
  EXPECT_EQ(hart.in(kHs).reads(csr::senvcfg), kOk);
}

TEST(StateEnable, HasBitsForEnvcfgAndTheNextLowerRegister) {
  StateEnableHart hart;
  EXPECT_EQ(hart.set_and_get(csr::mstateen0, kAllOnes), kSe | kEnvcfg);
  EXPECT_EQ(hart.set_and_get(csr::hstateen0, kAllOnes), kSe | kEnvcfg);
  EXPECT_EQ(hart.set_and_get(csr::sstateen0, kAllOnes), 0u);
  for (unsigned i = 1; i < 4; ++i) {
    EXPECT_EQ(hart.set_and_get(csr::mstateen0 + i, kAllOnes), kSe);
    EXPECT_EQ(hart.set_and_get(csr::hstateen0 + i, kAllOnes), kSe);
  }
}

// "for every bit in an mstateen CSR that is zero, the same bit appears as read-only zero in hstateen".
TEST(StateEnable, HstateenShowsNothingThatMstateenDoesNotAllow) {
  StateEnableHart hart;
  EXPECT_EQ(hart.set_and_get(csr::hstateen0, kAllOnes), 0u);
  hart.set(csr::mstateen0, kSe);
  EXPECT_EQ(hart.set_and_get(csr::hstateen0, kAllOnes), kSe);
}

TEST(StateEnable, SeGuardsTheLowerRegisters) {
  for (unsigned i = 0; i < 4; ++i) {
    StateEnableHart hart;
    const unsigned h = csr::hstateen0 + i, s = csr::sstateen0 + i;
    for (isa::Mode mode : {kHs, kU, kVs, kVu}) {
      EXPECT_EQ(hart.in(mode).reads(h), kIllegal);
      EXPECT_EQ(hart.in(mode).reads(s), kIllegal);
    }
    hart.csr.mstateen[i] = kSe;
    EXPECT_EQ(hart.in(kHs).reads(h), kOk);
    EXPECT_EQ(hart.in(kHs).writes(s), kOk);
    EXPECT_EQ(hart.in(kVs).reads(h), kVirtual);
    EXPECT_EQ(hart.in(kVs).reads(s), kVirtual);
    hart.csr.hstateen[i] = kSe;
    EXPECT_EQ(hart.in(kVs).reads(s), kOk);
    EXPECT_EQ(hart.in(kVu).reads(s), kVirtual);
    EXPECT_EQ(hart.in(kU).reads(s), kIllegal);
  }
}

TEST(StateEnable, EnvcfgGuardsSenvcfgAndHenvcfg) {
  StateEnableHart hart;
  for (unsigned number : {csr::senvcfg, csr::henvcfg})
    for (isa::Mode mode : {kHs, kVs, kVu}) EXPECT_EQ(hart.in(mode).reads(number), kIllegal);
  EXPECT_EQ(hart.in(kM).reads(csr::senvcfg), kOk);
  hart.csr.mstateen[0] = kEnvcfg;
  EXPECT_EQ(hart.in(kHs).reads(csr::senvcfg), kOk);
  EXPECT_EQ(hart.in(kHs).reads(csr::henvcfg), kOk);
  EXPECT_EQ(hart.in(kVs).reads(csr::senvcfg), kVirtual);
  EXPECT_EQ(hart.in(kVs).reads(csr::henvcfg), kVirtual);
  hart.csr.hstateen[0] = kEnvcfg;
  EXPECT_EQ(hart.in(kVs).writes(csr::senvcfg), kOk);
  EXPECT_EQ(hart.in(kVu).reads(csr::senvcfg), kVirtual);
}

TEST(Misa, IsReadOnly) {
  TestHart hart;
  const std::uint64_t before = hart.get(csr::misa);
  EXPECT_EQ(hart.set_and_get(csr::misa, 0), before);
  EXPECT_EQ(hart.set_and_get(csr::misa, kAllOnes), before);
}

}  // namespace
}  // namespace hvsim::cpu::testing
