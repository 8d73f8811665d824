// How execute functions read their operands and write their results.
#pragma once

#include <cstdint>

#include "models/cpu/core.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu::execute {

constexpr std::int64_t as_signed(std::uint64_t v) { return static_cast<std::int64_t>(v); }
constexpr std::uint64_t as_unsigned(std::int64_t v) { return static_cast<std::uint64_t>(v); }
constexpr std::uint32_t word(std::uint64_t v) { return static_cast<std::uint32_t>(v); }
constexpr std::int32_t as_signed_word(std::uint64_t v) { return static_cast<std::int32_t>(v); }
constexpr std::uint64_t extend(std::int32_t v) { return as_unsigned(v); }
constexpr std::uint64_t extend_word(std::uint64_t v) { return extend(as_signed_word(v)); }

template <class C>
std::uint64_t rs1(const C& core, const Op& op) {
  return core.state.x[op.rs1];
}
template <class C>
std::uint64_t rs2(const C& core, const Op& op) {
  return core.state.x[op.rs2];
}
constexpr std::uint64_t imm(const Op& op) { return extend(op.imm); }

template <class C>
void write(C& core, const Op& op, std::uint64_t value) {
  core.state.x[op.rd] = value;
}

// A single in a 64-bit register: the upper half is all ones (unprivileged manual, "NaN Boxing").
inline constexpr std::uint64_t kBox = 0xFFFFFFFF00000000;
constexpr std::uint64_t box(std::uint32_t single) { return kBox | single; }

// Floating-point state is now dirty: in HS's view always, in the guest's own when a guest runs.
template <class C>
void mark_float_dirty(C& core) {
  core.state.csr.mstatus |= isa::csr::kFs;
  if (core.state.mode.virtualized) core.state.csr.vsstatus |= isa::csr::kFs;
}

template <class C>
void write_float(C& core, const Op& op, std::uint64_t value) {
  core.state.f[op.rd] = value;
  mark_float_dirty(core);
}

}  // namespace hvsim::cpu::execute
