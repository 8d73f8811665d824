// What the instructions of F and D are made of: boxed operands, flags, rounding modes, comparisons.
#pragma once

#include <bit>
#include <cstdint>

#include "models/cpu/execute_operands.h"
#include "models/cpu/host_float.h"

namespace hvsim::cpu::execute {

namespace detail {

// A single that is not properly boxed reads as the canonical NaN.
template <class F, class C>
typename F::Bits read_float(const C& core, unsigned reg) {
  const std::uint64_t value = core.state.f[reg];
  if constexpr (F::width == 64)
    return value;
  else
    return (value & kBox) == kBox ? static_cast<typename F::Bits>(value) : F::canonical_nan;
}
template <class F, class C>
typename F::Bits fs1(const C& core, const Op& op) {
  return read_float<F>(core, op.rs1);
}
template <class F, class C>
typename F::Bits fs2(const C& core, const Op& op) {
  return read_float<F>(core, op.rs2);
}
template <class F, class C>
typename F::Bits fs3(const C& core, const Op& op) {
  return read_float<F>(core, op.rs3);
}

template <class F, class C>
void write_boxed(C& core, const Op& op, typename F::Bits value) {
  if constexpr (F::width == 64)
    write_float(core, op, value);
  else
    write_float(core, op, box(value));
}

template <class F, class C>
void accept(C& core, const Op& op, Rounded<typename F::Bits> result) {
  core.state.csr.fflags |= result.flags;
  write_boxed<F>(core, op, result.value);
}

// Raises flags for an instruction that writes no f register: dirty only if a flag is new.
template <class C>
void raise_flags(C& core, std::uint8_t flags) {
  if ((flags & ~core.state.csr.fflags) == 0) return;
  core.state.csr.fflags |= flags;
  mark_float_dirty(core);
}

template <class C>
unsigned rounding_number(const C& core, const Op& op) {
  return op.rm == kDynamicRounding ? core.state.csr.frm : op.rm;
}

// Finds the rounding mode and lets `work` use it. A reserved value in frm makes the instruction illegal.
template <class C, class Work>
[[gnu::always_inline]] inline bool rounded(C& core, const Op& op, Work work) {
  const unsigned number = rounding_number(core, op);
  if (number >= kRoundingModes) [[unlikely]]
    return core.illegal(op);
  work(static_cast<Rounding>(number));
  return true;
}

// Operation over f registers of format From with a result of format F.
template <class F, class Operation, class C, class... Operands>
[[gnu::always_inline]] inline bool operate(C& core, const Op& op, Operands... operands) {
  return rounded(core, op,
                 [&](Rounding mode) { accept<F>(core, op, compute<F, Operation>(mode, operands...)); });
}

// (-1)^negate_product * fs1 * fs2 + (-1)^negate_addend * fs3
template <class F, class C>
bool fused(C& core, const Op& op, bool negate_product, bool negate_addend) {
  using Bits = typename F::Bits;
  const Bits a = fs1<F>(core, op) ^ F::zero(negate_product);
  const Bits c = fs3<F>(core, op) ^ F::zero(negate_addend);
  const Bits b = fs2<F>(core, op);
  return rounded(core, op,
                 [&](Rounding mode) { accept<F>(core, op, compute_multiply_add<F>(mode, a, b, c)); });
}

// Orders all numbers, -0 below +0.
template <class F>
constexpr typename F::Signed order(typename F::Bits v) {
  using Signed = typename F::Signed;
  const auto sign = static_cast<Signed>(v) >> (F::width - 1);
  return static_cast<Signed>(v ^ (static_cast<typename F::Bits>(sign) >> 1));
}

template <class F>
constexpr bool equal(typename F::Bits a, typename F::Bits b) {
  return a == b || F::is_zero(a | b);
}

// Quiet comparison objects to signaling NaNs, signaling comparison to all.
template <class F>
constexpr std::uint8_t quiet_flags(typename F::Bits a, typename F::Bits b) {
  return F::is_signaling(a) || F::is_signaling(b) ? fflag::invalid : std::uint8_t{0};
}
template <class F>
constexpr bool unordered(typename F::Bits a, typename F::Bits b) {
  return F::is_nan(a) || F::is_nan(b);
}

template <class F, class C, class Relation>
void compare_signaling(C& core, const Op& op, Relation relation) {
  const auto a = fs1<F>(core, op), b = fs2<F>(core, op);
  if (unordered<F>(a, b)) [[unlikely]] {
    raise_flags(core, fflag::invalid);
    return write(core, op, 0);
  }
  write(core, op, relation(a, b) ? 1 : 0);
}

template <class F, class C>
void compare_equal(C& core, const Op& op) {
  const auto a = fs1<F>(core, op), b = fs2<F>(core, op);
  raise_flags(core, quiet_flags<F>(a, b));
  write(core, op, !unordered<F>(a, b) && equal<F>(a, b) ? 1 : 0);
}

template <class F, class C>
void compare_less(C& core, const Op& op) {
  compare_signaling<F>(core, op, [](auto a, auto b) { return order<F>(a) < order<F>(b) && !equal<F>(a, b); });
}

template <class F, class C>
void compare_less_equal(C& core, const Op& op) {
  compare_signaling<F>(core, op, [](auto a, auto b) { return order<F>(a) < order<F>(b) || equal<F>(a, b); });
}

// minimumNumber and maximumNumber of IEEE 754-2019: a NaN loses against any number.
template <class F, class C, class Prefer>
void select(C& core, const Op& op, Prefer prefer_first) {
  const auto a = fs1<F>(core, op), b = fs2<F>(core, op);
  auto chosen = prefer_first(order<F>(a), order<F>(b)) ? a : b;
  if (F::is_nan(a)) chosen = b;
  if (F::is_nan(b)) chosen = a;
  if (F::is_nan(chosen)) chosen = F::canonical_nan;
  accept<F>(core, op, {chosen, quiet_flags<F>(a, b)});
}

// Table "Format of result of FCLASS instruction".
template <class F>
constexpr std::uint64_t classify(typename F::Bits v) {
  if (F::is_nan(v)) return F::is_signaling(v) ? 1u << 8 : 1u << 9;
  const bool negative = F::negative(v);
  if (F::is_infinite(v)) return negative ? 1u << 0 : 1u << 7;
  if (F::is_zero(v)) return negative ? 1u << 3 : 1u << 4;
  if (F::exponent(v) == 0) return negative ? 1u << 2 : 1u << 5;
  return negative ? 1u << 1 : 1u << 6;
}

template <class F, class C>
bool to_integer(C& core, const Op& op, soft::IntegerType type) {
  return rounded(core, op, [&](Rounding mode) {
    const auto result = soft::to_integer<F>(fs1<F>(core, op), type, mode);
    raise_flags(core, result.flags);
    write(core, op, result.value);
  });
}

template <class F, class C>
bool from_signed(C& core, const Op& op, std::int64_t value) {
  return operate<F, arithmetic::FromSigned<F>>(core, op, value);
}

// The host converts signed integers only.
template <class F, class C>
bool from_unsigned(C& core, const Op& op, std::uint64_t value) {
  if (as_signed(value) >= 0) return from_signed<F>(core, op, as_signed(value));
  return rounded(core, op, [&](Rounding mode) { accept<F>(core, op, soft::from_unsigned<F>(value, mode)); });
}

}  // namespace detail

}  // namespace hvsim::cpu::execute
