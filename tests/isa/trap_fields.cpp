// Reads traps of the log: their instructions, causes and levels.
#include "tests/isa/trap_fields.h"

#include <cstring>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "tests/isa/compare.h"

namespace hvsim::oracle {

using cpu::Class;

namespace {

std::uint32_t expanded(std::uint32_t raw) {
  return cpu::is_compressed(raw) ? cpu::expand(static_cast<std::uint16_t>(raw)) : raw;
}

}  // namespace

std::optional<std::uint32_t> instruction_at(const Program& program, std::uint64_t pc) {
  for (const Placed& placed : program.placed)
    if (program.code_address + placed.offset == pc) return placed.raw;
  // In the middle of one: a jump of its own made it an instruction.
  const std::uint64_t offset = pc - program.code_address;
  if (offset + 4 > program.code.size()) return std::nullopt;
  std::uint32_t raw = 0;
  std::memcpy(&raw, &program.code[offset], sizeof raw);
  return cpu::is_compressed(raw) ? raw & 0xFFFF : raw;
}

Class class_of(std::uint32_t raw) { return cpu::instruction(cpu::find_instruction(expanded(raw))).klass; }

std::uint64_t pc_of(const TrapField& field) {
  const auto at = [&field](TrapCsr csr) { return trap_csr(field.program, field.model, field.trap, csr); };
  switch (field.csr) {
    case TrapCsr::scause:
    case TrapCsr::stval:
    case TrapCsr::htval:
    case TrapCsr::htinst:
      return at(TrapCsr::sepc);
    case TrapCsr::vscause:
    case TrapCsr::vstval:
      return at(TrapCsr::vsepc);
    default:
      return at(TrapCsr::mepc);
  }
}

std::uint32_t transformed(std::uint32_t raw) {
  constexpr std::uint32_t offset = 31u << 15, rd = 31u << 7, rs2_and_funct7 = 0xFFFu << 20;
  const std::uint32_t length = cpu::is_compressed(raw) ? 2 : 0, wide = expanded(raw) & ~length;
  switch (class_of(raw)) {
    case Class::load:
      return wide & ~rs2_and_funct7 & ~offset;
    case Class::store:
      return wide & ~offset & ~rd & ~(0x7Fu << 25);
    default:
      return wide & ~offset;
  }
}

bool is_cause(TrapCsr csr) {
  return csr == TrapCsr::mcause || csr == TrapCsr::scause || csr == TrapCsr::vscause;
}

bool is_value(TrapCsr csr) {
  return csr == TrapCsr::mtval || csr == TrapCsr::stval || csr == TrapCsr::vstval;
}

bool is_system(std::uint32_t raw) {
  return class_of(raw) == Class::csr || class_of(raw) == Class::system ||
         class_of(raw) == Class::guest_load || class_of(raw) == Class::guest_store ||
         class_of(raw) == Class::cache_block;
}

std::uint64_t model_at(const TrapField& field, TrapCsr machine, TrapCsr supervisor) {
  const bool of_machine = field.csr == TrapCsr::mcause || field.csr == TrapCsr::mtval2 ||
                          field.csr == TrapCsr::mtinst || field.csr == TrapCsr::mtval ||
                          field.csr == TrapCsr::mstatus;
  return trap_csr(field.program, field.model, field.trap, of_machine ? machine : supervisor);
}

std::uint64_t model_cause(const TrapField& field) {
  switch (field.csr) {
    case TrapCsr::vscause:
    case TrapCsr::vstval:
      return trap_csr(field.program, field.model, field.trap, TrapCsr::vscause);
    default:
      return model_at(field, TrapCsr::mcause, TrapCsr::scause);
  }
}

bool is_hlvx(std::uint32_t raw) {
  const cpu::Id id = cpu::find_instruction(raw);
  return id == cpu::Id::hlvx_hu || id == cpu::Id::hlvx_wu;
}

}  // namespace hvsim::oracle
