// The instruction table as data: what decoder, disassembler, timing and documentation read alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/cpu/op.h"
#include "models/cpu/pattern.h"

namespace hvsim::cpu {

// Which operands an encoding holds and where (unprivileged manual, "RV32I Base Instruction Formats").
enum class Format : std::uint8_t {
  none,       // no operands that matter
  r,          // rd, rs1, rs2
  r1,         // rd, rs1
  i,          // rd, rs1, 12-bit immediate
  shift,      // rd, rs1, shift amount
  s,          // rs1, rs2, 12-bit immediate
  b,          // rs1, rs2, branch offset
  u,          // rd, upper immediate
  j,          // rd, jump offset
  csr,        // rd, rs1, CSR number
  csr_imm,    // rd, 5-bit immediate in the place of rs1, CSR number
  amo,        // rd, rs1, rs2, aq and rl
  sources,    // rs1, rs2
  base,       // rs1, an address
  f_load,     // fd, rs1, 12-bit immediate
  f_store,    // rs1, fs2, 12-bit immediate
  f_r,        // fd, fs1, fs2
  f_rm,       // fd, fs1, fs2, rounding mode
  f_rm1,      // fd, fs1, rounding mode
  f_r4,       // fd, fs1, fs2, fs3, rounding mode
  f_compare,  // rd, fs1, fs2
  f_to_x,     // rd, fs1
  f_to_x_rm,  // rd, fs1, rounding mode
  x_to_f,     // fd, rs1
  x_to_f_rm,  // fd, rs1, rounding mode
  count,
};

enum class Extension : std::uint8_t {
  none,
  i,
  m,
  a,
  f,
  d,
  zicsr,
  zifencei,
  zba,
  zbb,
  zbc,
  zbs,
  zicond,
  zicbom,
  zicboz,
  s,
  m_mode,
  h,
  svinval,
};

// In which register file each operand lives; `none` = the format has no such operand.
enum class RegisterFile : std::uint8_t { none, x, f };

struct Operands {
  RegisterFile rd, rs1, rs2, rs3;
  bool immediate;
  bool rounding_mode;
};

inline constexpr auto kOperands = [] {
  constexpr auto n = RegisterFile::none, x = RegisterFile::x, f = RegisterFile::f;
  std::array<Operands, static_cast<std::size_t>(Format::count)> table{};
  auto at = [&table](Format format) -> Operands& { return table[static_cast<std::size_t>(format)]; };
  at(Format::r) = {x, x, x, n, false, false};
  at(Format::r1) = {x, x, n, n, false, false};
  at(Format::i) = {x, x, n, n, true, false};
  at(Format::shift) = {x, x, n, n, true, false};
  at(Format::s) = {n, x, x, n, true, false};
  at(Format::b) = {n, x, x, n, true, false};
  at(Format::u) = {x, n, n, n, true, false};
  at(Format::j) = {x, n, n, n, true, false};
  at(Format::csr) = {x, x, n, n, true, false};
  at(Format::csr_imm) = {x, n, n, n, true, false};
  at(Format::amo) = {x, x, x, n, false, false};
  at(Format::sources) = {n, x, x, n, false, false};
  at(Format::base) = {n, x, n, n, false, false};
  at(Format::f_load) = {f, x, n, n, true, false};
  at(Format::f_store) = {n, x, f, n, true, false};
  at(Format::f_r) = {f, f, f, n, false, false};
  at(Format::f_rm) = {f, f, f, n, false, true};
  at(Format::f_rm1) = {f, f, n, n, false, true};
  at(Format::f_r4) = {f, f, f, f, false, true};
  at(Format::f_compare) = {x, f, f, n, false, false};
  at(Format::f_to_x) = {x, f, n, n, false, false};
  at(Format::f_to_x_rm) = {x, f, n, n, false, true};
  at(Format::x_to_f) = {f, x, n, n, false, false};
  at(Format::x_to_f_rm) = {f, x, n, n, false, true};
  return table;
}();

constexpr const Operands& operands(Format format) { return kOperands[static_cast<std::size_t>(format)]; }

// The id as assemblers write it: '.' for '_', without the '_' that only keeps clear of C++ keywords.
struct Mnemonic {
  std::array<char, 15> text{};
  std::uint8_t length = 0;
  constexpr std::string_view view() const { return {text.data(), length}; }
};

constexpr Mnemonic parse_mnemonic(std::string_view id) {
  if (id.ends_with('_')) id.remove_suffix(1);
  Mnemonic name;
  for (char c : id) name.text.at(name.length++) = c == '_' ? '.' : c;
  return name;
}

struct Instruction {
  Mnemonic mnemonic;
  Pattern pattern;
  Format format{};
  Class klass{};
  Extension extension{};
  constexpr std::string_view name() const { return mnemonic.view(); }
};

inline constexpr std::size_t kInstructionCount = static_cast<std::size_t>(Id::count);

inline constexpr std::array<Instruction, kInstructionCount> kInstructions{{
#define HVSIM_INSTRUCTION(id, pattern, format, klass, extension) \
  {parse_mnemonic(#id), parse_pattern(pattern), Format::format, Class::klass, Extension::extension},
#include "models/cpu/instructions.def"
#undef HVSIM_INSTRUCTION
}};

constexpr const Instruction& instruction(Id id) { return kInstructions[static_cast<std::size_t>(id)]; }

constexpr bool is_float(Extension extension) {
  return extension == Extension::f || extension == Extension::d;
}

// The most specific instruction whose pattern matches; Id::illegal if none does. 32-bit encodings only.
Id find_instruction(std::uint32_t raw);

}  // namespace hvsim::cpu
