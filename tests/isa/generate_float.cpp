// Floating point: every F and D instruction with all rounding modes, and the flags between them.
#include <vector>

#include "tests/isa/generate.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;
using cpu::Id;

std::vector<Id> float_ids() {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < cpu::kInstructionCount; ++i) {
    const cpu::Instruction& row = cpu::kInstructions[i];
    if (cpu::is_float(row.extension) && row.klass != Class::load && row.klass != Class::store)
      ids.push_back(static_cast<Id>(i));
  }
  return ids;
}

constexpr unsigned kDynamic = 7;

}  // namespace

void put_float(Builder& b) {
  static const std::vector<Id> ids = float_ids();
  const Id id = b.random.of(ids);
  // Where FS may be clean: QEMU does not see that an instruction without an f destination raises a flag.
  if (!b.program.guests && cpu::operands(cpu::instruction(id).format).rd != cpu::RegisterFile::f) return;
  std::uint32_t raw = b.random_encoding(id);
  if (cpu::operands(cpu::instruction(id).format).rounding_mode) {
    unsigned mode = b.random.one_in(3) ? kDynamic : b.random.below(5);
    if (b.random.one_in(100)) mode = 5 + b.random.below(2);  // reserved
    raw = (raw & ~(7u << 12)) | mode << 12;
  }
  // The product of an operand with itself, and 0 * inf, are likelier so.
  if (b.random.one_in(6)) raw = Builder::with_rs2(raw, raw >> 15 & 31);
  if (cpu::find_instruction(raw) == id) b.emit(raw);
}

void put_float_csr(Builder& b) {
  const unsigned funct3 = b.random.of({1, 2, 3, 5, 6, 7});
  const unsigned number = b.random.of({1, 2, 2, 3});
  const unsigned rd = b.free_register();
  if (number == 2 && b.random.below(8) != 0) return b.csr(5, rd, 2, b.random.below(5));  // a valid frm
  // QEMU sees no write where the register that CSRRS and CSRRC name holds zero; then FS stays clean.
  const bool may_be_zero = funct3 == 2 || funct3 == 3;
  b.csr(may_be_zero && !b.program.guests ? 1 : funct3, rd, number, b.random.below(32));
}

}  // namespace hvsim::oracle
