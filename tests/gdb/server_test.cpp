// What the server answers, on a machine that stands still, and that no packet shakes it.
#include "sim/gdb/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "sim/gdb/hart_target.h"
#include "sim/gdb/packet.h"
#include "sim/gdb/registers.h"

namespace hvsim::gdb {
namespace {

using testing::HasSubstr;
using testing::Not;

class Gdb : public testing::Test {
 protected:
  Gdb() {
    sim::MachineConfig config;
    config.harts = 2;
    config.memory_bytes = 4 << 20;
    machine = std::move(sim::Machine::build(config, 1, false, [](std::uint8_t) {}).value());
    target = std::make_unique<HartTarget>(*machine, std::vector<std::string>{"linux"});
    server = std::make_unique<Server>(*target, [this](const std::string& text) { said += text; });
    state().pc = 0x8000'0000;
    state().x[10] = 0x1122'3344'5566'7788;
  }
  cpu::HartState& state(unsigned hart = 0) { return machine->hart(hart).hart_state(); }
  std::string ask(const std::string& packet) { return server->handle(packet).reply.value_or("(none)"); }
  std::string monitor(const std::string& command) {
    said.clear();
    EXPECT_EQ(ask("qRcmd," + hex_bytes(command)), "OK");
    return said;
  }
  // Sv39: 0x40000000 is a gigapage of RAM; user, A and D clear, execute only.
  void map_gigapage(std::uint64_t flags) {
    const std::uint64_t root = 0x8010'0000;
    machine->memory().write(isa::Hpa{root + 8}, std::uint64_t{0x8000'0000 >> 12 << 10 | flags});
    state().csr.satp = isa::csr::kModeSv39 << isa::csr::kAtpModeShift | root >> 12;
    state().csr.pmpcfg[0] = 0x1F;  // everything, to everybody
    state().csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
    state().mode = {isa::Privilege::supervisor, false};
    machine->hart(0).state_changed();
  }

  std::unique_ptr<sim::Machine> machine;
  std::unique_ptr<HartTarget> target;
  std::unique_ptr<Server> server;
  std::string said;
};

TEST_F(Gdb, GeneralRegistersComeLittleEndianAndPcLast) {
  const std::string all = ask("g");
  ASSERT_EQ(all.size(), 33u * 16);
  EXPECT_EQ(all.substr(10 * 16, 16), "8877665544332211");
  EXPECT_EQ(all.substr(32 * 16), "0000008000000000");
  EXPECT_EQ(ask("p20"), "0000008000000000");
}

TEST_F(Gdb, RegistersAreWrittenAndX0IsNot) {
  EXPECT_EQ(ask("Pa=0100000000000000"), "OK");
  EXPECT_EQ(state().x[10], 1u);
  EXPECT_EQ(ask("P0=0100000000000000"), "OK");
  EXPECT_EQ(state().x[0], 0u);
  EXPECT_TRUE(target->disturbed());
}

TEST_F(Gdb, CsrsKeepToTheirLegalValuesAndReadOnlyOnesStay) {
  const auto number = [](unsigned csr) { return hex(kFirstCsrRegister + csr); };
  EXPECT_EQ(ask("P" + number(isa::csr::sepc) + "=0300000000000000"), "OK");
  EXPECT_EQ(ask("p" + number(isa::csr::sepc)), "0200000000000000") << "sepc is even";
  EXPECT_EQ(ask("P" + number(isa::csr::mhartid) + "=0300000000000000"), "E01");
  EXPECT_EQ(ask("p" + number(0x7C0)), "E01") << "no such CSR";
}

TEST_F(Gdb, TheDescriptionNamesTheHypervisorsCsrsOnlyWhereTheyAre) {
  const std::string xml = ask("qXfer:features:read:target.xml:0,7000");
  EXPECT_THAT(xml, HasSubstr("org.gnu.gdb.riscv.cpu"));
  EXPECT_THAT(target->description(), HasSubstr("\"hgatp\""));
  EXPECT_THAT(target->description(), HasSubstr("\"vsstatus\""));
  sim::MachineConfig config;
  config.isa.h = false;
  const auto plain = std::move(sim::Machine::build(config, 1, false, [](std::uint8_t) {}).value());
  EXPECT_THAT(HartTarget(*plain, {}).description(), Not(HasSubstr("\"hgatp\"")));
}

TEST_F(Gdb, MemoryGoesThroughTheAddressSpaceWhateverItsRightsAndLeavesThePtesAlone) {
  machine->memory().write(isa::Hpa{0x8000'1000}, std::uint64_t{0xAABB});
  map_gigapage(isa::pte::v | isa::pte::x | isa::pte::u);
  EXPECT_EQ(ask("m40001000,2"), "bbaa");
  EXPECT_EQ(ask("M40001000,1:cc"), "OK");
  std::uint64_t value = 0, pte = 0;
  machine->memory().read(isa::Hpa{0x8000'1000}, value);
  EXPECT_EQ(value, 0xAACCu);
  machine->memory().read(isa::Hpa{0x8010'0008}, pte);
  EXPECT_EQ(pte & (isa::pte::a | isa::pte::d), 0u);
  EXPECT_EQ(ask("m80001000,2"), "E0e") << "nothing is mapped there";
  monitor("space physical");
  EXPECT_EQ(ask("m80001000,2"), "ccaa");
}

TEST_F(Gdb, DevicesAreNoMemory) { EXPECT_EQ(ask("m10000000,1"), "E0e"); }

TEST_F(Gdb, ATranslationIsExplained) {
  map_gigapage(isa::pte::v | isa::pte::r | isa::pte::a);
  const std::string text = monitor("translate 0x40001234");
  EXPECT_THAT(text, HasSubstr("first stage level 2: PTE at 0x80100008"));
  EXPECT_THAT(text, HasSubstr("physical 0x80001234"));
  EXPECT_THAT(text, HasSubstr("store: first stage, level 2: W=0"));
  EXPECT_THAT(monitor("translate 0x80000000"), HasSubstr("V=0: the PTE is not valid"));
}

TEST_F(Gdb, HartsAreThreads) {
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2");
  EXPECT_EQ(ask("T2"), "OK");
  EXPECT_EQ(ask("T3"), "E03");
  state(1).x[10] = 5;
  EXPECT_EQ(ask("Hg2"), "OK");
  EXPECT_EQ(ask("pa"), "0500000000000000");
  EXPECT_EQ(*parse_hex_bytes(ask("qThreadExtraInfo,2")), "hart 1, M-mode");
}

TEST_F(Gdb, VContSaysWhatEachHartDoes) {
  const auto verdict = server->handle("vCont;s:2;c").verdict;
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->threads, (std::vector{Go::run, Go::step}));
  EXPECT_EQ(server->handle("vCont;s:1").verdict->threads, (std::vector{Go::step, Go::stay}));
  EXPECT_EQ(ask("vCont;s:9"), "E03");
  EXPECT_FALSE(server->handle("vCont;x").verdict);
}

TEST_F(Gdb, WatchpointsAreReportedByTheirKind) {
  EXPECT_EQ(ask("Z4,80001000,8"), "OK");
  EXPECT_EQ(server->stopped({.thread = 2, .watch = cpu::WatchHit{0x8000'1004, true}}),
            "T05thread:2;awatch:80001004;");
  EXPECT_EQ(ask("z4,80001000,8"), "OK");
  EXPECT_TRUE(target->watchpoints().empty());
}

// Seeded: packets of every known kind with damaged arguments, and mere noise.
TEST_F(Gdb, NoPacketShakesTheServer) {
  constexpr std::array kStems{"g",
                              "G",
                              "p",
                              "P",
                              "m",
                              "M",
                              "X",
                              "Z0,",
                              "Z4,",
                              "z2,",
                              "H",
                              "T",
                              "vCont;",
                              "vCont;s:",
                              "qXfer:features:read:target.xml:",
                              "qRcmd,",
                              "qThreadExtraInfo,",
                              "qSupported:",
                              "?",
                              "D",
                              "k",
                              "s",
                              "c",
                              "q",
                              "v",
                              "Q"};
  constexpr char kAlphabet[] = "0123456789abcdef,;:=-gcsZ\xFF\x01";
  std::mt19937 random(20);
  for (int i = 0; i < 50'000; ++i) {
    std::string packet = kStems[random() % kStems.size()];
    for (auto n = random() % 40; n > 0; --n) packet += kAlphabet[random() % (sizeof kAlphabet - 1)];
    const auto answer = server->handle(packet);
    if (answer.verdict && answer.verdict->kind == Verdict::Kind::resume) {
      EXPECT_EQ(answer.verdict->threads.size(), 2u);
    }
    if (answer.reply) {
      EXPECT_LE(frame(*answer.reply).size(), 3 * kMaxPacketBytes);
    }
  }
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2");
  for (const char* command : {"phys", "phys 0 99999999999999999999", "phys 0xffffffffffffffff 4096",
                              "translate x", "space nowhere", "", "nonsense"})
    EXPECT_FALSE(monitor(command).empty()) << command;
}

TEST_F(Gdb, NoBytesShakeTheReader) {
  std::mt19937 random(21);
  PacketReader reader;
  unsigned packets = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = random() % 4 == 0 ? frame("g") : std::string();
    for (auto n = random() % 20; n > 0; --n) bytes += static_cast<char>(random());
    reader.feed(bytes);
    while (const auto event = reader.next()) packets += event->kind == Event::Kind::packet;
  }
  EXPECT_GT(packets, 1000u);
}

}  // namespace
}  // namespace hvsim::gdb
