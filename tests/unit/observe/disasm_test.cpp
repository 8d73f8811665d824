// Listings against objdump, instruction by instruction, over whole images.
#include "sim/disasm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "models/cpu/disassembler.h"
#include "tests/support/commands.h"
#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using tests::each_line;

constexpr char kObjdump[] = "riscv64-linux-gnu-objdump";
// What the instruction table knows, so that objdump knows no more and no less.
constexpr char kIsa[] = "rv64imafdch_zba_zbb_zbc_zbs_zicbom_zicboz_svinval_zicsr_zifencei_zihintpause";

struct Line {
  std::uint64_t address = 0;
  std::string encoding;
  std::string text;  // "addi x1,x2,3"
};

// "  1c:\t00c58533          \tadd\tx10,x11,x12 # comment <symbol>"
bool parse(const std::string& line, Line& parsed) {
  const auto colon = line.find(":\t");
  if (colon == std::string::npos || colon == 0) return false;
  const auto text = line.find('\t', colon + 2);
  if (text == std::string::npos) return false;
  parsed.address = std::stoull(line.substr(0, colon), nullptr, 16);
  parsed.encoding = line.substr(colon + 2, text - colon - 2);
  parsed.encoding.erase(parsed.encoding.find_last_not_of(' ') + 1);
  parsed.text = line.substr(text + 1);
  for (const char* comment : {" #", "\t#", " <"})
    parsed.text.erase(std::min(parsed.text.find(comment), parsed.text.size()));
  for (char& c : parsed.text)
    if (c == '\t') c = ' ';
  parsed.text.erase(parsed.text.find_last_not_of(' ') + 1);
  return true;
}

// With symbols, objdump writes targets of jumps as bare hexadecimal; we always write 0x.
std::string with_bare_target(std::string text, const std::string& like) {
  const auto at = text.rfind("0x");
  if (at == std::string::npos) return text;
  std::string bare = text;
  bare.erase(at, 2);
  return bare == like ? bare : text;
}

// Default names: objdump drops the i of register-immediate instructions and CSR immediates, writes short
// HINTs under their canonical names, and leaves aliases of C.MV to the canonical name for x0.
std::string as_objdump_abbreviates(std::string text) {
  static const std::map<std::string, std::string> names{
      {"addi", "add"},   {"addiw", "addw"}, {"andi", "and"},     {"ori", "or"},       {"xori", "xor"},
      {"slli", "sll"},   {"srli", "srl"},   {"srai", "sra"},     {"slliw", "sllw"},   {"srliw", "srlw"},
      {"sraiw", "sraw"}, {"rori", "ror"},   {"roriw", "rorw"},   {"bclri", "bclr"},   {"bexti", "bext"},
      {"binvi", "binv"}, {"bseti", "bset"}, {"csrrwi", "csrrw"}, {"csrrsi", "csrrs"}, {"csrrci", "csrrc"},
      {"csrwi", "csrw"}, {"csrsi", "csrs"}, {"csrci", "csrc"}};
  const auto blank = text.find(' ');
  const auto found = names.find(text.substr(0, blank));
  if (found != names.end()) text.replace(0, blank, found->second);
  return text;
}

bool is_data(const std::string& text) { return text.starts_with("."); }

struct Comparison {
  std::uint64_t instructions = 0;
  std::vector<std::string> differences;  // the first few
  void note(const Line& theirs, const std::string& ours) {
    if (differences.size() < 20)
      differences.push_back(theirs.encoding + ": objdump \"" + theirs.text + "\", hvsim \"" + ours + "\"");
  }
};

std::vector<Line> our_listing(const DisasmOptions& options) {
  std::vector<Line> lines;
  const auto listed = list_code(options, [&lines](const std::string& text) {
    if (Line line; parse(text, line)) lines.push_back(line);
  });
  EXPECT_TRUE(listed.ok()) << listed.error();
  return lines;
}

// An ELF as objdump lists it, with every line in its place. What it marks as data is not compared.
Comparison compare(const std::string& elf, bool canonical) {
  const std::vector<Line> ours = our_listing({.file = elf, .canonical = canonical});
  std::map<std::uint64_t, const Line*> by_address;
  for (const Line& line : ours) by_address[line.address] = &line;
  Comparison comparison;
  const std::string style = canonical ? " -M no-aliases,numeric " : " ";
  each_line(std::string(kObjdump) + " -d -z" + style + elf, [&](const std::string& text) {
    Line theirs;
    if (!parse(text, theirs) || is_data(theirs.text)) return;
    ++comparison.instructions;
    const auto found = by_address.find(theirs.address);
    if (found == by_address.end()) return comparison.note(theirs, "nothing there");
    std::string mine = found->second->text;
    if (!canonical) mine = as_objdump_abbreviates(mine);
    mine = with_bare_target(mine, theirs.text);
    if (mine != theirs.text || found->second->encoding != theirs.encoding) comparison.note(theirs, mine);
  });
  return comparison;
}

class Listing : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::exists(kObjdump)) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  }
};

TEST_F(Listing, OfOurImagesIsObjdumpsInBothStyles) {
  for (const std::string& elf : {std::string(HVSIM_HYPERVISOR), std::string(HVSIM_WORKLOADS "/compute.elf"),
                                 std::string(HVSIM_WORKLOADS "/hello-bare.elf")})
    for (const bool canonical : {true, false}) {
      const Comparison comparison = compare(elf, canonical);
      EXPECT_GT(comparison.instructions, 1000u) << elf;
      EXPECT_THAT(comparison.differences, ::testing::IsEmpty()) << elf;
    }
}

// A flat image is wrapped into an ELF that says which extensions it uses. objdump then lists all of it, data
// too, where reserved fields of FENCE and reserved rounding modes are compared by what the manual says.
Comparison compare_flat(const std::string& image, std::uint64_t bytes, const std::string& base) {
  const tests::Scratch scratch;
  std::ofstream(scratch.file("a.s")) << ".attribute arch, \"" << kIsa << "\"\n.text\n.incbin \"" << image
                                     << "\", 0, " << bytes << "\n";
  const std::string wrap = "riscv64-linux-gnu-as " + scratch.file("a.s") + " -o " + scratch.file("a.o") +
                           " && riscv64-linux-gnu-objcopy --strip-all " + scratch.file("a.o");
  EXPECT_EQ(std::system(wrap.c_str()), 0);
  Comparison comparison;
  each_line(
      std::string(kObjdump) + " -d --adjust-vma=" + base + " -M no-aliases,numeric " + scratch.file("a.o"),
      [&comparison](const std::string& text) {
        Line theirs;
        if (!parse(text, theirs) || theirs.encoding.size() > 8) return;
        ++comparison.instructions;
        const std::uint64_t raw = std::stoull(theirs.encoding, nullptr, 16);
        const std::string ours = cpu::list_encoding(raw, theirs.address, cpu::kCanonical);
        const bool unknown_rounding = theirs.text.ends_with(",unknown") && is_data(ours);
        const bool lenient_fence = is_data(theirs.text) && ours.starts_with("fence");
        const bool too_new = is_data(theirs.text) && ours.starts_with("czero");  // not in 2.40
        const bool too_long = is_data(theirs.text) && is_data(ours);
        if (ours != theirs.text && !unknown_rounding && !lenient_fence && !too_long && !too_new)
          comparison.note(theirs, ours);
      });
  return comparison;
}

TEST_F(Listing, OfDebiansFirmwareIsObjdumps) {
  const std::string image = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";
  if (!std::filesystem::exists(image)) GTEST_SKIP() << "opensbi is not installed";
  const Comparison comparison = compare_flat(image, std::filesystem::file_size(image), "0x80000000");
  EXPECT_GT(comparison.instructions, 20'000u);
  EXPECT_THAT(comparison.differences, ::testing::IsEmpty());
}

#ifndef HVSIM_SANITIZED  // six million lines take too long under sanitizers
TEST_F(Listing, OfTheStockKernelIsObjdumps) {
  const std::string image = HVSIM_GUESTS "/debian/Image";
  ASSERT_TRUE(std::filesystem::exists(image)) << "no kernel: ./hvsim guest fetch debian";
  constexpr std::uint64_t code_bytes = 0xE0'0000;
  const Comparison comparison = compare_flat(image, code_bytes, "0xffffffff80000000");
  EXPECT_GT(comparison.instructions, 2'000'000u);
  EXPECT_THAT(comparison.differences, ::testing::IsEmpty());
}
#endif

TEST(Disasm, WhatIsNoInstructionIsListedAsData) {
  EXPECT_EQ(cpu::list_encoding(0x0000'0000, 0, cpu::kCanonical), "c.unimp");
  EXPECT_EQ(cpu::list_encoding(0x0201'0107, 0, {}), ".4byte 0x2010107");  // vle8.v v2,(sp)
  EXPECT_EQ(cpu::list_encoding(0x9C40, 0, {}), ".2byte 0x9c40");          // Zcb's, in a kernel without it
  EXPECT_EQ(cpu::list_encoding(0x0106'B000'00DF, 0, {}), ".byte 0xdf, 0x00, 0x00, 0xb0, 0x06, 0x01");
  EXPECT_EQ(cpu::list_encoding(0xFFFF, 0, {}), ".2byte 0xffff");
}

std::string refusal(const DisasmOptions& options) {
  const auto listed = list_code(options, [](const std::string&) {});
  return listed ? "" : listed.error();
}

TEST(Disasm, MistakesAreNamed) {
  const std::string elf = HVSIM_WORKLOADS "/hello.elf";
  EXPECT_THAT(refusal({.file = "/nowhere"}), HasSubstr("/nowhere: No such file"));
  EXPECT_THAT(refusal({.file = elf, .base = 1}), HasSubstr("expected no --base"));
  EXPECT_THAT(refusal({.file = HVSIM_WORKLOADS "/hello.bin"}), HasSubstr("expected --base"));
  EXPECT_THAT(refusal({.file = elf, .start = 16, .end = 16}), HasSubstr("--end: 0x10"));
  EXPECT_THAT(refusal({.file = elf, .symbol = "guest_enrty"}), HasSubstr("did you mean \"guest_entry\"?"));
  EXPECT_THAT(refusal({.file = elf, .symbol = "guest::workload_mian"}),
              HasSubstr("did you mean \"guest::workload_main\"?"));
  EXPECT_THAT(refusal({.file = elf, .start = 4, .end = 8}), HasSubstr("no code from 0x4 to 0x8"));
}

TEST(Disasm, ASymbolOrARangeCanBeChosen) {
  const std::string elf = HVSIM_WORKLOADS "/hello.elf";
  const std::vector<Line> all = our_listing({.file = elf});
  const std::vector<Line> start = our_listing({.file = elf, .symbol = "guest_entry"});
  ASSERT_FALSE(start.empty());
  EXPECT_LT(start.size(), all.size());
  EXPECT_EQ(start.front().address, 0x8000'0000u);
  const std::vector<Line> two =
      our_listing({.file = elf, .start = start[0].address, .end = start[2].address});
  EXPECT_EQ(two.size(), 2u);
}

TEST(Disasm, FunctionsAreFoundByTheNamesThatPeopleWrite) {
  const std::string elf = HVSIM_WORKLOADS "/hello.elf";
  const std::vector<Line> readable = our_listing({.file = elf, .symbol = "guest::workload_main"});
  const std::vector<Line> mangled =
      our_listing({.file = elf, .symbol = "_ZN5guest13workload_mainERNS_9ArgumentsE"});
  ASSERT_FALSE(readable.empty());
  EXPECT_EQ(readable.size(), mangled.size());
  EXPECT_EQ(readable.front().address, mangled.front().address);
}

TEST(Disasm, FlatImagesNeedNothingButABase) {
  const std::vector<Line> flat =
      our_listing({.file = HVSIM_WORKLOADS "/hello.bin", .base = 0x8000'0000, .end = 0x8000'0040});
  const std::vector<Line> elf = our_listing({.file = HVSIM_WORKLOADS "/hello.elf", .end = 0x8000'0040});
  ASSERT_EQ(flat.size(), elf.size());
  for (std::size_t i = 0; i < flat.size(); ++i) EXPECT_EQ(flat[i].text, elf[i].text);
}

}  // namespace
}  // namespace hvsim::sim
