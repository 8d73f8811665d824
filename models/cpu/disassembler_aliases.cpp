// Aliases, by the instruction that they stand for.
#include "models/cpu/disassembler_aliases.h"

#include <cstdio>

#include "models/cpu/csr_names.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

using Found = std::optional<Alias>;

bool discards(const Op& op) { return op.rd == HartState::kSink || op.rd == 0; }

Found integer_alias(const Op& op) {
  switch (op.id) {
    case Id::addi:
      if (op.raw == 0x13 || op.raw == 0x01) return Alias{"nop", ""};
      if (op.length == 2 && discards(op) && op.rs1 == 0 && (op.raw & 0xE003) == 1) return Alias{"nop", "j"};
      if (op.rs1 == 0) return Alias{"li", "dj"};
      if (op.imm == 0 && op.length == 4) return Alias{"mv", "ds"};
      return {};
    case Id::add:
      return op.length == 2 && op.rs1 == 0 ? Found({"mv", "dt"}) : Found{};
    case Id::addiw:
      return op.imm == 0 ? Found({"sext.w", "ds"}) : Found{};
    case Id::xori:
      return op.imm == -1 ? Found({"not", "ds"}) : Found{};
    case Id::andi:
      return op.imm == 255 ? Found({"zext.b", "ds"}) : Found{};
    case Id::sub:
      return op.rs1 == 0 ? Found({"neg", "dt"}) : Found{};
    case Id::subw:
      return op.rs1 == 0 ? Found({"negw", "dt"}) : Found{};
    case Id::add_uw:
      return op.rs2 == 0 ? Found({"zext.w", "ds"}) : Found{};
    case Id::mark:
    case Id::sltiu:
      return op.imm == 1 ? Found({"seqz", "ds"}) : Found{};
    case Id::sltu:
      return op.rs1 == 0 ? Found({"snez", "dt"}) : Found{};
    case Id::slt:
      if (op.rs2 == 0) return Alias{"sltz", "ds"};
      return op.rs1 == 0 ? Found({"sgtz", "dt"}) : Found{};
    default:
      return {};
  }
}

Found jump_alias(const Op& op) {
  const bool calls = op.rd == 1;
  switch (op.id) {
    case Id::beq:
      return op.rs2 == 0 ? Found({"beqz", "sp"}) : Found{};
    case Id::bne:
      return op.rs2 == 0 ? Found({"bnez", "sp"}) : Found{};
    case Id::bge:
      if (op.rs1 == 0) return Alias{"blez", "tp"};
      return op.rs2 == 0 ? Found({"bgez", "sp"}) : Found{};
    case Id::blt:
      if (op.rs2 == 0) return Alias{"bltz", "sp"};
      return op.rs1 == 0 ? Found({"bgtz", "tp"}) : Found{};
    case Id::jal:
      if (discards(op)) return Alias{"j", "p"};
      return calls ? Found({"jal", "p"}) : Found{};
    case Id::jalr:
      if (discards(op) && op.rs1 == 1 && op.imm == 0) return Alias{"ret", ""};
      if (discards(op)) return Alias{"jr", op.imm == 0 ? "s" : "m"};
      if (calls) return Alias{"jalr", op.imm == 0 ? "s" : "m"};
      return op.imm == 0 ? Found({"jalr", "ds"}) : Found{};
    default:
      return {};
  }
}

Found csr_alias(const Op& op) {
  const auto number = static_cast<unsigned>(op.imm);
  switch (op.id) {
    case Id::csrrs:
      if (op.rs1 != 0) return discards(op) ? Found({"csrs", "cs"}) : Found{};
      if (number == isa::csr::cycle) return Alias{"rdcycle", "d"};
      if (number == isa::csr::time) return Alias{"rdtime", "d"};
      if (number == isa::csr::instret) return Alias{"rdinstret", "d"};
      if (number == isa::csr::fcsr) return Alias{"frcsr", "d"};
      if (number == isa::csr::frm) return Alias{"frrm", "d"};
      if (number == isa::csr::fflags) return Alias{"frflags", "d"};
      return Alias{"csrr", "dc"};
    case Id::csrrw: {
      const bool float_csr = number >= isa::csr::fflags && number <= isa::csr::fcsr;
      if (float_csr) {
        const char* name = number == isa::csr::fcsr ? "fscsr" : number == isa::csr::frm ? "fsrm" : "fsflags";
        return Alias{name, discards(op) ? "s" : "ds"};
      }
      return discards(op) && op.raw != 0xC000'1073 ? Found({"csrw", "cs"}) : Found{};
    }
    case Id::csrrc:
      return discards(op) ? Found({"csrc", "cs"}) : Found{};
    case Id::csrrwi:
      if (number == isa::csr::frm) return Alias{"fsrmi", discards(op) ? "z" : "dz"};
      if (number == isa::csr::fflags) return Alias{"fsflagsi", discards(op) ? "z" : "dz"};
      return discards(op) ? Found({"csrwi", "cz"}) : Found{};
    case Id::csrrsi:
      return discards(op) ? Found({"csrsi", "cz"}) : Found{};
    case Id::csrrci:
      return discards(op) ? Found({"csrci", "cz"}) : Found{};
    default:
      return {};
  }
}

Found fence_alias(const Op& op) {
  if (op.id == Id::fence && op.raw == 0x0FF0'000F) return Alias{"fence", ""};
  if (op.id == Id::fence && op.raw == 0x8330'000F) return Alias{"fence.tso", ""};
  const bool translation = op.id == Id::sfence_vma || op.id == Id::hfence_vvma || op.id == Id::hfence_gvma;
  if (!translation || op.rs2 != 0) return {};
  const char* name = op.id == Id::sfence_vma    ? "sfence.vma"
                     : op.id == Id::hfence_vvma ? "hfence.vvma"
                                                : "hfence.gvma";
  return Alias{name, op.rs1 == 0 ? "" : "s"};
}

Found float_alias(const Op& op) {
  if (op.rs1 != op.rs2) return {};
  switch (op.id) {
    case Id::fsgnj_s:
      return Alias{"fmv.s", "DS"};
    case Id::fsgnjn_s:
      return Alias{"fneg.s", "DS"};
    case Id::fsgnjx_s:
      return Alias{"fabs.s", "DS"};
    case Id::fsgnj_d:
      return Alias{"fmv.d", "DS"};
    case Id::fsgnjn_d:
      return Alias{"fneg.d", "DS"};
    case Id::fsgnjx_d:
      return Alias{"fabs.d", "DS"};
    default:
      return {};
  }
}

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string operand(char kind, const Op& op, std::uint64_t pc, DisassemblyStyle style) {
  switch (kind) {
    case 'd':
      return register_name(op.rd, style);
    case 's':
      return register_name(op.rs1, style);
    case 't':
      return register_name(op.rs2, style);
    case 'D':
      return float_register_name(op.rd, style);
    case 'S':
      return float_register_name(op.rs1, style);
    case 'j':
      return std::to_string(op.imm);
    case 'm':
      return std::to_string(op.imm) + "(" + register_name(op.rs1, style) + ")";
    case 'p':
      return hex(pc + static_cast<std::uint64_t>(std::int64_t{op.imm}));
    case 'z':
      return std::to_string(op.rs1);
    default: {
      const std::string name = csr_name(static_cast<unsigned>(op.imm));
      return name.empty() ? hex(static_cast<unsigned>(op.imm)) : name;
    }
  }
}

}  // namespace

Found find_alias(const Op& op) {
  for (const auto find : {integer_alias, jump_alias, csr_alias, fence_alias, float_alias})
    if (const Found found = find(op)) return found;
  return {};
}

std::string alias_operands(const Alias& alias, const Op& op, std::uint64_t pc, DisassemblyStyle style) {
  std::string text;
  for (const char* kind = alias.operands; *kind != '\0'; ++kind)
    text += (text.empty() ? "" : ",") + operand(*kind, op, pc, style);
  return text;
}

}  // namespace hvsim::cpu
