// Zba, Zbb, Zbc and Zbs: bit manipulation (unprivileged manual, chapter "B").
#pragma once

#include <bit>
#include <cstdint>

#include "models/cpu/execute_operands.h"

namespace hvsim::cpu::execute {

// Zba

template <class C>
void add_uw(C& core, const Op& op) {
  write(core, op, word(rs1(core, op)) + rs2(core, op));
}
template <class C>
void slli_uw(C& core, const Op& op) {
  write(core, op, std::uint64_t{word(rs1(core, op))} << op.imm);
}
template <class C>
void sh1add(C& core, const Op& op) {
  write(core, op, (rs1(core, op) << 1) + rs2(core, op));
}
template <class C>
void sh1add_uw(C& core, const Op& op) {
  write(core, op, (std::uint64_t{word(rs1(core, op))} << 1) + rs2(core, op));
}
template <class C>
void sh2add(C& core, const Op& op) {
  write(core, op, (rs1(core, op) << 2) + rs2(core, op));
}
template <class C>
void sh2add_uw(C& core, const Op& op) {
  write(core, op, (std::uint64_t{word(rs1(core, op))} << 2) + rs2(core, op));
}
template <class C>
void sh3add(C& core, const Op& op) {
  write(core, op, (rs1(core, op) << 3) + rs2(core, op));
}
template <class C>
void sh3add_uw(C& core, const Op& op) {
  write(core, op, (std::uint64_t{word(rs1(core, op))} << 3) + rs2(core, op));
}

// Zbb

template <class C>
void andn(C& core, const Op& op) {
  write(core, op, rs1(core, op) & ~rs2(core, op));
}
template <class C>
void orn(C& core, const Op& op) {
  write(core, op, rs1(core, op) | ~rs2(core, op));
}
template <class C>
void xnor(C& core, const Op& op) {
  write(core, op, ~(rs1(core, op) ^ rs2(core, op)));
}
template <class C>
void max(C& core, const Op& op) {
  write(core, op, as_signed(rs1(core, op)) > as_signed(rs2(core, op)) ? rs1(core, op) : rs2(core, op));
}
template <class C>
void maxu(C& core, const Op& op) {
  write(core, op, rs1(core, op) > rs2(core, op) ? rs1(core, op) : rs2(core, op));
}
template <class C>
void min(C& core, const Op& op) {
  write(core, op, as_signed(rs1(core, op)) < as_signed(rs2(core, op)) ? rs1(core, op) : rs2(core, op));
}
template <class C>
void minu(C& core, const Op& op) {
  write(core, op, rs1(core, op) < rs2(core, op) ? rs1(core, op) : rs2(core, op));
}

namespace detail {
constexpr int amount(std::uint64_t v) { return static_cast<int>(v & 63); }
constexpr int word_amount(std::uint64_t v) { return static_cast<int>(v & 31); }
constexpr std::uint64_t count(int v) { return static_cast<std::uint64_t>(v); }
// 0xFF for each byte that is not 0.
constexpr std::uint64_t or_combine(std::uint64_t v) {
  constexpr std::uint64_t low7 = 0x7F7F7F7F7F7F7F7F;
  const std::uint64_t tops = (((v & low7) + low7) | v) & ~low7;  // bit 7 of each such byte
  return (tops << 1) - (tops >> 7);
}
}  // namespace detail

template <class C>
void rol(C& core, const Op& op) {
  write(core, op, std::rotl(rs1(core, op), detail::amount(rs2(core, op))));
}
template <class C>
void ror(C& core, const Op& op) {
  write(core, op, std::rotr(rs1(core, op), detail::amount(rs2(core, op))));
}
template <class C>
void rolw(C& core, const Op& op) {
  write(core, op, extend_word(std::rotl(word(rs1(core, op)), detail::word_amount(rs2(core, op)))));
}
template <class C>
void rorw(C& core, const Op& op) {
  write(core, op, extend_word(std::rotr(word(rs1(core, op)), detail::word_amount(rs2(core, op)))));
}
template <class C>
void rori(C& core, const Op& op) {
  write(core, op, std::rotr(rs1(core, op), op.imm));
}
template <class C>
void roriw(C& core, const Op& op) {
  write(core, op, extend_word(std::rotr(word(rs1(core, op)), op.imm)));
}
template <class C>
void clz(C& core, const Op& op) {
  write(core, op, detail::count(std::countl_zero(rs1(core, op))));
}
template <class C>
void clzw(C& core, const Op& op) {
  write(core, op, detail::count(std::countl_zero(word(rs1(core, op)))));
}
template <class C>
void ctz(C& core, const Op& op) {
  write(core, op, detail::count(std::countr_zero(rs1(core, op))));
}
template <class C>
void ctzw(C& core, const Op& op) {
  write(core, op, detail::count(std::countr_zero(word(rs1(core, op)))));
}
template <class C>
void cpop(C& core, const Op& op) {
  write(core, op, detail::count(std::popcount(rs1(core, op))));
}
template <class C>
void cpopw(C& core, const Op& op) {
  write(core, op, detail::count(std::popcount(word(rs1(core, op)))));
}
template <class C>
void sext_b(C& core, const Op& op) {
  write(core, op, extend(static_cast<std::int8_t>(rs1(core, op))));
}
template <class C>
void sext_h(C& core, const Op& op) {
  write(core, op, extend(static_cast<std::int16_t>(rs1(core, op))));
}
template <class C>
void zext_h(C& core, const Op& op) {
  write(core, op, rs1(core, op) & 0xFFFF);
}
template <class C>
void orc_b(C& core, const Op& op) {
  write(core, op, detail::or_combine(rs1(core, op)));
}
template <class C>
void rev8(C& core, const Op& op) {
  write(core, op, __builtin_bswap64(rs1(core, op)));
}

// Zbc

namespace detail {
// All 128 bits of the carry-less product.
struct CarrylessProduct {
  std::uint64_t high = 0, low = 0;
};
constexpr CarrylessProduct carryless_product(std::uint64_t a, std::uint64_t b) {
  CarrylessProduct product;
  for (; b != 0; b &= b - 1) {
    const int shift = std::countr_zero(b);
    product.low ^= a << shift;
    product.high ^= a >> 1 >> (63 - shift);
  }
  return product;
}
}  // namespace detail

template <class C>
void clmul(C& core, const Op& op) {
  write(core, op, detail::carryless_product(rs1(core, op), rs2(core, op)).low);
}
template <class C>
void clmulh(C& core, const Op& op) {
  write(core, op, detail::carryless_product(rs1(core, op), rs2(core, op)).high);
}
template <class C>
void clmulr(C& core, const Op& op) {
  const auto product = detail::carryless_product(rs1(core, op), rs2(core, op));
  write(core, op, product.high << 1 | product.low >> 63);
}

// Zbs

namespace detail {
constexpr std::uint64_t one(std::uint64_t index) { return std::uint64_t{1} << (index & 63); }
}  // namespace detail

template <class C>
void bclr(C& core, const Op& op) {
  write(core, op, rs1(core, op) & ~detail::one(rs2(core, op)));
}
template <class C>
void bset(C& core, const Op& op) {
  write(core, op, rs1(core, op) | detail::one(rs2(core, op)));
}
template <class C>
void binv(C& core, const Op& op) {
  write(core, op, rs1(core, op) ^ detail::one(rs2(core, op)));
}
template <class C>
void bext(C& core, const Op& op) {
  write(core, op, rs1(core, op) >> (rs2(core, op) & 63) & 1);
}
template <class C>
void bclri(C& core, const Op& op) {
  write(core, op, rs1(core, op) & ~detail::one(imm(op)));
}
template <class C>
void bseti(C& core, const Op& op) {
  write(core, op, rs1(core, op) | detail::one(imm(op)));
}
template <class C>
void binvi(C& core, const Op& op) {
  write(core, op, rs1(core, op) ^ detail::one(imm(op)));
}
template <class C>
void bexti(C& core, const Op& op) {
  write(core, op, rs1(core, op) >> (imm(op) & 63) & 1);
}

}  // namespace hvsim::cpu::execute
