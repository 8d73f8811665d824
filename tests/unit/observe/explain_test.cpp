// Explanations against page tables made by hand: every rule of the walk, at every level and stage.
#include "sim/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/cpu/isa/csr.h"
#include "sim/trap_words.h"
#include "tests/unit/engine/program.h"

namespace hvsim::sim {
namespace {

namespace as = cpu::test::as;
namespace csr = isa::csr;
using cpu::test::kRam;
using isa::Privilege;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kCode = kRam + 0x1000, kHandler = kRam + 0x100, kRoot = kRam + 0x10'0000,
                        kGRoot = kRam + 0x20'0000, kTables = kRam + 0x30'0000;
constexpr std::uint64_t kAddress = 0x1'4060'3008;  // VPNs 5, 3 and 3
constexpr std::uint64_t v = 1, r = 2, w = 4, x = 8, u = 16, a = 64, d = 128;
constexpr std::uint64_t kSv39 = std::uint64_t{8} << csr::kAtpModeShift;

struct Recorder final : cpu::Observer {
  void trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) override {
    const Explained trap{hart, seen, config, symbols, texts.size() + 1};
    texts.push_back(explain_text(trap));
    json.push_back(explain_json(trap));
  }
  Config config;
  Symbols symbols;
  std::vector<std::string> texts;
  std::vector<Json> json;
};

enum class Tables { first, virtual_stage, g_stage };

std::string hex(std::uint64_t value, int digits = 0) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

// A hart about to run one instruction in S, VS or VU-mode, with tables to kAddress.
class Explanation : public ::testing::Test {
 protected:
  void build(Tables tables, bool hardware_ad = true) {
    cpu::HartConfig config;
    config.isa.ad_updates = hardware_ad ? cpu::AdUpdates::hardware : cpu::AdUpdates::svade;
    config.observer = &seen_;
    rig_ = cpu::test::functional(config);
    tables_ = tables;
    next_table_ = kTables;
    auto& state = rig_->state();
    state.pc = kCode;
    state.csr.mtvec = kHandler;
    state.csr.pmpcfg[0] = 0x1F;  // NAPOT over everything
    state.csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
    state.x[6] = kAddress;
    state.mode = {Privilege::supervisor, tables != Tables::first};
    rig_->put(kHandler, {as::self});
    const std::uint64_t identity = v | r | w | x | a | d;
    put_pte(kRoot + 2 * 8, kRam, identity);
    put_pte(kGRoot + 2 * 8, kRam, identity | u);
    if (tables == Tables::first) state.csr.satp = kSv39 | kRoot >> 12;
    if (tables == Tables::virtual_stage) state.csr.vsatp = kSv39 | kRoot >> 12;
    if (tables != Tables::first) state.csr.hgatp = kSv39 | kGRoot >> 12;
  }
  void put_pte(std::uint64_t at, std::uint64_t to, std::uint64_t bits) {
    rig_->put_pte(at, to >> 12 << 10 | bits);
  }
  // The tables above `level`, and the entry there; its address.
  std::uint64_t walk_to(unsigned level, std::uint64_t to, std::uint64_t bits) {
    std::uint64_t table = tables_ == Tables::g_stage ? kGRoot : kRoot;
    for (unsigned at = 2;; --at) {
      const std::uint64_t entry = table + (kAddress >> (12 + 9 * at) & 511) * 8;
      if (at == level) {
        put_pte(entry, to, bits);
        return entry;
      }
      put_pte(entry, next_table_, v);
      table = next_table_;
      next_table_ += 0x1000;
    }
  }
  std::string explain(std::uint32_t instruction) {
    seen_.texts.clear();
    seen_.json.clear();
    rig_->put(kCode, {instruction, as::self});
    rig_->hart.state_changed();
    rig_->hart.run(2, false);
    EXPECT_FALSE(seen_.texts.empty()) << "no trap";
    return seen_.texts.empty() ? "" : seen_.texts[0];
  }

  Recorder seen_;
  std::unique_ptr<cpu::test::Rig<cpu::Untimed>> rig_;
  Tables tables_{};
  std::uint64_t next_table_ = kTables;
};

constexpr std::uint32_t kLoad = as::ld(5, 6, 0), kStore = as::sd(5, 6, 0), kFetch = as::jalr(0, 6, 0);

struct Rule {
  std::uint64_t bits;         // of the entry at fault
  std::uint32_t instruction;  // that meets it
  std::string words;
  bool superpages_only = false, last_level_only = false, svade = false, misaligned = false;
};

const std::vector<Rule>& rules(bool g_stage) {
  const std::uint64_t user = g_stage ? u : 0;
  static std::vector<Rule> made[2];
  auto& list = made[g_stage];
  if (!list.empty()) return list;
  list = {{r | w | a, kLoad, "V=0: the PTE is not valid (step 3)"},
          {v | w | a | user, kLoad, "W=1 with R=0 is reserved (step 3)"},
          {v | r | w | a | d | user | std::uint64_t{1} << 54, kLoad, "bits 60:54 are reserved (step 3)"},
          {v | a, kLoad, "D, A and U are reserved in a pointer to the next table (step 3)", true},
          {v, kLoad, "R=0 and X=0 at the last level: no leaf (step 4)", false, true},
          {v | r | w | a | d | user, kLoad, "a superpage whose low PPN bits are not 0 (step 5)", true, false,
           false, true},
          {v | x | a | d | user, kLoad, "R=0, and MXR=0 does not let X stand for it (step 6)"},
          {v | r | x | a | d | user, kStore, "W=0, and the access is a store (step 6)"},
          {v | r | w | a | d | user, kFetch, "X=0, and the access is a fetch (step 6)"},
          {v | r | user, kLoad, "A=0, and the hardware does not set it (step 9, Svade)", false, false, true},
          {v | r | w | a | user, kStore, "D=0 on a store, and the hardware does not set it (step 9, Svade)",
           false, false, true}};
  if (g_stage)
    list.push_back({v | r | w | a | d, kLoad, "U=0, and every G-stage access counts as U-mode's (step 6)"});
  else
    list.push_back(
        {v | r | w | a | d | u, kLoad, "U=1, and SUM=0 keeps S-mode out of pages of U-mode (step 6)"});
  return list;
}

struct Names {
  Tables tables;
  const char* stage;   // in the sentence
  const char* walked;  // in the walk
  const char* fault;
};

TEST_F(Explanation, NamesStageLevelRuleAndEntryOfEveryFailedWalk) {
  for (const Names& names : {Names{Tables::first, "first stage", "first", "page fault"},
                             Names{Tables::virtual_stage, "VS-stage", "VS", "page fault"},
                             Names{Tables::g_stage, "G-stage", "G", "guest-page fault"}}) {
    const bool g_stage = names.tables == Tables::g_stage;
    for (unsigned level = 0; level < 3; ++level)
      for (const Rule& rule : rules(g_stage)) {
        if ((rule.superpages_only && level == 0) || (rule.last_level_only && level != 0)) continue;
        build(names.tables, !rule.svade);
        const std::uint64_t page = rule.misaligned ? kRam + 0x1000 : 0;
        const std::uint64_t entry = walk_to(level, page, rule.bits);
        const std::uint64_t value = page >> 12 << 10 | rule.bits;
        const std::string text = explain(rule.instruction);
        EXPECT_THAT(text, HasSubstr(std::string(names.stage) + ", level " + std::to_string(level) + ": " +
                                    rule.words));
        EXPECT_THAT(text, HasSubstr(names.walked + std::string(" level ") + std::to_string(level)));
        EXPECT_THAT(text, HasSubstr("PTE at " + hex(entry) + " = " + hex(value, 16)));
        EXPECT_THAT(text, HasSubstr(names.fault));
        EXPECT_THAT(text, HasSubstr("mtval    " + hex(kAddress, 16)));
        if (g_stage) {
          EXPECT_THAT(text, AllOf(HasSubstr("guest-physical address " + hex(kAddress)),
                                  HasSubstr("mtval2   " + hex(kAddress >> 2, 16))));
        }
        EXPECT_EQ(seen_.json[0]["fault"]["level"], level);
      }
  }
}

TEST_F(Explanation, OfASuccessfulStoreThereIsNone) {
  build(Tables::first);
  walk_to(0, kRam + 0x2000, v | r | w | a | d);
  rig_->put(kCode, {kStore, as::self});
  rig_->hart.state_changed();
  rig_->hart.run(2, false);
  EXPECT_TRUE(seen_.texts.empty());
}

TEST_F(Explanation, TellsThatAWalkItselfFaultedInTheGStage) {
  build(Tables::virtual_stage);
  put_pte(kRoot + 5 * 8, 0x4000'0000, v);  // the next table, where the G-stage has nothing
  const std::string text = explain(kLoad);
  const std::uint64_t table_entry = 0x4000'0000 + 3 * 8;
  EXPECT_THAT(text, HasSubstr("load guest-page fault (21), VS -> M"));
  EXPECT_THAT(text, HasSubstr("G-stage, level 2: V=0: the PTE is not valid (step 3); the access was the "
                              "walk's own read of a VS-stage PTE"));
  EXPECT_THAT(text, HasSubstr("guest-physical address " + hex(table_entry)));
  EXPECT_THAT(text, HasSubstr("mtinst   0x0000000000003000  an implicit read of a VS-stage PTE"));
  EXPECT_THAT(text, HasSubstr("PTE at " + hex(kGRoot + 8) + " = 0x0000000000000000"));
  EXPECT_THAT(text, HasSubstr("PTE at " + hex(kRoot + 5 * 8)));
}

TEST_F(Explanation, TellsOfAddressesThatNoTableCovers) {
  build(Tables::first);
  rig_->state().x[6] = std::uint64_t{1} << 40;
  EXPECT_THAT(explain(kLoad), AllOf(HasSubstr("the address is not canonical"), HasSubstr("no PTE was read")));
  build(Tables::g_stage);
  rig_->state().x[6] = std::uint64_t{1} << 41;
  EXPECT_THAT(explain(kLoad), AllOf(HasSubstr("bits set above what the scheme translates"),
                                    HasSubstr("load guest-page fault")));
}

TEST_F(Explanation, OfAnAccessFaultSaysWhereNothingAnswers) {
  build(Tables::first);
  walk_to(0, 0x6000'0000, v | r | w | a | d);
  const std::string text = explain(kLoad);
  EXPECT_THAT(text, HasSubstr("load access fault (5), HS -> M"));
  EXPECT_THAT(text, HasSubstr("nothing is at physical 0x60000008"));
  EXPECT_THAT(text, HasSubstr("first level 0"));
}

TEST_F(Explanation, SaysWhoDelegatedWhat) {
  const std::uint64_t bit = std::uint64_t{1} << 13;
  build(Tables::virtual_stage);
  rig_->state().csr.stvec = rig_->state().csr.vstvec = kHandler;
  EXPECT_THAT(explain(kLoad), HasSubstr("medeleg[13] is 0: M-mode handles it"));

  build(Tables::virtual_stage);
  rig_->state().csr.stvec = kHandler;
  rig_->state().csr.medeleg = bit;
  EXPECT_THAT(explain(kLoad), AllOf(HasSubstr("medeleg[13] is 1: M-mode leaves it to HS-mode"),
                                    HasSubstr("hedeleg[13] is 0: HS-mode keeps it"), HasSubstr("VS -> HS"),
                                    HasSubstr("next         HS at " + hex(kHandler))));

  build(Tables::virtual_stage);
  rig_->state().csr.vstvec = kHandler;
  rig_->state().csr.medeleg = rig_->state().csr.hedeleg = bit;
  EXPECT_THAT(explain(kLoad), AllOf(HasSubstr("hedeleg[13] is 1: HS-mode leaves it to VS-mode"),
                                    HasSubstr("VS -> VS"), HasSubstr("vstval   " + hex(kAddress, 16))));

  build(Tables::first);
  rig_->state().csr.stvec = kHandler;
  rig_->state().csr.medeleg = rig_->state().csr.hedeleg = bit;
  EXPECT_THAT(explain(kLoad), HasSubstr("hedeleg does not count: the hart was not in a guest (V=0)"));

  build(Tables::first);
  rig_->state().mode = {Privilege::machine, false};
  EXPECT_THAT(explain(as::ecall), HasSubstr("none: a trap from M-mode is never handled with less privilege"));
}

TEST_F(Explanation, OfAnInterruptSaysWhatWasPendingAndEnabled) {
  build(Tables::first);
  auto& state = rig_->state();
  state.csr.stvec = kHandler;
  state.csr.mideleg = state.csr.mie = state.csr.mip = 1u << 1;
  state.csr.mstatus |= csr::kSie;
  const std::string text = explain(as::nop);
  EXPECT_THAT(text, HasSubstr("supervisor software interrupt (1), HS -> HS"));
  EXPECT_THAT(text, HasSubstr("before       " + hex(kCode)));
  EXPECT_THAT(text, HasSubstr("mip[1] is 1 and mie[1] is 1: pending and enabled"));
  EXPECT_THAT(text, HasSubstr("mstatus.SIE was 1"));
  EXPECT_THAT(text, HasSubstr("mideleg[1] is 1: M-mode leaves it to HS-mode"));
  EXPECT_THAT(text, Not(HasSubstr("instruction  ")));
}

TEST_F(Explanation, OfAnIllegalInstructionSaysWhatItWas) {
  build(Tables::first);
  EXPECT_THAT(explain(as::csrr(5, csr::mstatus)),
              AllOf(HasSubstr("csrr t0,mstatus"),
                    HasSubstr("CSR 0x300 (mstatus) is for M-mode, and the hart was in HS-mode")));
  build(Tables::first);
  EXPECT_THAT(explain(as::fadd_d(1, 2, 3)), HasSubstr("floating point while FS is Off"));
  build(Tables::first);
  EXPECT_THAT(explain(0xFFFF'FFFF & ~0x60u), HasSubstr("no instruction of this machine has this encoding"));
  build(Tables::virtual_stage);
  EXPECT_THAT(explain(as::csrr(5, csr::hstatus)),
              AllOf(HasSubstr("virtual instruction (22)"),
                    HasSubstr("CSR 0x600 (hstatus) is for HS-mode, and the hart was in VS-mode; in HS-mode "
                              "it would be legal")));
}

TEST_F(Explanation, NamesTheBitThatTrapsAPrivilegedInstruction) {
  build(Tables::virtual_stage);
  rig_->state().csr.hstatus |= csr::kVtw;
  EXPECT_THAT(explain(as::wfi), HasSubstr("wfi in VS-mode is trapped by hstatus.VTW"));
  build(Tables::first);
  rig_->state().csr.mstatus |= csr::kTw;
  EXPECT_THAT(explain(as::wfi), HasSubstr("wfi in HS-mode is trapped by mstatus.TW"));
  build(Tables::first);
  EXPECT_THAT(explain(as::csrr(5, csr::fcsr)), HasSubstr("CSR 0x3 (fcsr) while FS is Off"));
  build(Tables::first);
  EXPECT_THAT(explain(as::csrrw(5, csr::cycle, 5)), HasSubstr("CSR 0xc00 (cycle) is read-only"));
}

TEST_F(Explanation, AsJsonHoldsTheSameFacts) {
  build(Tables::g_stage);
  const std::uint64_t entry = walk_to(1, 0, 0);
  explain(kStore);
  ASSERT_EQ(seen_.json.size(), 1u);
  const Json& json = seen_.json[0];
  EXPECT_EQ(json["cause"], "store_guest_page_fault");
  EXPECT_EQ(json["from"], "VS");
  EXPECT_EQ(json["to"], "M");
  EXPECT_EQ(json["pc"]["address"], hex(kCode));
  EXPECT_EQ(json["instruction"]["text"], "sd t0,0(t1)");
  EXPECT_EQ(json["fault"]["stage"], "G");
  EXPECT_EQ(json["fault"]["guest_physical"], hex(kAddress));
  EXPECT_EQ(json["fault"]["walk"].size(), 2u);
  EXPECT_EQ(json["fault"]["walk"][1]["address"], hex(entry));
  EXPECT_EQ(json["written"]["mcause"], "0x17");
  EXPECT_EQ(json["written"]["mtval2"], hex(kAddress >> 2));
  EXPECT_EQ(json["next"]["address"], hex(kHandler));
}

// Watching must not change what is watched.
TEST_F(Explanation, AWatchedHartDoesWhatItAlwaysDoes) {
  struct Stepper final : cpu::Observer {
    void trapped(const cpu::HartState&, const cpu::TrapSeen&) override { ++traps; }
    bool steps() const override { return true; }
    bool begins(const cpu::HartState&, const cpu::StepSeen&) override {
      ++begun;
      return true;
    }
    void retired(const cpu::HartState&) override { ++done; }
    void abandoned(const cpu::HartState&) override { ++dropped; }
    unsigned traps = 0, begun = 0, done = 0, dropped = 0;
  } stepper;
  cpu::HartState states[2];
  for (const bool watched : {false, true}) {
    cpu::HartConfig config;
    config.observer = watched ? &stepper : nullptr;
    auto rig = cpu::test::functional(config);
    rig->state().csr.mtvec = kHandler;
    rig->put(kRam, {as::addi(1, 0, 9), as::lui(2, 0x60000), as::ld(3, 2, 0), as::addi(1, 1, -1), as::self});
    rig->put(kHandler, {as::csrr(4, csr::mepc), as::addi(4, 4, 4), as::csrrw(0, csr::mepc, 4), 0x3020'0073});
    rig->hart.run(40, false);
    states[watched] = rig->state();
  }
  EXPECT_EQ(states[0].x, states[1].x);
  EXPECT_EQ(states[0].pc, states[1].pc);
  EXPECT_EQ(states[0].cycle, states[1].cycle);
  EXPECT_EQ(states[0].retired, states[1].retired);
  EXPECT_EQ(stepper.done, states[1].retired);
  EXPECT_EQ(stepper.begun, stepper.done + stepper.dropped);
  EXPECT_EQ(stepper.traps, 1u);
  EXPECT_EQ(stepper.dropped, 1u);
}

}  // namespace
}  // namespace hvsim::sim
