// The decoder against the GNU assembler and disassembler: names, operands and legality.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "models/cpu/disassembler.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "tests/unit/execute/binutils.h"

namespace hvsim::cpu {
namespace {

using tests::assemble_and_list;
using tests::Listed;

std::string insn(unsigned bytes, std::uint32_t raw) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), ".insn %u, 0x%x", bytes, raw);
  return text.data();
}

std::string as_listed(std::uint32_t raw, std::uint64_t address) {
  std::string text = disassemble(decode(raw, {}), address);
  return text;
}

// What binutils and we print differently although we mean the same.
std::string normalized(std::string text, const Instruction& row) {
  const auto erase_after_comma = [&text](std::size_t digits_at) { text.erase(digits_at, 2); };
  if (row.format == Format::b || row.format == Format::j) erase_after_comma(text.rfind("0x"));  // bare hex
  return text;
}

// Operand bits that the disassembler insists on or has names for, though the hardware ignores them.
std::uint32_t tame(const Instruction& row, std::uint32_t raw) {
  const std::string_view name = row.name();
  if (name == "fence") return 0x0FF0000F;
  if (name == "fence.i") return row.pattern.match;
  if (row.klass == Class::csr) return (raw & 0x000FFFFF) | (0x800 | (raw >> 20 & 0xFF)) << 20;  // unnamed
  if (name == "fcvt.d.w" || name == "fcvt.d.wu" || name == "fcvt.d.s") return raw & ~0x7000u;
  if (operands(row.format).rounding_mode && (raw >> 12 & 7) >= 5) return raw | 0x7000;
  return raw;
}

TEST(Decoder, NamesEveryInstructionAndItsOperandsAsObjdumpDoes) {
  if (!tests::binutils_available()) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  std::mt19937 random(20240229);
  std::vector<std::string> lines{".option norvc"};
  std::vector<const Instruction*> rows;
  for (const Instruction& row : kInstructions) {
    if (&row == &instruction(Id::illegal) || &row == &instruction(Id::mark)) continue;
    if (row.extension == Extension::zicond) continue;  // binutils 2.40 does not know it
    for (int sample = 0; sample < 60; ++sample) {
      const auto operand_bits = static_cast<std::uint32_t>(random());
      lines.push_back(insn(4, tame(row, row.pattern.match | (operand_bits & ~row.pattern.mask))));
      rows.push_back(&row);
    }
  }
  const std::vector<Listed> listing = assemble_and_list(lines);
  ASSERT_EQ(listing.size(), rows.size());
  for (std::size_t i = 0; i < listing.size(); ++i) {
    const Listed& theirs = listing[i];
    std::string ours = normalized(as_listed(theirs.raw, theirs.address), *rows[i]);
    if (ours == "fence") ours = "fence iorw,iorw";
    if (ours.starts_with("mark ")) ours.replace(0, 4, "sltiu");
    EXPECT_EQ(ours, theirs.text) << std::hex << theirs.raw;
  }
}

TEST(Decoder, KnowsEveryMnemonicThatTheAssemblerKnows) {
  if (!tests::binutils_available()) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  const std::vector<std::pair<std::string, Id>> samples{{"csrrw x1, mstatus, x2", Id::csrrw},
                                                        {"csrrsi x1, fflags, 3", Id::csrrsi},
                                                        {"fence.tso", Id::fence},
                                                        {"pause", Id::fence},
                                                        {"fence r, w", Id::fence},
                                                        {"nop", Id::addi},
                                                        {"unimp", Id::csrrw},
                                                        {"sfence.vma x1, x2", Id::sfence_vma},
                                                        {"hfence.vvma x1, x2", Id::hfence_vvma},
                                                        {"hfence.gvma x1, x2", Id::hfence_gvma},
                                                        {"zext.w x1, x2", Id::add_uw},
                                                        {"zext.h x1, x2", Id::zext_h},
                                                        {"sltiu x0, x1, 3", Id::mark},
                                                        {"sltiu x0, x1, 0", Id::sltiu},
                                                        {"sltiu x1, x1, 3", Id::sltiu},
                                                        {"slti x0, x1, 3", Id::slti}};
  std::vector<std::string> lines{".option norvc"};
  for (const auto& sample : samples)
    lines.push_back(sample.first == "pause" ? ".insn 4, 0x0100000f" : sample.first);
  const auto listing = assemble_and_list(lines);
  ASSERT_EQ(listing.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    EXPECT_EQ(decode(listing[i].raw, {}).id, samples[i].second) << samples[i].first;
}

// Random words of every major opcode, and all words that differ from an instruction in one fixed bit.
std::vector<std::uint32_t> words_near_and_far() {
  std::mt19937 random(7);
  std::vector<std::uint32_t> words;
  for (std::uint32_t low = 0x03; low < 0x1F; low += 4)
    for (int i = 0; i < 10'000; ++i) words.push_back((static_cast<std::uint32_t>(random()) & ~0x1Fu) | low);
  for (const Instruction& row : kInstructions)
    for (unsigned bit = 5; bit < 32; ++bit) {
      const auto operand_bits = static_cast<std::uint32_t>(random());
      if (row.pattern.mask >> bit & 1 && row.klass != Class::illegal)
        words.push_back((row.pattern.match | (operand_bits & ~row.pattern.mask)) ^ 1u << bit);
    }
  return words;
}

TEST(Decoder, AgreesWithObjdumpOnWhichWordsAreInstructions) {
  if (!tests::binutils_available()) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  std::vector<std::string> lines{".option norvc"};
  for (std::uint32_t word : words_near_and_far()) lines.push_back(insn(4, word));
  const auto listing = assemble_and_list(lines);
  ASSERT_EQ(listing.size(), lines.size() - 1);
  for (const Listed& theirs : listing) {
    const Op op = decode(theirs.raw, {});
    const bool known_to_them =
        !theirs.text.starts_with(".") && theirs.text.find("unknown") == std::string::npos;
    // FENCE and FENCE.I ignore their reserved fields, exact conversions their rounding mode (the manual);
    // objdump lists the usual encodings only. And it still knows what privileged architecture 1.9 had.
    const bool lenient = op.id == Id::fence || op.id == Id::fence_i || op.id == Id::fcvt_d_w ||
                         op.id == Id::fcvt_d_wu || op.id == Id::fcvt_d_s;
    const bool obsolete = theirs.text == "uret" || theirs.text == "hret" ||
                          theirs.text.starts_with("sfence.vm ") || theirs.text == "sfence.vm";
    const bool too_new = instruction(op.id).extension == Extension::zicond;
    if (lenient || obsolete || too_new) continue;
    EXPECT_EQ(op.id != Id::illegal, known_to_them) << std::hex << theirs.raw << " " << theirs.text;
  }
}

// HINTs that binutils calls otherwise: C.NOP with an immediate, and shifts by 0 (RV128's shifts by 64).
// C.ADDI16SP with immediate 0 it lists although the manual reserves it.
std::string usual_name(const Listed& listed) {
  if (listed.text == "c.addi16sp x2,0") return "illegal";
  std::string name = listed.text.substr(0, listed.text.find(' '));
  if (listed.text.starts_with("c.addi x0,")) return "c.nop";
  if (name.ends_with("i64")) name.erase(name.size() - 2);
  if (name.starts_with(".") || name == "c.unimp") return "illegal";
  return name;
}

TEST(Compressed, EveryEncodingHasTheNameAndLegalityThatObjdumpGivesIt) {
  if (!tests::binutils_available()) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  std::vector<std::string> lines;
  for (std::uint32_t half = 0; half < 0x10000; ++half)
    if (is_compressed(half)) lines.push_back(insn(2, half));
  const auto listing = assemble_and_list(lines);
  ASSERT_EQ(listing.size(), 49'152u);
  for (const Listed& theirs : listing) {
    const auto half = static_cast<std::uint16_t>(theirs.raw);
    const std::string name = usual_name(theirs);
    EXPECT_EQ(compressed_name(half), name) << std::hex << theirs.raw << " " << theirs.text;
    EXPECT_EQ(decode(half, {}).id == Id::illegal, name == "illegal") << std::hex << theirs.raw;
  }
}

// The assembler shortens what it can: given the expansion of a 16-bit encoding it must find that encoding.
std::string source_line(const Op& op) {
  std::string text = disassemble(op, 0);
  if (op.id == Id::jal) return "j .+(" + std::to_string(op.imm) + ")";
  if (op.id == Id::jalr) return (op.rd == 1 ? "jalr x" : "jr x") + std::to_string(op.rs1);
  if (instruction(op.id).format == Format::b)
    text = text.substr(0, text.rfind(',') + 1) + ".+(" + std::to_string(op.imm) + ")";
  return text;
}

// Legal, and does nothing; the assembler makes them only when asked by name.
bool is_hint(const Op& op) {
  const bool nop = op.raw == 0x0001;
  const bool shift_by_zero = instruction(op.id).format == Format::shift && op.imm == 0;
  const bool adds_zero = op.id == Id::addi && op.rs1 == op.rd && op.imm == 0 && op.raw != 0x0001;
  return !nop && instruction(op.id).klass == Class::alu &&
         (op.rd == HartState::kSink || shift_by_zero || adds_zero);
}

TEST(Compressed, HintsAreTheOnesThatTheManualLists) {
  std::map<std::string_view, int> hints;
  for (std::uint32_t half = 0; half < 0x10000; ++half)
    if (is_compressed(half) && is_hint(decode(half, {})))
      ++hints[compressed_name(static_cast<std::uint16_t>(half))];
  // Table "RVC HINT instructions"; shifts by 0 are rd = x0 with any amount, and any rd with amount 0.
  EXPECT_THAT(hints, (std::map<std::string_view, int>{{"c.nop", 63},
                                                      {"c.addi", 31},
                                                      {"c.li", 64},
                                                      {"c.lui", 63},
                                                      {"c.mv", 31},
                                                      {"c.add", 31},
                                                      {"c.slli", 64 + 31},
                                                      {"c.srli", 8},
                                                      {"c.srai", 8}}));
}

TEST(Compressed, TheAssemblerShortensEveryExpansionToTheEncodingThatItCameFrom) {
  if (!tests::binutils_available()) GTEST_SKIP() << "binutils-riscv64-linux-gnu is not installed";
  std::vector<std::string> lines{".option norelax"};
  std::vector<std::uint16_t> halves;
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    if (!is_compressed(half)) continue;
    const Op op = decode(half, {});
    if (op.id == Id::illegal || is_hint(op)) continue;
    lines.push_back(source_line(op));
    halves.push_back(static_cast<std::uint16_t>(half));
  }
  const auto listing = assemble_and_list(lines);
  ASSERT_EQ(listing.size(), halves.size());
  for (std::size_t i = 0; i < halves.size(); ++i) {
    // 16, -16 and -32 added to sp have two encodings.
    const bool other_encoding = compressed_name(halves[i]) == "c.addi16sp" &&
                                expand(static_cast<std::uint16_t>(listing[i].raw)) == expand(halves[i]);
    if (other_encoding) continue;
    EXPECT_EQ(listing[i].raw, halves[i]) << lines[i + 1] << " became " << listing[i].text;
  }
}

}  // namespace
}  // namespace hvsim::cpu
