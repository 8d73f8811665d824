// An Op as text, in the words of the GNU tools.
#include "models/cpu/disassembler.h"

#include <array>
#include <charconv>

#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"

namespace hvsim::cpu {
namespace {

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string x(unsigned number) { return "x" + std::to_string(number == HartState::kSink ? 0 : number); }
std::string f(unsigned number) { return "f" + std::to_string(number); }
std::string signed_number(std::int32_t value) { return std::to_string(value); }
std::string at(unsigned base) { return "(" + x(base) + ")"; }

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

std::string target(const Op& op, std::uint64_t pc) {
  return hex(pc + static_cast<std::uint64_t>(std::int64_t{op.imm}));
}

std::string fields(const Op& op, const Instruction& row, std::uint64_t pc) {
  const unsigned rd = op.rd, rs1 = op.rs1, rs2 = op.rs2;
  switch (row.format) {
    case Format::none:
    case Format::count:
      return "";
    case Format::r:
      return x(rd) + "," + x(rs1) + "," + x(rs2);
    case Format::r1:
      return x(rd) + "," + (row.klass == Class::guest_load ? at(rs1) : x(rs1));
    case Format::i:
      if (row.klass == Class::load || row.klass == Class::jump_register)
        return x(rd) + "," + signed_number(op.imm) + at(rs1);
      return x(rd) + "," + x(rs1) + "," + signed_number(op.imm);
    case Format::shift:
      return x(rd) + "," + x(rs1) + "," + hex(static_cast<std::uint32_t>(op.imm));
    case Format::s:
      return x(rs2) + "," + signed_number(op.imm) + at(rs1);
    case Format::b:
      return x(rs1) + "," + x(rs2) + "," + target(op, pc);
    case Format::u:
      return x(rd) + "," + hex(static_cast<std::uint32_t>(op.imm) >> 12);
    case Format::j:
      return x(rd) + "," + target(op, pc);
    case Format::csr:
      return x(rd) + "," + hex(static_cast<std::uint32_t>(op.imm)) + "," + x(rs1);
    case Format::csr_imm:
      return x(rd) + "," + hex(static_cast<std::uint32_t>(op.imm)) + "," + std::to_string(rs1);
    case Format::amo:
      return x(rd) + "," + (row.klass == Class::lr ? "" : x(rs2) + ",") + at(rs1);
    case Format::sources:
      return row.klass == Class::guest_store ? x(rs2) + "," + at(rs1) : x(rs1) + "," + x(rs2);
    case Format::base:
      return at(rs1);
    case Format::f_load:
      return f(rd) + "," + signed_number(op.imm) + at(rs1);
    case Format::f_store:
      return f(rs2) + "," + signed_number(op.imm) + at(rs1);
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
  }
  return "";
}

}  // namespace

std::string disassemble(const Op& op, std::uint64_t pc) {
  const Instruction& row = instruction(op.id);
  std::string text(row.name());
  if (row.format == Format::amo) text += ordering(op.rm);
  const std::string rest = fields(op, row, pc);
  return rest.empty() ? text : text + " " + rest;
}

}  // namespace hvsim::cpu
