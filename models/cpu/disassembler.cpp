// Operands by format; compressed encodings by their names. Aliases have a file of their own.
#include "models/cpu/disassembler.h"

#include <array>
#include <cstdio>

#include "models/cpu/compressed.h"
#include "models/cpu/csr_names.h"
#include "models/cpu/decoder.h"
#include "models/cpu/disassembler_aliases.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/register_names.h"

namespace hvsim::cpu {
namespace {

std::string hex(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

// Conversions that never round: assemblers write no mode for them and encode 0.
constexpr bool exact(Id id) { return id == Id::fcvt_d_w || id == Id::fcvt_d_wu || id == Id::fcvt_d_s; }

// The last operand; the usual mode goes without saying.
std::string rounding(const Op& op) {
  constexpr std::array<const char*, 8> names{",rne", ",rtz", ",rdn", ",rup", ",rmm", "", "", ""};
  return exact(op.id) && op.rm == 0 ? "" : names[op.rm & 7];
}

std::string ordering(unsigned aq_rl) {
  constexpr std::array<const char*, 4> suffixes{"", ".rl", ".aq", ".aqrl"};
  return suffixes[aq_rl & 3];
}

// Predecessor and successor sets of FENCE.
std::string fence_set(unsigned bits) {
  std::string text;
  for (unsigned i = 0; i < 4; ++i)
    if ((bits >> (3 - i) & 1) != 0) text += "iorw"[i];
  return text.empty() ? "unknown" : text;  // objdump's word
}

std::string csr_operand(const Op& op) {
  const auto number = static_cast<unsigned>(op.imm);
  const std::string name = csr_name(number);
  return name.empty() ? hex(number) : name;
}

struct Writer {
  DisassemblyStyle style;
  std::uint64_t pc;

  std::string x(unsigned number) const { return register_name(number, style); }
  std::string f(unsigned number) const { return float_register_name(number, style); }
  std::string at(unsigned base) const { return "(" + x(base) + ")"; }
  std::string target(const Op& op) const {
    return hex(pc + static_cast<std::uint64_t>(std::int64_t{op.imm}));
  }
  std::string memory(const Op& op) const { return std::to_string(op.imm) + at(op.rs1); }

  std::string operands(const Op& op, const Instruction& row) const;
  std::string compressed(const Op& op, std::string_view name) const;
};

std::string Writer::operands(const Op& op, const Instruction& row) const {
  const unsigned rd = op.rd, rs1 = op.rs1, rs2 = op.rs2;
  switch (row.format) {
    case Format::r:
      return x(rd) + "," + x(rs1) + "," + x(rs2);
    case Format::r1:
      return x(rd) + "," + (row.klass == Class::guest_load ? at(rs1) : x(rs1));
    case Format::i:
      if (row.klass == Class::load || row.klass == Class::jump_register) return x(rd) + "," + memory(op);
      return x(rd) + "," + x(rs1) + "," + std::to_string(op.imm);
    case Format::shift:
      return x(rd) + "," + x(rs1) + "," + hex(static_cast<std::uint32_t>(op.imm));
    case Format::s:
      return x(rs2) + "," + memory(op);
    case Format::b:
      return x(rs1) + "," + x(rs2) + "," + target(op);
    case Format::u:
      return x(rd) + "," + hex(static_cast<std::uint32_t>(op.imm) >> 12);
    case Format::j:
      return x(rd) + "," + target(op);
    case Format::csr:
      return x(rd) + "," + csr_operand(op) + "," + x(rs1);
    case Format::csr_imm:
      return x(rd) + "," + csr_operand(op) + "," + std::to_string(rs1);
    case Format::amo:
      return x(rd) + "," + (row.klass == Class::lr ? "" : x(rs2) + ",") + at(rs1);
    case Format::sources:
      return row.klass == Class::guest_store ? x(rs2) + "," + at(rs1) : x(rs1) + "," + x(rs2);
    case Format::base:
      return at(rs1);
    case Format::f_load:
      return f(rd) + "," + memory(op);
    case Format::f_store:
      return f(rs2) + "," + memory(op);
    case Format::f_r:
      return f(rd) + "," + f(rs1) + "," + f(rs2);
    case Format::f_rm:
      return f(rd) + "," + f(rs1) + "," + f(rs2) + rounding(op);
    case Format::f_rm1:
      return f(rd) + "," + f(rs1) + rounding(op);
    case Format::f_r4:
      return f(rd) + "," + f(rs1) + "," + f(rs2) + "," + f(op.rs3) + rounding(op);
    case Format::f_compare:
      return x(rd) + "," + f(rs1) + "," + f(rs2);
    case Format::f_to_x:
      return x(rd) + "," + f(rs1);
    case Format::f_to_x_rm:
      return x(rd) + "," + f(rs1) + rounding(op);
    case Format::x_to_f:
      return f(rd) + "," + x(rs1);
    case Format::x_to_f_rm:
      return f(rd) + "," + x(rs1) + rounding(op);
    case Format::none:
    case Format::count:
      break;
  }
  if (op.id == Id::fence) return fence_set(op.raw >> 24 & 15) + "," + fence_set(op.raw >> 20 & 15);
  return "";
}

// The expansion's operands without those that the short form leaves unsaid.
std::string Writer::compressed(const Op& op, std::string_view name) const {
  const Instruction& row = instruction(op.id);
  if (name == "c.ebreak") return "";
  if (name == "c.j") return target(op);
  if (name == "c.jr" || name == "c.jalr") return x(op.rs1);
  if (name == "c.beqz" || name == "c.bnez") return x(op.rs1) + "," + target(op);
  if (name == "c.mv" || (row.format == Format::r && op.rd == op.rs1) || name == "c.add")
    return x(op.rd) + "," + x(op.rs2);
  if (row.format == Format::shift)
    return x(op.rd) + (op.imm == 0 ? "" : "," + hex(static_cast<std::uint32_t>(op.imm)));
  if (name == "c.lui") return x(op.rd) + "," + hex(static_cast<std::uint32_t>(op.imm) >> 12);
  if (name == "c.addi4spn" || row.klass == Class::load || row.klass == Class::store) return operands(op, row);
  return x(op.rd) + "," + std::to_string(op.imm);  // c.addi, c.addiw, c.li, c.andi, c.addi16sp
}

// HINTs that binutils names otherwise: C.NOP is C.ADDI to x0, and shifts by 0 are RV128's by 64.
std::string listed_name(std::string_view name, const Op& op) {
  if (name == "c.nop") return "c.addi";
  std::string text(name);
  if (instruction(op.id).format == Format::shift && op.imm == 0) text += "64";
  return text;
}

std::string joined(const std::string& name, const std::string& operands) {
  return operands.empty() ? name : name + " " + operands;
}

// `.4byte 0x...`, and byte by byte when the length is no power of two.
std::string as_data(std::uint64_t raw, unsigned bytes) {
  if (bytes != 6) return "." + std::to_string(bytes) + "byte " + hex(raw);
  std::string text = ".byte";
  for (unsigned i = 0; i < bytes; ++i) {
    std::array<char, 8> one{};
    std::snprintf(one.data(), one.size(), " 0x%02x", static_cast<unsigned>(raw >> (8 * i) & 0xFF));
    text += (i == 0 ? "" : ",") + std::string(one.data());
  }
  return text;
}

}  // namespace

std::string register_name(unsigned number, DisassemblyStyle style) {
  if (number == HartState::kSink) number = 0;
  return style.numeric ? "x" + std::to_string(number) : kGeneralNames[number & 31];
}

std::string float_register_name(unsigned number, DisassemblyStyle style) {
  return style.numeric ? "f" + std::to_string(number) : kFloatNames[number & 31];
}

std::string disassemble(const Op& op, std::uint64_t pc, DisassemblyStyle style) {
  const Writer writer{style, pc};
  if (style.aliases)
    if (const auto alias = find_alias(op)) return joined(alias->name, alias_operands(*alias, op, pc, style));
  const Instruction& row = instruction(op.id);
  if (op.id == Id::mark) return "sltiu " + writer.operands(op, row);  // one of its HINTs
  if (op.raw == 0xC000'1073) return "unimp";
  if (op.raw == 0x0100'000F) return "pause";
  std::string name(row.name());
  if (row.format == Format::amo) name += ordering(op.rm);
  return joined(name, writer.operands(op, row));
}

unsigned encoding_length(std::uint16_t first) {
  if ((first & 0x03) != 0x03) return 2;
  if ((first & 0x1F) != 0x1F) return 4;
  if ((first & 0x3F) == 0x1F) return 6;
  if ((first & 0x7F) == 0x3F) return 8;
  return 2;
}

std::string list_encoding(std::uint64_t raw, std::uint64_t pc, DisassemblyStyle style) {
  const unsigned bytes = encoding_length(static_cast<std::uint16_t>(raw));
  if (bytes < 8) raw &= (std::uint64_t{1} << (8 * bytes)) - 1;
  if (bytes > 4 || (bytes == 2 && !is_compressed(static_cast<std::uint32_t>(raw))))
    return as_data(raw, bytes);
  if (raw == 0) return style.aliases ? "unimp" : "c.unimp";
  const Op op = decode(static_cast<std::uint32_t>(raw), {});
  if (op.id == Id::illegal) return as_data(raw, bytes);
  if (bytes == 4 || style.aliases) return disassemble(op, pc, style);
  const std::string_view name = compressed_name(static_cast<std::uint16_t>(raw));
  return joined(listed_name(name, op), Writer{style, pc}.compressed(op, name));
}

}  // namespace hvsim::cpu
