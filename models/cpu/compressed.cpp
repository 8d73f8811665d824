// The C extension as a table of patterns and expansions (unprivileged manual, "C" chapter, RVC tables).
#include "models/cpu/compressed.h"

#include "models/cpu/pattern.h"

namespace hvsim::cpu {
namespace {

using Half = std::uint32_t;  // a 16-bit encoding, wide enough to shift

constexpr std::uint32_t bits(Half h, unsigned low, unsigned count) { return h >> low & ((1u << count) - 1); }
constexpr std::uint32_t bit_to(Half h, unsigned from, unsigned to) { return (h >> from & 1) << to; }

// Registers.
constexpr std::uint32_t kZero = 0, kRa = 1, kSp = 2;
constexpr std::uint32_t rd(Half h) { return bits(h, 7, 5); }
constexpr std::uint32_t rs2(Half h) { return bits(h, 2, 5); }
constexpr std::uint32_t rd_short(Half h) { return 8 + bits(h, 7, 3); }   // rd', rs1'
constexpr std::uint32_t rs2_short(Half h) { return 8 + bits(h, 2, 3); }  // rs2', also rd' of loads

// Immediates, named as in the manual's instruction formats.
constexpr std::uint32_t imm6_unsigned(Half h) { return bit_to(h, 12, 5) | bits(h, 2, 5); }
constexpr std::uint32_t imm6(Half h) { return imm6_unsigned(h) | (0u - bit_to(h, 12, 0)) << 5; }
constexpr std::uint32_t addi4spn_imm(Half h) {
  return bits(h, 7, 4) << 6 | bits(h, 11, 2) << 4 | bit_to(h, 5, 3) | bit_to(h, 6, 2);
}
constexpr std::uint32_t addi16sp_imm(Half h) {
  return (0u - bit_to(h, 12, 0)) << 9 | bits(h, 3, 2) << 7 | bit_to(h, 5, 6) | bit_to(h, 2, 5) |
         bit_to(h, 6, 4);
}
constexpr std::uint32_t word_offset(Half h) {
  return bit_to(h, 5, 6) | bits(h, 10, 3) << 3 | bit_to(h, 6, 2);
}
constexpr std::uint32_t double_offset(Half h) { return bits(h, 5, 2) << 6 | bits(h, 10, 3) << 3; }
constexpr std::uint32_t word_sp_load(Half h) {
  return bits(h, 2, 2) << 6 | bit_to(h, 12, 5) | bits(h, 4, 3) << 2;
}
constexpr std::uint32_t double_sp_load(Half h) {
  return bits(h, 2, 3) << 6 | bit_to(h, 12, 5) | bits(h, 5, 2) << 3;
}
constexpr std::uint32_t word_sp_store(Half h) { return bits(h, 7, 2) << 6 | bits(h, 9, 4) << 2; }
constexpr std::uint32_t double_sp_store(Half h) { return bits(h, 7, 3) << 6 | bits(h, 10, 3) << 3; }
constexpr std::uint32_t jump_imm(Half h) {
  return (0u - bit_to(h, 12, 0)) << 11 | bit_to(h, 8, 10) | bits(h, 9, 2) << 8 | bit_to(h, 6, 7) |
         bit_to(h, 7, 6) | bit_to(h, 2, 5) | bit_to(h, 11, 4) | bits(h, 3, 3) << 1;
}
constexpr std::uint32_t branch_imm(Half h) {
  return (0u - bit_to(h, 12, 0)) << 8 | bits(h, 5, 2) << 6 | bit_to(h, 2, 5) | bits(h, 10, 2) << 3 |
         bits(h, 3, 2) << 1;
}

// 32-bit encodings. Opcodes and funct3 are those of the base instruction named in the table.
constexpr std::uint32_t kLoad = 0x03, kLoadFp = 0x07, kOpImm = 0x13, kOpImm32 = 0x1B, kStore = 0x23,
                        kStoreFp = 0x27, kOp = 0x33, kLui = 0x37, kOp32 = 0x3B, kBranch = 0x63, kJalr = 0x67,
                        kJal = 0x6F, kEbreak = 0x00100073;

constexpr std::uint32_t i_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t to,
                               std::uint32_t from, std::uint32_t imm) {
  return imm << 20 | from << 15 | funct3 << 12 | to << 7 | opcode;
}
constexpr std::uint32_t r_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct7,
                               std::uint32_t to, std::uint32_t left, std::uint32_t right) {
  return funct7 << 25 | right << 20 | left << 15 | funct3 << 12 | to << 7 | opcode;
}
constexpr std::uint32_t s_type(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t base,
                               std::uint32_t value, std::uint32_t imm) {
  return bits(imm, 5, 7) << 25 | value << 20 | base << 15 | funct3 << 12 | bits(imm, 0, 5) << 7 | opcode;
}
constexpr std::uint32_t b_type(std::uint32_t funct3, std::uint32_t left, std::uint32_t imm) {
  return bits(imm, 12, 1) << 31 | bits(imm, 5, 6) << 25 | left << 15 | funct3 << 12 | bits(imm, 1, 4) << 8 |
         bits(imm, 11, 1) << 7 | kBranch;
}
constexpr std::uint32_t j_type(std::uint32_t to, std::uint32_t imm) {
  return bits(imm, 20, 1) << 31 | bits(imm, 1, 10) << 21 | bits(imm, 11, 1) << 20 | bits(imm, 12, 8) << 12 |
         to << 7 | kJal;
}
// rd' = rd' op rs2'
constexpr std::uint32_t short_op(std::uint32_t opcode, std::uint32_t funct3, std::uint32_t funct7, Half h) {
  return r_type(opcode, funct3, funct7, rd_short(h), rd_short(h), rs2_short(h));
}

struct Row {
  std::string_view name;
  Pattern pattern;
  std::uint32_t (*expand)(Half);
};

constexpr std::uint32_t reserved(Half) { return 0; }
constexpr Row row(std::string_view name, std::string_view pattern, std::uint32_t (*expansion)(Half)) {
  return {name, parse_pattern(pattern), expansion};
}

// Reserved encodings are rows of their own, more specific than the row that they are taken out of.
// clang-format off
constexpr std::array kRows{
    // Quadrant 0
    row("illegal",    "000 00000000 ... 00",    reserved),
    row("c.addi4spn", "000 ........ ... 00",    [](Half h) { return i_type(kOpImm, 0, rs2_short(h), kSp, addi4spn_imm(h)); }),
    row("c.fld",      "001 ... ... .. ... 00",  [](Half h) { return i_type(kLoadFp, 3, rs2_short(h), rd_short(h), double_offset(h)); }),
    row("c.lw",       "010 ... ... .. ... 00",  [](Half h) { return i_type(kLoad, 2, rs2_short(h), rd_short(h), word_offset(h)); }),
    row("c.ld",       "011 ... ... .. ... 00",  [](Half h) { return i_type(kLoad, 3, rs2_short(h), rd_short(h), double_offset(h)); }),
    row("c.fsd",      "101 ... ... .. ... 00",  [](Half h) { return s_type(kStoreFp, 3, rd_short(h), rs2_short(h), double_offset(h)); }),
    row("c.sw",       "110 ... ... .. ... 00",  [](Half h) { return s_type(kStore, 2, rd_short(h), rs2_short(h), word_offset(h)); }),
    row("c.sd",       "111 ... ... .. ... 00",  [](Half h) { return s_type(kStore, 3, rd_short(h), rs2_short(h), double_offset(h)); }),
    // Quadrant 1
    row("c.nop",      "000 . 00000 ..... 01",   [](Half h) { return i_type(kOpImm, 0, kZero, kZero, imm6(h)); }),
    row("c.addi",     "000 . ..... ..... 01",   [](Half h) { return i_type(kOpImm, 0, rd(h), rd(h), imm6(h)); }),
    row("illegal",    "001 . 00000 ..... 01",   reserved),
    row("c.addiw",    "001 . ..... ..... 01",   [](Half h) { return i_type(kOpImm32, 0, rd(h), rd(h), imm6(h)); }),
    row("c.li",       "010 . ..... ..... 01",   [](Half h) { return i_type(kOpImm, 0, rd(h), kZero, imm6(h)); }),
    row("illegal",    "011 0 ..... 00000 01",   reserved),
    row("c.lui",      "011 . ..... ..... 01",   [](Half h) { return imm6(h) << 12 | rd(h) << 7 | kLui; }),
    row("illegal",    "011 0 00010 00000 01",   reserved),
    row("c.addi16sp", "011 . 00010 ..... 01",   [](Half h) { return i_type(kOpImm, 0, kSp, kSp, addi16sp_imm(h)); }),
    row("c.srli",     "100 . 00 ... ..... 01",  [](Half h) { return i_type(kOpImm, 5, rd_short(h), rd_short(h), imm6_unsigned(h)); }),
    row("c.srai",     "100 . 01 ... ..... 01",  [](Half h) { return i_type(kOpImm, 5, rd_short(h), rd_short(h), imm6_unsigned(h) | 0x400); }),
    row("c.andi",     "100 . 10 ... ..... 01",  [](Half h) { return i_type(kOpImm, 7, rd_short(h), rd_short(h), imm6(h)); }),
    row("c.sub",      "100 0 11 ... 00 ... 01", [](Half h) { return short_op(kOp, 0, 0x20, h); }),
    row("c.xor",      "100 0 11 ... 01 ... 01", [](Half h) { return short_op(kOp, 4, 0, h); }),
    row("c.or",       "100 0 11 ... 10 ... 01", [](Half h) { return short_op(kOp, 6, 0, h); }),
    row("c.and",      "100 0 11 ... 11 ... 01", [](Half h) { return short_op(kOp, 7, 0, h); }),
    row("c.subw",     "100 1 11 ... 00 ... 01", [](Half h) { return short_op(kOp32, 0, 0x20, h); }),
    row("c.addw",     "100 1 11 ... 01 ... 01", [](Half h) { return short_op(kOp32, 0, 0, h); }),
    row("c.j",        "101 ........... 01",     [](Half h) { return j_type(kZero, jump_imm(h)); }),
    row("c.beqz",     "110 ... ... ..... 01",   [](Half h) { return b_type(0, rd_short(h), branch_imm(h)); }),
    row("c.bnez",     "111 ... ... ..... 01",   [](Half h) { return b_type(1, rd_short(h), branch_imm(h)); }),
    // Quadrant 2
    row("c.slli",     "000 . ..... ..... 10",   [](Half h) { return i_type(kOpImm, 1, rd(h), rd(h), imm6_unsigned(h)); }),
    row("c.fldsp",    "001 . ..... ..... 10",   [](Half h) { return i_type(kLoadFp, 3, rd(h), kSp, double_sp_load(h)); }),
    row("illegal",    "010 . 00000 ..... 10",   reserved),
    row("c.lwsp",     "010 . ..... ..... 10",   [](Half h) { return i_type(kLoad, 2, rd(h), kSp, word_sp_load(h)); }),
    row("illegal",    "011 . 00000 ..... 10",   reserved),
    row("c.ldsp",     "011 . ..... ..... 10",   [](Half h) { return i_type(kLoad, 3, rd(h), kSp, double_sp_load(h)); }),
    row("illegal",    "100 0 00000 00000 10",   reserved),
    row("c.jr",       "100 0 ..... 00000 10",   [](Half h) { return i_type(kJalr, 0, kZero, rd(h), 0); }),
    row("c.mv",       "100 0 ..... ..... 10",   [](Half h) { return r_type(kOp, 0, 0, rd(h), kZero, rs2(h)); }),
    row("c.ebreak",   "100 1 00000 00000 10",   [](Half) { return kEbreak; }),
    row("c.jalr",     "100 1 ..... 00000 10",   [](Half h) { return i_type(kJalr, 0, kRa, rd(h), 0); }),
    row("c.add",      "100 1 ..... ..... 10",   [](Half h) { return r_type(kOp, 0, 0, rd(h), rd(h), rs2(h)); }),
    row("c.fsdsp",    "101 ...... ..... 10",    [](Half h) { return s_type(kStoreFp, 3, kSp, rs2(h), double_sp_store(h)); }),
    row("c.swsp",     "110 ...... ..... 10",    [](Half h) { return s_type(kStore, 2, kSp, rs2(h), word_sp_store(h)); }),
    row("c.sdsp",     "111 ...... ..... 10",    [](Half h) { return s_type(kStore, 3, kSp, rs2(h), double_sp_store(h)); }),
};
// clang-format on

constexpr auto kPatterns = [] {
  std::array<Pattern, kRows.size()> patterns{};
  for (std::size_t i = 0; i < kRows.size(); ++i) patterns[i] = kRows[i].pattern;
  return patterns;
}();
static_assert(all_have_bits(kPatterns, 16));
static_assert(overlaps_have_a_winner(kPatterns));

struct QuadrantAndFunct3 {
  static constexpr std::size_t kCount = 32;
  static constexpr std::uint32_t kMask = 0xE003;
  static constexpr std::size_t number(std::uint32_t raw) { return (raw & 3) << 3 | (raw >> 13 & 7); }
  static constexpr std::uint32_t raw(std::size_t number) {
    return static_cast<std::uint32_t>(number >> 3 | (number & 7) << 13);
  }
};

constexpr std::size_t kEntries = PatternIndex<QuadrantAndFunct3, 0>::entries_needed(kPatterns);
constexpr PatternIndex<QuadrantAndFunct3, kEntries> kIndex{kPatterns};

constexpr Row kNothing = row("illegal", "................", reserved);

constexpr const Row& find(std::uint16_t half) {
  const std::size_t found = kIndex.find(kPatterns, half);
  return found < kRows.size() ? kRows[found] : kNothing;
}

}  // namespace

std::uint32_t expand(std::uint16_t half) { return find(half).expand(half); }
std::string_view compressed_name(std::uint16_t half) { return find(half).name; }

}  // namespace hvsim::cpu
