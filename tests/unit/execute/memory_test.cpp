// Loads, stores and atomics on flat memory.
#include <gtest/gtest.h>

#include "models/cpu/execute_atomic.h"
#include "models/cpu/execute_memory.h"
#include "tests/unit/execute/fake_core.h"

namespace hvsim::cpu {
namespace {

using tests::FakeCore;
using tests::kA;
using tests::kB;
using tests::kResult;
using tests::op_with;
using U = std::uint64_t;
using Function = bool (*)(FakeCore&, const Op&);

constexpr U kAddress = FakeCore::kBase + 64;
constexpr U kNowhere = 0x1000;

U memory(FakeCore& core) {
  U value = 0;
  core.load<U>(kAddress, value);
  return value;
}

FakeCore core_with(U memory_value, U rs2 = 0) {
  FakeCore core;
  core.store<U>(kAddress, memory_value);
  core.state.x[kA] = kAddress;
  core.state.x[kB] = rs2;
  return core;
}

U loaded(Function load, U memory_value, std::int32_t offset = 0) {
  FakeCore core = core_with(memory_value);
  core.state.x[kA] -= static_cast<U>(std::int64_t{offset});
  EXPECT_TRUE(load(core, op_with(offset)));
  return core.state.x[kResult];
}

TEST(Memory, LoadsExtendAsTheirNamesSay) {
  constexpr U value = 0x8182838485868788;
  EXPECT_EQ(loaded(execute::lb, value), 0xFFFFFFFFFFFFFF88);
  EXPECT_EQ(loaded(execute::lbu, value), 0x88u);
  EXPECT_EQ(loaded(execute::lh, value), 0xFFFFFFFFFFFF8788);
  EXPECT_EQ(loaded(execute::lhu, value), 0x8788u);
  EXPECT_EQ(loaded(execute::lw, value), 0xFFFFFFFF85868788);
  EXPECT_EQ(loaded(execute::lwu, value), 0x85868788u);
  EXPECT_EQ(loaded(execute::ld, value), value);
  EXPECT_EQ(loaded(execute::ld, value, -2048), value);
  EXPECT_EQ(loaded(execute::ld, value, 2047), value);
}

TEST(Memory, StoresWriteTheLowBytesOnly) {
  auto stored = [](Function store) {
    FakeCore core = core_with(0x1111111111111111, 0xA1A2A3A4A5A6A7A8);
    EXPECT_TRUE(store(core, op_with()));
    return memory(core);
  };
  EXPECT_EQ(stored(execute::sb), 0x11111111111111A8u);
  EXPECT_EQ(stored(execute::sh), 0x111111111111A7A8u);
  EXPECT_EQ(stored(execute::sw), 0x11111111A5A6A7A8u);
  EXPECT_EQ(stored(execute::sd), 0xA1A2A3A4A5A6A7A8u);
}

TEST(Memory, FloatLoadsBoxAndMakeTheStateDirtyWhileStoresDoNot) {
  FakeCore core = core_with(0x8182838485868788);
  EXPECT_TRUE(execute::flw(core, op_with()));
  EXPECT_EQ(core.state.f[kResult], 0xFFFFFFFF85868788);
  EXPECT_EQ(core.state.csr.mstatus, isa::csr::kFs);
  EXPECT_EQ(core.state.csr.vsstatus, 0u);
  EXPECT_TRUE(execute::fld(core, op_with()));
  EXPECT_EQ(core.state.f[kResult], 0x8182838485868788);

  FakeCore clean = core_with(0);
  clean.state.f[kB] = 0x0102030405060708;  // not a boxed single: FSW stores the low bits all the same
  EXPECT_TRUE(execute::fsw(clean, op_with()));
  EXPECT_EQ(memory(clean), 0x05060708u);
  EXPECT_TRUE(execute::fsd(clean, op_with()));
  EXPECT_EQ(memory(clean), 0x0102030405060708u);
  EXPECT_EQ(clean.state.csr.mstatus, 0u);
}

TEST(Memory, AnAccessThatTrapsChangesNothing) {
  const std::vector<Function> all{execute::lb,       execute::ld,      execute::flw,       execute::fld,
                                  execute::sd,       execute::fsd,     execute::lr_w,      execute::sc_d,
                                  execute::amoadd_w, execute::amoor_d, execute::amomaxu_w, execute::fsw};
  for (Function function : all) {
    FakeCore core;
    core.state.x[kA] = kNowhere;
    core.state.x[kResult] = 77;
    core.state.f[kResult] = 78;
    EXPECT_FALSE(function(core, op_with()));
    EXPECT_TRUE(core.trapped.has_value());
    EXPECT_EQ(core.state.x[kResult], 77u);
    EXPECT_EQ(core.state.f[kResult], 78u);
    EXPECT_EQ(core.state.csr.mstatus, 0u);
  }
}

struct Amo {
  Function word, doubleword;
  U (*expected)(U memory, U operand);  // doubleword arithmetic
};

std::int64_t s(U v) { return static_cast<std::int64_t>(v); }

const std::vector<Amo> kAmos{
    {execute::amoswap_w, execute::amoswap_d, [](U, U b) { return b; }},
    {execute::amoadd_w, execute::amoadd_d, [](U a, U b) { return a + b; }},
    {execute::amoxor_w, execute::amoxor_d, [](U a, U b) { return a ^ b; }},
    {execute::amoand_w, execute::amoand_d, [](U a, U b) { return a & b; }},
    {execute::amoor_w, execute::amoor_d, [](U a, U b) { return a | b; }},
    {execute::amomin_w, execute::amomin_d, [](U a, U b) { return s(a) < s(b) ? a : b; }},
    {execute::amomax_w, execute::amomax_d, [](U a, U b) { return s(a) > s(b) ? a : b; }},
    {execute::amominu_w, execute::amominu_d, [](U a, U b) { return a < b ? a : b; }},
    {execute::amomaxu_w, execute::amomaxu_d, [](U a, U b) { return a > b ? a : b; }}};

U sign_extended(U word) { return static_cast<U>(std::int64_t{static_cast<std::int32_t>(word)}); }

TEST(Atomic, DoublewordOperationsUpdateMemoryAndReturnTheOldValue) {
  for (const Amo& amo : kAmos)
    for (U old : tests::kIntegers)
      for (U operand : tests::kIntegers) {
        FakeCore core = core_with(old, operand);
        EXPECT_TRUE(amo.doubleword(core, op_with()));
        EXPECT_EQ(core.state.x[kResult], old);
        EXPECT_EQ(memory(core), amo.expected(old, operand));
      }
}

// Sign extension keeps order, signed and unsigned, so words behave as sign-extended doublewords.
TEST(Atomic, WordOperationsLeaveTheUpperHalfOfMemoryAloneAndSignExtendTheOldValue) {
  for (const Amo& amo : kAmos)
    for (U old : tests::kIntegers)
      for (U operand : tests::kIntegers) {
        FakeCore core = core_with(old, operand);
        EXPECT_TRUE(amo.word(core, op_with()));
        EXPECT_EQ(core.state.x[kResult], sign_extended(old));
        const U expected = amo.expected(sign_extended(old), sign_extended(operand));
        EXPECT_EQ(memory(core), (old & ~U{0xFFFFFFFF}) | (expected & 0xFFFFFFFF));
      }
}

TEST(Atomic, TheDestinationMayBeTheOperandRegister) {
  FakeCore core = core_with(10, 5);
  Op op = op_with();
  op.rd = kB;
  EXPECT_TRUE(execute::amoadd_d(core, op));
  EXPECT_EQ(core.state.x[kB], 10u);
  EXPECT_EQ(memory(core), 15u);
}

TEST(Atomic, StoreConditionalReportsZeroWhenItStoredAndOneWhenNot) {
  FakeCore core = core_with(0x1111111180000000, 0xAAAAAAAA55555555);
  EXPECT_TRUE(execute::lr_w(core, op_with()));
  EXPECT_EQ(core.state.x[kResult], 0xFFFFFFFF80000000);
  EXPECT_TRUE(execute::sc_w(core, op_with()));
  EXPECT_EQ(core.state.x[kResult], 0u);
  EXPECT_EQ(memory(core), 0x1111111155555555u);
  core.reservation_holds = false;
  EXPECT_TRUE(execute::sc_d(core, op_with()));
  EXPECT_EQ(core.state.x[kResult], 1u);
  EXPECT_EQ(memory(core), 0x1111111155555555u);
}

}  // namespace
}  // namespace hvsim::cpu
