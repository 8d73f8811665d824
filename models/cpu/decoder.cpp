// From an encoding to an Op: which instruction it is and what its operands are.
#include "models/cpu/decoder.h"

#include "models/cpu/compressed.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"

namespace hvsim::cpu {
namespace {

constexpr std::uint32_t field(std::uint32_t raw, unsigned low, unsigned bits) {
  return raw >> low & ((1u << bits) - 1);
}

// `raw` holds the immediate's sign in bit 31.
constexpr std::int32_t sign_from(std::uint32_t raw, unsigned low) {
  return static_cast<std::int32_t>(raw) >> low;
}

constexpr std::int32_t store_offset(std::uint32_t raw) {
  return (sign_from(raw, 25) << 5) | static_cast<std::int32_t>(field(raw, 7, 5));
}

constexpr std::int32_t branch_offset(std::uint32_t raw) {
  return (sign_from(raw, 31) << 12) |
         static_cast<std::int32_t>(field(raw, 7, 1) << 11 | field(raw, 25, 6) << 5 | field(raw, 8, 4) << 1);
}

constexpr std::int32_t jump_offset(std::uint32_t raw) {
  return (sign_from(raw, 31) << 20) |
         static_cast<std::int32_t>(field(raw, 12, 8) << 12 | field(raw, 20, 1) << 11 |
                                   field(raw, 21, 10) << 1);
}

constexpr std::int32_t immediate(Format format, std::uint32_t raw) {
  switch (format) {
    case Format::i:
    case Format::f_load:
      return sign_from(raw, 20);
    case Format::shift:
      return static_cast<std::int32_t>(field(raw, 20, 6));
    case Format::s:
    case Format::f_store:
      return store_offset(raw);
    case Format::b:
      return branch_offset(raw);
    case Format::u:
      return static_cast<std::int32_t>(raw & 0xFFFFF000);
    case Format::j:
      return jump_offset(raw);
    case Format::csr:
    case Format::csr_imm:
      return static_cast<std::int32_t>(field(raw, 20, 12));
    default:
      return 0;
  }
}

constexpr bool static_mode_reserved(unsigned rm) { return rm == 5 || rm == 6; }

// H and Svinval's H half are told apart when they execute, as is everything that depends on the mode.
bool has(const IsaConfig& isa, Extension extension) {
  switch (extension) {
    case Extension::zbc:
      return isa.zbc;
    case Extension::zicond:
      return isa.zicond;
    case Extension::zicbom:
      return isa.zicbom;
    case Extension::zicboz:
      return isa.zicboz;
    case Extension::svinval:
      return isa.svinval;
    default:
      return true;
  }
}

Id identify(std::uint32_t raw, const DecodeOptions& options) {
  const Id id = find_instruction(raw);
  const Instruction& row = instruction(id);
  if (is_float(row.extension) && !options.float_enabled) return Id::illegal;
  if (!has(options.isa, row.extension)) return Id::illegal;
  if (operands(row.format).rounding_mode && static_mode_reserved(field(raw, 12, 3))) return Id::illegal;
  if (id == Id::mark && field(raw, 20, 12) == 0) return Id::sltiu;
  return id;
}

std::uint8_t source(RegisterFile file, std::uint32_t raw, unsigned low) {
  return file == RegisterFile::none ? std::uint8_t{0} : static_cast<std::uint8_t>(field(raw, low, 5));
}

std::uint8_t destination(RegisterFile file, std::uint32_t raw) {
  const auto rd = static_cast<std::uint8_t>(field(raw, 7, 5));
  const bool discarded = file == RegisterFile::none || (file == RegisterFile::x && rd == 0);
  return discarded ? HartState::kSink : rd;
}

Op decode_word(std::uint32_t raw, const DecodeOptions& options) {
  Op op;
  op.raw = raw;
  op.id = identify(raw, options);
  const Format format = instruction(op.id).format;
  const Operands& has = operands(format);
  op.imm = immediate(format, raw);
  op.rd = destination(has.rd, raw);
  op.rs1 = source(format == Format::csr_imm ? RegisterFile::x : has.rs1, raw, 15);
  op.rs2 = source(has.rs2, raw, 20);
  op.rs3 = source(has.rs3, raw, 27);
  if (has.rounding_mode) op.rm = static_cast<std::uint8_t>(field(raw, 12, 3));
  if (format == Format::amo) op.rm = static_cast<std::uint8_t>(field(raw, 25, 2));
  return op;
}

}  // namespace

Op decode(std::uint32_t raw, const DecodeOptions& options) {
  if (!is_compressed(raw)) return decode_word(raw, options);
  const auto half = static_cast<std::uint16_t>(raw);
  Op op = decode_word(expand(half), options);
  op.raw = half;
  op.length = 2;
  return op;
}

}  // namespace hvsim::cpu
