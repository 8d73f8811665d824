// What filters take, and how their mistakes are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/observe_filter.h"

namespace hvsim::sim {
namespace {

using isa::Privilege;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Config kConfig = [] {
  Config config;
  config.machine.harts = 4;
  config.vms.resize(2);
  config.vms[0].name = "first";
  config.vms[1].name = "second";
  config.vms[1].vcpus = 3;
  return config;
}();

constexpr isa::Mode kHs{Privilege::supervisor, false}, kVs{Privilege::supervisor, true},
    kM{Privilege::machine, false};

struct Trap {
  unsigned hart = 0;
  isa::Mode from = kVs, to = kHs;
  bool interrupt = false;
  std::uint8_t code = 21;
  std::uint32_t vm = 0;
  std::uint64_t pc = 0x8000'0000;
  std::uint64_t cycle = 100;
};

Selection selection(const std::string& text, FilterUse use = FilterUse::explain) {
  const auto filter = parse_filter(text, use, kConfig);
  EXPECT_TRUE(filter.ok()) << text;
  auto made = Selection::make(*filter, Symbols());
  EXPECT_TRUE(made.ok()) << text;
  return made.value();
}

bool takes(Selection& selected, const Trap& trap) {
  const cpu::TrapTaken taken{trap.from, trap.to, {.interrupt = trap.interrupt, .code = trap.code}, trap.pc};
  return selected.takes({trap.hart, trap.from, trap.vm, 0, trap.pc, trap.cycle, &taken});
}
bool takes(const std::string& text, const Trap& trap) {
  Selection selected = selection(text);
  return takes(selected, trap);
}

TEST(ObserveFilter, AllTakesEverything) {
  EXPECT_TRUE(takes("all", {}));
  EXPECT_TRUE(takes("all", {.from = kM, .to = kM, .interrupt = true, .code = 7}));
}

TEST(ObserveFilter, CausesAreNamedOneByOneOrInGroups) {
  EXPECT_TRUE(takes("cause=load_guest_page_fault", {.code = 21}));
  EXPECT_FALSE(takes("cause=load_guest_page_fault", {.code = 23}));
  EXPECT_TRUE(takes("cause=guest_page_fault", {.code = 23}));
  EXPECT_FALSE(takes("cause=guest_page_fault", {.code = 22}));
  EXPECT_TRUE(takes("cause=page_fault|ecall", {.code = 10}));
  EXPECT_TRUE(takes("cause=page_fault|ecall", {.code = 15}));
  EXPECT_FALSE(takes("cause=page_fault|ecall", {.code = 14}));
  EXPECT_FALSE(takes("cause=page_fault", {.interrupt = true, .code = 13})) << "an interrupt of that number";
  EXPECT_TRUE(takes("cause=interrupt", {.interrupt = true, .code = 6}));
  EXPECT_FALSE(takes("cause=interrupt", {.code = 6}));
  EXPECT_TRUE(takes("cause=supervisor_timer_interrupt", {.interrupt = true, .code = 5}));
}

TEST(ObserveFilter, EveryTermMustHold) {
  const std::string text = "mode=VS|VU,to=HS,hart=1,vm=second,pc=0x80000000..0x80000fff,cycles=50..200";
  EXPECT_TRUE(takes(text, {.hart = 1, .vm = 1}));
  EXPECT_FALSE(takes(text, {.hart = 0, .vm = 1}));
  EXPECT_FALSE(takes(text, {.hart = 1, .from = kHs, .vm = 1}));
  EXPECT_FALSE(takes(text, {.hart = 1, .to = kVs, .vm = 1}));
  EXPECT_FALSE(takes(text, {.hart = 1, .vm = 0}));
  EXPECT_FALSE(takes(text, {.hart = 1, .vm = 1, .pc = 0x8000'1000}));
  EXPECT_FALSE(takes(text, {.hart = 1, .vm = 1, .cycle = 201}));
}

TEST(ObserveFilter, ACountLimitsWhatIsTakenNotWhatIsSeen) {
  Selection selected = selection("mode=VS,count=2");
  EXPECT_TRUE(takes(selected, {}));
  EXPECT_FALSE(takes(selected, {.from = kHs}));
  EXPECT_TRUE(takes(selected, {}));
  EXPECT_FALSE(takes(selected, {}));
}

TEST(ObserveFilter, ATraceRunsFromItsStartToItsStopAgainAndAgain) {
  Selection selected = selection("start=0x100,stop=0x200", FilterUse::trace);
  auto step = [&selected](std::uint64_t pc) { return selected.takes({0, kVs, 0, 0, pc, 0}); };
  EXPECT_FALSE(step(0xFC));
  EXPECT_TRUE(step(0x100));
  EXPECT_TRUE(step(0x104));
  EXPECT_FALSE(step(0x200));
  EXPECT_FALSE(step(0x104));
  EXPECT_TRUE(step(0x100));
}

TEST(ObserveFilter, AStopAloneEndsTheTrace) {
  Selection selected = selection("stop=0x200", FilterUse::trace);
  auto step = [&selected](std::uint64_t pc) { return selected.takes({0, kVs, 0, 0, pc, 0}); };
  EXPECT_TRUE(step(0x1FC));
  EXPECT_FALSE(step(0x200));
  EXPECT_FALSE(step(0x1FC));
}

std::string complaint(const std::string& text, FilterUse use = FilterUse::explain) {
  const auto filter = parse_filter(text, use, kConfig);
  return filter ? "" : filter.error().value + ": " + filter.error().expectation;
}

TEST(ObserveFilter, MistakesNameTheTermAndWhatIsExpected) {
  EXPECT_EQ(complaint("cause=load_page_fualt"),
            "\"load_page_fualt\": expected a cause like load_page_fault or a group like page_fault, did you "
            "mean \"load_page_fault\"?");
  EXPECT_THAT(complaint("mode=S"), HasSubstr("\"S\": expected a mode: M, HS, U, VS or VU"));
  EXPECT_EQ(complaint("hart=3"), "");
  EXPECT_EQ(complaint("hart=4"), "\"4\": expected a hart's number, 0 to 3");
  EXPECT_EQ(complaint("vcpu=2"), "");
  EXPECT_EQ(complaint("vcpu=3"), "\"3\": expected a VCPU's number, 0 to 2");
  EXPECT_THAT(complaint("vm=third"), StartsWith("\"third\": expected a VM's name or number"));
  EXPECT_THAT(complaint("cycles=5"), StartsWith("\"5\": expected a range of cycles"));
  EXPECT_THAT(complaint("cycles=5..4"), StartsWith("\"5..4\": expected a range of cycles"));
  EXPECT_THAT(complaint("count=0"), StartsWith("\"0\": expected a number from 1"));
  EXPECT_THAT(complaint("pc=0xyz"), StartsWith("\"0xyz\": expected an address"));
  EXPECT_THAT(complaint("pc="), StartsWith("\"\": expected an address"));
  EXPECT_THAT(complaint("page_fault"), StartsWith("\"page_fault\": expected \"all\" or terms key=value"));
  EXPECT_THAT(complaint("mode=VS,,hart=0"), StartsWith("\"\": expected \"all\" or terms"));
  EXPECT_THAT(complaint("start=main"),
              HasSubstr("with one of the keys cause, mode, to, hart, vm, vcpu, pc, cycles, count"));
  EXPECT_THAT(complaint("cause=ecall", FilterUse::trace),
              HasSubstr("keys mode, hart, vm, vcpu, pc, start, stop"));
}

TEST(ObserveFilter, ASymbolThatNoImageHasIsNamed) {
  const auto filter = parse_filter("pc=main", FilterUse::explain, kConfig);
  ASSERT_TRUE(filter.ok());
  const auto made = Selection::make(*filter, Symbols());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error(), "\"main\": no image has a symbol of that name");
}

}  // namespace
}  // namespace hvsim::sim
