// RV64I and M computation and branches (unprivileged manual, chapters "RV32I", "RV64I" and "M").
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "models/cpu/execute_operands.h"

namespace hvsim::cpu::execute {

// Immediates

template <class C>
void lui(C& core, const Op& op) {
  write(core, op, imm(op));
}
template <class C>
void auipc(C& core, const Op& op) {
  write(core, op, core.pc(op) + imm(op));
}
template <class C>
void addi(C& core, const Op& op) {
  write(core, op, rs1(core, op) + imm(op));
}
template <class C>
void slti(C& core, const Op& op) {
  write(core, op, as_signed(rs1(core, op)) < op.imm ? 1 : 0);
}
template <class C>
void sltiu(C& core, const Op& op) {
  write(core, op, rs1(core, op) < imm(op) ? 1 : 0);
}
template <class C>
void xori(C& core, const Op& op) {
  write(core, op, rs1(core, op) ^ imm(op));
}
template <class C>
void ori(C& core, const Op& op) {
  write(core, op, rs1(core, op) | imm(op));
}
template <class C>
void andi(C& core, const Op& op) {
  write(core, op, rs1(core, op) & imm(op));
}
template <class C>
void slli(C& core, const Op& op) {
  write(core, op, rs1(core, op) << op.imm);
}
template <class C>
void srli(C& core, const Op& op) {
  write(core, op, rs1(core, op) >> op.imm);
}
template <class C>
void srai(C& core, const Op& op) {
  write(core, op, as_unsigned(as_signed(rs1(core, op)) >> op.imm));
}
template <class C>
void addiw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) + imm(op)));
}
template <class C>
void slliw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) << op.imm));
}
template <class C>
void srliw(C& core, const Op& op) {
  write(core, op, extend_word(word(rs1(core, op)) >> op.imm));
}
template <class C>
void sraiw(C& core, const Op& op) {
  write(core, op, extend(as_signed_word(rs1(core, op)) >> op.imm));
}

// Registers. Shift amounts are the low 6 bits of rs2, 5 for words.

template <class C>
void add(C& core, const Op& op) {
  write(core, op, rs1(core, op) + rs2(core, op));
}
template <class C>
void sub(C& core, const Op& op) {
  write(core, op, rs1(core, op) - rs2(core, op));
}
template <class C>
void xor_(C& core, const Op& op) {
  write(core, op, rs1(core, op) ^ rs2(core, op));
}
template <class C>
void or_(C& core, const Op& op) {
  write(core, op, rs1(core, op) | rs2(core, op));
}
template <class C>
void and_(C& core, const Op& op) {
  write(core, op, rs1(core, op) & rs2(core, op));
}
template <class C>
void slt(C& core, const Op& op) {
  write(core, op, as_signed(rs1(core, op)) < as_signed(rs2(core, op)) ? 1 : 0);
}
template <class C>
void sltu(C& core, const Op& op) {
  write(core, op, rs1(core, op) < rs2(core, op) ? 1 : 0);
}
template <class C>
void sll(C& core, const Op& op) {
  write(core, op, rs1(core, op) << (rs2(core, op) & 63));
}
template <class C>
void srl(C& core, const Op& op) {
  write(core, op, rs1(core, op) >> (rs2(core, op) & 63));
}
template <class C>
void sra(C& core, const Op& op) {
  write(core, op, as_unsigned(as_signed(rs1(core, op)) >> (rs2(core, op) & 63)));
}
template <class C>
void addw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) + rs2(core, op)));
}
template <class C>
void subw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) - rs2(core, op)));
}
template <class C>
void sllw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) << (rs2(core, op) & 31)));
}
template <class C>
void srlw(C& core, const Op& op) {
  write(core, op, extend_word(word(rs1(core, op)) >> (rs2(core, op) & 31)));
}
template <class C>
void sraw(C& core, const Op& op) {
  write(core, op, extend(as_signed_word(rs1(core, op)) >> (rs2(core, op) & 31)));
}

// Branches: true = taken.

template <class C>
bool beq(C& core, const Op& op) {
  return rs1(core, op) == rs2(core, op);
}
template <class C>
bool bne(C& core, const Op& op) {
  return rs1(core, op) != rs2(core, op);
}
template <class C>
bool blt(C& core, const Op& op) {
  return as_signed(rs1(core, op)) < as_signed(rs2(core, op));
}
template <class C>
bool bge(C& core, const Op& op) {
  return as_signed(rs1(core, op)) >= as_signed(rs2(core, op));
}
template <class C>
bool bltu(C& core, const Op& op) {
  return rs1(core, op) < rs2(core, op);
}
template <class C>
bool bgeu(C& core, const Op& op) {
  return rs1(core, op) >= rs2(core, op);
}

// Multiplication

namespace detail {
__extension__ typedef __int128 SignedWide;
__extension__ typedef unsigned __int128 UnsignedWide;
constexpr std::uint64_t high(UnsignedWide product) { return static_cast<std::uint64_t>(product >> 64); }
constexpr UnsignedWide widen_signed(std::uint64_t v) {
  return static_cast<UnsignedWide>(SignedWide{as_signed(v)});
}
}  // namespace detail

template <class C>
void mul(C& core, const Op& op) {
  write(core, op, rs1(core, op) * rs2(core, op));
}
template <class C>
void mulh(C& core, const Op& op) {
  write(core, op, detail::high(detail::widen_signed(rs1(core, op)) * detail::widen_signed(rs2(core, op))));
}
template <class C>
void mulhsu(C& core, const Op& op) {
  write(core, op, detail::high(detail::widen_signed(rs1(core, op)) * rs2(core, op)));
}
template <class C>
void mulhu(C& core, const Op& op) {
  write(core, op, detail::high(detail::UnsignedWide{rs1(core, op)} * rs2(core, op)));
}
template <class C>
void mulw(C& core, const Op& op) {
  write(core, op, extend_word(rs1(core, op) * rs2(core, op)));
}

// Division never traps: by zero it gives all ones and the dividend, on overflow the dividend and 0.

namespace detail {
template <class Integer>
constexpr Integer quotient(Integer a, Integer b) {
  if (b == 0) return static_cast<Integer>(-1);
  if constexpr (std::is_signed_v<Integer>)
    if (a == std::numeric_limits<Integer>::min() && b == -1) return a;
  return a / b;
}
template <class Integer>
constexpr Integer remainder(Integer a, Integer b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<Integer>)
    if (b == -1) return 0;
  return a % b;
}
}  // namespace detail

template <class C>
void div(C& core, const Op& op) {
  write(core, op, as_unsigned(detail::quotient(as_signed(rs1(core, op)), as_signed(rs2(core, op)))));
}
template <class C>
void divu(C& core, const Op& op) {
  write(core, op, detail::quotient(rs1(core, op), rs2(core, op)));
}
template <class C>
void divw(C& core, const Op& op) {
  write(core, op, extend(detail::quotient(as_signed_word(rs1(core, op)), as_signed_word(rs2(core, op)))));
}
template <class C>
void divuw(C& core, const Op& op) {
  write(core, op, extend_word(detail::quotient(word(rs1(core, op)), word(rs2(core, op)))));
}
template <class C>
void rem(C& core, const Op& op) {
  write(core, op, as_unsigned(detail::remainder(as_signed(rs1(core, op)), as_signed(rs2(core, op)))));
}
template <class C>
void remu(C& core, const Op& op) {
  write(core, op, detail::remainder(rs1(core, op), rs2(core, op)));
}
template <class C>
void remw(C& core, const Op& op) {
  write(core, op, extend(detail::remainder(as_signed_word(rs1(core, op)), as_signed_word(rs2(core, op)))));
}
template <class C>
void remuw(C& core, const Op& op) {
  write(core, op, extend_word(detail::remainder(word(rs1(core, op)), word(rs2(core, op)))));
}

// Zicond

template <class C>
void czero_eqz(C& core, const Op& op) {
  write(core, op, rs2(core, op) == 0 ? 0 : rs1(core, op));
}
template <class C>
void czero_nez(C& core, const Op& op) {
  write(core, op, rs2(core, op) != 0 ? 0 : rs1(core, op));
}

}  // namespace hvsim::cpu::execute
