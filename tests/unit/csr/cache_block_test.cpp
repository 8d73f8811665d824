// CBO.* by mode and xenvcfg: who may execute them, and what an invalidation becomes.
#include "models/cpu/execute_cache_block.h"
#include "tests/unit/csr/fake_core.h"

namespace hvsim::cpu::testing {
namespace {

using isa::BlockOperation;

constexpr std::uint64_t kAddress = 0x80001234;
constexpr unsigned kDone = 0, kIllegalCode = 2, kVirtualCode = 22;

struct Envcfg {
  std::uint64_t m, h, s;
};

FakeCore core_in(isa::Mode mode, Envcfg envcfg) {
  FakeCore core(mode);
  core.state.csr.menvcfg = envcfg.m;
  core.state.csr.henvcfg = envcfg.h;
  core.state.csr.senvcfg = envcfg.s;
  core.state.x[5] = kAddress;
  return core;
}

Op block_at_x5() {
  Op op;
  op.raw = 0x0042A00F;
  op.rs1 = 5;
  op.rd = HartState::kSink;
  return op;
}

using Execute = bool (*)(FakeCore&, const Op&);

// The exception that the manual's pseudocode ("Control and Status Register State") asks for.
unsigned expected(isa::Mode mode, bool m, bool h, bool s) {
  if (mode == kM) return kDone;
  if (!m || (mode == kU && !s)) return kIllegalCode;
  if ((mode == kVs && !h) || (mode == kVu && !(h && s))) return kVirtualCode;
  return kDone;
}

TEST(CacheBlocks, PermissionsFollowTheManual) {
  const std::tuple<Execute, std::uint64_t> cases[] = {
      {execute::cbo_clean<FakeCore>, csr::kCbcfe},
      {execute::cbo_flush<FakeCore>, csr::kCbcfe},
      {execute::cbo_zero<FakeCore>, csr::kCbze},
      {execute::cbo_inval<FakeCore>, csr::kCbie},
      {execute::cbo_inval<FakeCore>, std::uint64_t{1} << csr::kCbieShift}};
  for (const auto& [execute, field] : cases)
    for (isa::Mode mode : kAllModes)
      for (unsigned bits = 0; bits < 8; ++bits) {
        const bool m = (bits & 1) != 0, h = (bits & 2) != 0, s = (bits & 4) != 0;
        const std::uint64_t others =
            (csr::kCbie | csr::kCbcfe | csr::kCbze) & ~(field == csr::kCbcfe  ? field
                                                        : field == csr::kCbze ? field
                                                                              : csr::kCbie);
        FakeCore core =
            core_in(mode, {others | (m ? field : 0), others | (h ? field : 0), others | (s ? field : 0)});
        const unsigned cause = expected(mode, m, h, s);
        EXPECT_EQ(execute(core, block_at_x5()), cause == kDone);
        EXPECT_EQ(core.cause(), cause);
        if (core.trap) {
          EXPECT_EQ(core.trap->tval, block_at_x5().raw);
        }
        EXPECT_EQ(core.zeroed.size() + core.managed.size(), cause == kDone ? 1u : 0u);
      }
}

TEST(CacheBlocks, TheEffectiveAddressIsRs1AsItIs) {
  FakeCore core = core_in(kM, {});
  EXPECT_TRUE(execute::cbo_zero(core, block_at_x5()));
  EXPECT_TRUE(execute::cbo_clean(core, block_at_x5()));
  EXPECT_EQ(core.zeroed, std::vector{kAddress});
  EXPECT_EQ(core.managed, (std::vector{std::pair{kAddress, BlockOperation::clean}}));
}

// "CBO.INVAL ... perform flush operation" if CBIE is 01 at any level in effect.
TEST(CacheBlocks, AnInvalidationFlushesWhereSomeCbieSaysSo) {
  constexpr std::uint64_t flush = std::uint64_t{1} << csr::kCbieShift, invalidate = csr::kCbie;
  for (isa::Mode mode : kAllModes)
    for (std::uint64_t m : {flush, invalidate})
      for (std::uint64_t h : {flush, invalidate})
        for (std::uint64_t s : {flush, invalidate}) {
          FakeCore core = core_in(mode, {m, h, s});
          ASSERT_TRUE(execute::cbo_inval(core, block_at_x5()));
          const bool flushes = (mode != kM && m == flush) || (mode == kU && s == flush) ||
                               (mode == kVs && h == flush) || (mode == kVu && (h == flush || s == flush));
          EXPECT_EQ(core.managed.back().second, flushes ? BlockOperation::flush : BlockOperation::invalidate);
        }
}

}  // namespace
}  // namespace hvsim::cpu::testing
