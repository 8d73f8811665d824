// Loads and stores (unprivileged manual, chapters "RV32I", "RV64I", "F" and "D").
#pragma once

#include <cstdint>

#include "models/cpu/execute_operands.h"

namespace hvsim::cpu::execute {

namespace detail {

// Reads a Value at rs1 + imm and writes it, extended as its type says, to rd.
template <class Value, class C>
bool load_register(C& core, const Op& op) {
  std::make_unsigned_t<Value> value{};
  if (!core.template load<std::make_unsigned_t<Value>>(rs1(core, op) + imm(op), value)) return false;
  write(core, op, static_cast<std::uint64_t>(static_cast<Value>(value)));
  return true;
}

template <class Value, class C>
bool store_register(C& core, const Op& op, std::uint64_t value) {
  return core.template store<Value>(rs1(core, op) + imm(op), static_cast<Value>(value));
}

}  // namespace detail

template <class C>
bool lb(C& core, const Op& op) {
  return detail::load_register<std::int8_t>(core, op);
}
template <class C>
bool lh(C& core, const Op& op) {
  return detail::load_register<std::int16_t>(core, op);
}
template <class C>
bool lw(C& core, const Op& op) {
  return detail::load_register<std::int32_t>(core, op);
}
template <class C>
bool ld(C& core, const Op& op) {
  return detail::load_register<std::uint64_t>(core, op);
}
template <class C>
bool lbu(C& core, const Op& op) {
  return detail::load_register<std::uint8_t>(core, op);
}
template <class C>
bool lhu(C& core, const Op& op) {
  return detail::load_register<std::uint16_t>(core, op);
}
template <class C>
bool lwu(C& core, const Op& op) {
  return detail::load_register<std::uint32_t>(core, op);
}

template <class C>
bool sb(C& core, const Op& op) {
  return detail::store_register<std::uint8_t>(core, op, rs2(core, op));
}
template <class C>
bool sh(C& core, const Op& op) {
  return detail::store_register<std::uint16_t>(core, op, rs2(core, op));
}
template <class C>
bool sw(C& core, const Op& op) {
  return detail::store_register<std::uint32_t>(core, op, rs2(core, op));
}
template <class C>
bool sd(C& core, const Op& op) {
  return detail::store_register<std::uint64_t>(core, op, rs2(core, op));
}

// Values move unchanged whatever they mean; a single is boxed when it enters a register.

template <class C>
bool flw(C& core, const Op& op) {
  std::uint32_t value = 0;
  if (!core.template load<std::uint32_t>(rs1(core, op) + imm(op), value)) return false;
  write_float(core, op, box(value));
  return true;
}
template <class C>
bool fld(C& core, const Op& op) {
  std::uint64_t value = 0;
  if (!core.template load<std::uint64_t>(rs1(core, op) + imm(op), value)) return false;
  write_float(core, op, value);
  return true;
}
template <class C>
bool fsw(C& core, const Op& op) {
  return detail::store_register<std::uint32_t>(core, op, core.state.f[op.rs2]);
}
template <class C>
bool fsd(C& core, const Op& op) {
  return detail::store_register<std::uint64_t>(core, op, core.state.f[op.rs2]);
}

}  // namespace hvsim::cpu::execute
