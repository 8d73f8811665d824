// The list of known differences, as narrow as the manual allows. Sections are those of the privileged manual
// unless said otherwise.
#include "tests/isa/known_differences.h"

#include <optional>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "tests/isa/compare.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;

// The instruction that a trap was taken from, if it is one of the program.
std::optional<std::uint32_t> instruction_at(const Program& program, std::uint64_t pc) {
  for (const Placed& placed : program.placed)
    if (program.code_address + placed.offset == pc) return placed.raw;
  return std::nullopt;
}

std::uint32_t expanded(std::uint32_t raw) {
  return cpu::is_compressed(raw) ? cpu::expand(static_cast<std::uint16_t>(raw)) : raw;
}

Class class_of(std::uint32_t raw) { return cpu::instruction(cpu::find_instruction(expanded(raw))).klass; }

// The pc of the trap whose cause or instruction `csr` holds.
std::uint64_t pc_of(const TrapField& field) {
  const auto at = [&field](TrapCsr csr) { return trap_csr(field.program, field.model, field.trap, csr); };
  switch (field.csr) {
    case TrapCsr::scause:
    case TrapCsr::htinst:
      return at(TrapCsr::sepc);
    case TrapCsr::vscause:
      return at(TrapCsr::vsepc);
    default:
      return at(TrapCsr::mepc);
  }
}

// "Transformed Instruction or Pseudoinstruction for mtinst or htinst", all but the Addr. Offset field.
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

bool is_instruction_csr(TrapCsr csr) { return csr == TrapCsr::mtinst || csr == TrapCsr::htinst; }
bool is_cause(TrapCsr csr) {
  return csr == TrapCsr::mcause || csr == TrapCsr::scause || csr == TrapCsr::vscause;
}

const char* explain(const TrapField& field) {
  const auto raw = instruction_at(field.program, pc_of(field));
  if (!raw) return nullptr;
  if (is_instruction_csr(field.csr) && field.qemu_value == 0 &&
      (field.model_value & ~(31u << 15)) == transformed(*raw))
    return "mtinst and htinst may be zero (\"Trap Instruction Registers\"): QEMU leaves them zero where "
           "hvsim "
           "has the transformed instruction";
  if (is_cause(field.csr) && field.qemu_value == 4 && field.model_value == 6 && class_of(*raw) == Class::amo)
    return "QEMU calls a misaligned AMO a load (unprivileged manual, \"Atomic Memory Operations\": "
           "a store/AMO exception)";
  return nullptr;
}

}  // namespace

const char* explanation(const TrapField& field) { return explain(field); }

const char* explanation(const FinalField& field) {
  // What the last trap left.
  const unsigned last = trap_count(field.program, field.model) - 1;
  const auto like = [&](TrapCsr csr) {
    return explain({field.program, field.qemu, field.model, last, csr, field.qemu_value, field.model_value});
  };
  switch (field.csr) {
    case FinalCsr::scause:
      return like(TrapCsr::scause);
    case FinalCsr::vscause:
      return like(TrapCsr::vscause);
    case FinalCsr::htinst:
      return like(TrapCsr::htinst);
    default:
      return nullptr;
  }
}

}  // namespace hvsim::oracle
