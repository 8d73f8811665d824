// Which translation, privilege and status bits an access gets.
#include "models/cpu/address_space.h"

#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {
namespace {

using isa::Privilege;

constexpr std::uint64_t kSatp = std::uint64_t{8} << 60 | std::uint64_t{0x11} << 44 | 0x80001;
constexpr std::uint64_t kVsatp = std::uint64_t{9} << 60 | std::uint64_t{0x22} << 44 | 0x80002;
constexpr std::uint64_t kHgatp = std::uint64_t{8} << 60 | std::uint64_t{0x33} << 44 | 0x80004;

TestHart paged(isa::Mode mode) {
  TestHart hart(mode);
  hart.csr.satp = kSatp;
  hart.csr.vsatp = kVsatp;
  hart.csr.hgatp = kHgatp;
  return hart;
}

TEST(AddressSpace, MachineModeTranslatesNothing) {
  const TestHart hart = paged(kM);
  for (const auto& space : {fetch_space(hart), data_space(hart)}) {
    EXPECT_EQ(space.privilege, Privilege::machine);
    EXPECT_FALSE(space.virtualized);
    EXPECT_EQ(space.first.scheme, nullptr);
    EXPECT_EQ(space.g_stage.scheme, nullptr);
  }
}

TEST(AddressSpace, NativeModesUseSatpAlone) {
  for (isa::Mode mode : {kHs, kU}) {
    const auto space = data_space(paged(mode));
    EXPECT_EQ(space.privilege, mode.privilege);
    EXPECT_FALSE(space.virtualized);
    ASSERT_NE(space.first.scheme, nullptr);
    EXPECT_EQ(space.first.scheme->levels, 3);
    EXPECT_EQ(space.first.table, 0x80001000u);
    EXPECT_EQ(space.first.space, 0x11);
    EXPECT_EQ(space.g_stage.scheme, nullptr);
  }
}

TEST(AddressSpace, GuestsUseVsatpAndHgatp) {
  for (isa::Mode mode : {kVs, kVu}) {
    const auto space = fetch_space(paged(mode));
    EXPECT_EQ(space.privilege, mode.privilege);
    EXPECT_TRUE(space.virtualized);
    ASSERT_NE(space.first.scheme, nullptr);
    EXPECT_EQ(space.first.scheme->levels, 4);
    EXPECT_EQ(space.first.table, 0x80002000u);
    EXPECT_EQ(space.first.space, 0x22);
    ASSERT_NE(space.g_stage.scheme, nullptr);
    EXPECT_EQ(space.g_stage.scheme->root_extra_bits, 2);
    EXPECT_EQ(space.g_stage.table, 0x80004000u);
    EXPECT_EQ(space.g_stage.space, 0x33);
  }
}

TEST(AddressSpace, BareRootsHaveNoScheme) {
  TestHart hart(kVs);
  EXPECT_EQ(data_space(hart).first.scheme, nullptr);
  EXPECT_EQ(data_space(hart).g_stage.scheme, nullptr);
  EXPECT_TRUE(data_space(hart).virtualized);
}

// H "Two-Stage Address Translation".
TEST(AddressSpace, SumAndMxrComeFromTheRightStatusRegister) {
  TestHart hart = paged(kHs);
  hart.csr.mstatus = csr::kSum;
  hart.csr.vsstatus = csr::kMxr;
  EXPECT_TRUE(data_space(hart).sum);
  EXPECT_FALSE(data_space(hart).mxr_first);
  hart.in(kVs);
  EXPECT_FALSE(data_space(hart).sum);
  EXPECT_TRUE(data_space(hart).mxr_first);
  EXPECT_FALSE(data_space(hart).mxr_g_stage);
  hart.csr.mstatus = csr::kMxr;
  hart.csr.vsstatus = csr::kSum;
  EXPECT_TRUE(data_space(hart).sum);
  EXPECT_TRUE(data_space(hart).mxr_first);
  EXPECT_TRUE(data_space(hart).mxr_g_stage);
}

struct MprvCase {
  std::uint64_t mpv, mpp;
  isa::Mode effective;
};
// Table "Effect of MPRV on the translation and protection of explicit memory accesses".
TEST(AddressSpace, MprvLendsLoadsAndStoresThePreviousMode) {
  for (const auto& c :
       {MprvCase{0, 0, kU}, MprvCase{0, 1, kHs}, MprvCase{0, 3, kM}, MprvCase{csr::kMpv, 3, kM},
        MprvCase{csr::kMpv, 0, kVu}, MprvCase{csr::kMpv, 1, kVs}}) {
    TestHart hart = paged(kM);
    hart.csr.mstatus = csr::kMprv | c.mpv | c.mpp << csr::kMppShift;
    const auto space = data_space(hart);
    EXPECT_EQ(space.privilege, c.effective.privilege);
    EXPECT_EQ(space.virtualized, c.effective.virtualized);
    EXPECT_EQ(fetch_space(hart).privilege, Privilege::machine);
    hart.csr.mstatus &= ~csr::kMprv;
    EXPECT_EQ(data_space(hart).privilege, Privilege::machine);
  }
}

// H "Hypervisor Virtual-Machine Load and Store Instructions": as though V=1 at SPVP, overriding MPRV.
TEST(AddressSpace, GuestAccessesUseSpvpWhateverTheModeAndMprv) {
  for (isa::Mode mode : {kM, kHs, kU})
    for (std::uint64_t mprv : {std::uint64_t{0}, csr::kMprv}) {
      TestHart hart = paged(mode);
      hart.csr.mstatus = mprv | csr::kSum;
      EXPECT_EQ(guest_access_space(hart).privilege, Privilege::user);
      hart.csr.hstatus = csr::kSpvp;
      const auto space = guest_access_space(hart);
      EXPECT_EQ(space.privilege, Privilege::supervisor);
      EXPECT_TRUE(space.virtualized);
      EXPECT_EQ(space.first.table, 0x80002000u);
      EXPECT_EQ(space.g_stage.table, 0x80004000u);
      EXPECT_FALSE(space.sum);  // HS-level SUM is ignored
    }
}

TEST(AddressSpace, HardwareUpdateOfAAndDIsAnOption) {
  TestHart hart = paged(kVs);
  EXPECT_TRUE(data_space(hart).hardware_ad_first && data_space(hart).hardware_ad_g_stage);
  hart.isa_config.ad_updates = AdUpdates::svade;
  EXPECT_FALSE(data_space(hart).hardware_ad_first || data_space(hart).hardware_ad_g_stage);
}

// Svadu: menvcfg.ADUE decides for S-mode and the G-stage, henvcfg.ADUE for the VS-stage.
TEST(AddressSpace, AdueDecidesWhoUpdatesAAndD) {
  TestHart guest = paged(kVs), host = paged(kHs);
  for (TestHart* hart : {&guest, &host}) {
    hart->isa_config.ad_updates = AdUpdates::svadu;
    for (std::uint64_t menvcfg : {std::uint64_t{0}, csr::kAdue})
      for (std::uint64_t henvcfg : {std::uint64_t{0}, csr::kAdue}) {
        hart->csr.menvcfg = menvcfg;
        hart->csr.henvcfg = henvcfg;
        const bool g_stage = menvcfg != 0;
        EXPECT_EQ(data_space(*hart).hardware_ad_g_stage, g_stage);
        EXPECT_EQ(data_space(*hart).hardware_ad_first, hart == &host ? g_stage : g_stage && henvcfg != 0);
      }
  }
}

// Svpbmt: menvcfg.PBMTE decides for S-mode and the G-stage, henvcfg.PBMTE for the VS-stage.
TEST(AddressSpace, PbmteDecidesWhereMemoryTypesAreLegal) {
  TestHart guest = paged(kVs), host = paged(kHs);
  for (TestHart* hart : {&guest, &host})
    for (std::uint64_t menvcfg : {std::uint64_t{0}, csr::kPbmte})
      for (std::uint64_t henvcfg : {std::uint64_t{0}, csr::kPbmte}) {
        hart->csr.menvcfg = menvcfg;
        hart->csr.henvcfg = henvcfg;
        const bool g_stage = menvcfg != 0;
        EXPECT_EQ(data_space(*hart).pbmt_g_stage, g_stage);
        EXPECT_EQ(data_space(*hart).pbmt_first, hart == &host ? g_stage : g_stage && henvcfg != 0);
        EXPECT_EQ(guest_access_space(*hart).pbmt_first, g_stage && henvcfg != 0);
      }
}

TEST(AddressSpace, SvnapotIsAnOption) {
  TestHart hart = paged(kVs);
  for (const bool svnapot : {false, true}) {
    hart.isa_config.svnapot = svnapot;
    EXPECT_EQ(data_space(hart).napot, svnapot);
    EXPECT_EQ(fetch_space(hart).napot, svnapot);
  }
}

}  // namespace
}  // namespace hvsim::cpu::testing
