// F and D: arithmetic, comparisons, conversions and moves (unprivileged manual, chapters "F" and "D").
#pragma once

#include <cstdint>

#include "models/cpu/execute_float_parts.h"

namespace hvsim::cpu::execute {

// Single precision

template <class C>
bool fadd_s(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::Add<Single>>(core, op, detail::fs1<Single>(core, op),
                                                          detail::fs2<Single>(core, op));
}
template <class C>
bool fsub_s(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::Subtract<Single>>(core, op, detail::fs1<Single>(core, op),
                                                               detail::fs2<Single>(core, op));
}
template <class C>
bool fmul_s(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::Multiply<Single>>(core, op, detail::fs1<Single>(core, op),
                                                               detail::fs2<Single>(core, op));
}
template <class C>
bool fdiv_s(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::Divide<Single>>(core, op, detail::fs1<Single>(core, op),
                                                             detail::fs2<Single>(core, op));
}
template <class C>
bool fsqrt_s(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::SquareRoot<Single>>(core, op, detail::fs1<Single>(core, op));
}
template <class C>
bool fmadd_s(C& core, const Op& op) {
  return detail::fused<Single>(core, op, false, false);
}
template <class C>
bool fmsub_s(C& core, const Op& op) {
  return detail::fused<Single>(core, op, false, true);
}
template <class C>
bool fnmsub_s(C& core, const Op& op) {
  return detail::fused<Single>(core, op, true, false);
}
template <class C>
bool fnmadd_s(C& core, const Op& op) {
  return detail::fused<Single>(core, op, true, true);
}
template <class C>
void fsgnj_s(C& core, const Op& op) {
  const auto a = detail::fs1<Single>(core, op), b = detail::fs2<Single>(core, op);
  detail::write_boxed<Single>(core, op, Single::magnitude(a) | (b & Single::sign_bit));
}
template <class C>
void fsgnjn_s(C& core, const Op& op) {
  const auto a = detail::fs1<Single>(core, op), b = detail::fs2<Single>(core, op);
  detail::write_boxed<Single>(core, op, Single::magnitude(a) | (~b & Single::sign_bit));
}
template <class C>
void fsgnjx_s(C& core, const Op& op) {
  const auto a = detail::fs1<Single>(core, op), b = detail::fs2<Single>(core, op);
  detail::write_boxed<Single>(core, op, Single::magnitude(a) | ((a ^ b) & Single::sign_bit));
}
template <class C>
void fmin_s(C& core, const Op& op) {
  detail::select<Single>(core, op, [](auto a, auto b) { return a < b; });
}
template <class C>
void fmax_s(C& core, const Op& op) {
  detail::select<Single>(core, op, [](auto a, auto b) { return a > b; });
}
template <class C>
void feq_s(C& core, const Op& op) {
  detail::compare_equal<Single>(core, op);
}
template <class C>
void flt_s(C& core, const Op& op) {
  detail::compare_less<Single>(core, op);
}
template <class C>
void fle_s(C& core, const Op& op) {
  detail::compare_less_equal<Single>(core, op);
}
template <class C>
void fclass_s(C& core, const Op& op) {
  write(core, op, detail::classify<Single>(detail::fs1<Single>(core, op)));
}
template <class C>
bool fcvt_w_s(C& core, const Op& op) {
  return detail::to_integer<Single>(core, op, {32, true});
}
template <class C>
bool fcvt_wu_s(C& core, const Op& op) {
  return detail::to_integer<Single>(core, op, {32, false});
}
template <class C>
bool fcvt_l_s(C& core, const Op& op) {
  return detail::to_integer<Single>(core, op, {64, true});
}
template <class C>
bool fcvt_lu_s(C& core, const Op& op) {
  return detail::to_integer<Single>(core, op, {64, false});
}
template <class C>
bool fcvt_s_w(C& core, const Op& op) {
  return detail::from_signed<Single>(core, op, as_signed_word(rs1(core, op)));
}
template <class C>
bool fcvt_s_wu(C& core, const Op& op) {
  return detail::from_unsigned<Single>(core, op, word(rs1(core, op)));
}
template <class C>
bool fcvt_s_l(C& core, const Op& op) {
  return detail::from_signed<Single>(core, op, as_signed(rs1(core, op)));
}
template <class C>
bool fcvt_s_lu(C& core, const Op& op) {
  return detail::from_unsigned<Single>(core, op, rs1(core, op));
}

// Double precision

template <class C>
bool fadd_d(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::Add<Double>>(core, op, detail::fs1<Double>(core, op),
                                                          detail::fs2<Double>(core, op));
}
template <class C>
bool fsub_d(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::Subtract<Double>>(core, op, detail::fs1<Double>(core, op),
                                                               detail::fs2<Double>(core, op));
}
template <class C>
bool fmul_d(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::Multiply<Double>>(core, op, detail::fs1<Double>(core, op),
                                                               detail::fs2<Double>(core, op));
}
template <class C>
bool fdiv_d(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::Divide<Double>>(core, op, detail::fs1<Double>(core, op),
                                                             detail::fs2<Double>(core, op));
}
template <class C>
bool fsqrt_d(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::SquareRoot<Double>>(core, op, detail::fs1<Double>(core, op));
}
template <class C>
bool fmadd_d(C& core, const Op& op) {
  return detail::fused<Double>(core, op, false, false);
}
template <class C>
bool fmsub_d(C& core, const Op& op) {
  return detail::fused<Double>(core, op, false, true);
}
template <class C>
bool fnmsub_d(C& core, const Op& op) {
  return detail::fused<Double>(core, op, true, false);
}
template <class C>
bool fnmadd_d(C& core, const Op& op) {
  return detail::fused<Double>(core, op, true, true);
}
template <class C>
void fsgnj_d(C& core, const Op& op) {
  const auto a = detail::fs1<Double>(core, op), b = detail::fs2<Double>(core, op);
  detail::write_boxed<Double>(core, op, Double::magnitude(a) | (b & Double::sign_bit));
}
template <class C>
void fsgnjn_d(C& core, const Op& op) {
  const auto a = detail::fs1<Double>(core, op), b = detail::fs2<Double>(core, op);
  detail::write_boxed<Double>(core, op, Double::magnitude(a) | (~b & Double::sign_bit));
}
template <class C>
void fsgnjx_d(C& core, const Op& op) {
  const auto a = detail::fs1<Double>(core, op), b = detail::fs2<Double>(core, op);
  detail::write_boxed<Double>(core, op, Double::magnitude(a) | ((a ^ b) & Double::sign_bit));
}
template <class C>
void fmin_d(C& core, const Op& op) {
  detail::select<Double>(core, op, [](auto a, auto b) { return a < b; });
}
template <class C>
void fmax_d(C& core, const Op& op) {
  detail::select<Double>(core, op, [](auto a, auto b) { return a > b; });
}
template <class C>
void feq_d(C& core, const Op& op) {
  detail::compare_equal<Double>(core, op);
}
template <class C>
void flt_d(C& core, const Op& op) {
  detail::compare_less<Double>(core, op);
}
template <class C>
void fle_d(C& core, const Op& op) {
  detail::compare_less_equal<Double>(core, op);
}
template <class C>
void fclass_d(C& core, const Op& op) {
  write(core, op, detail::classify<Double>(detail::fs1<Double>(core, op)));
}
template <class C>
bool fcvt_w_d(C& core, const Op& op) {
  return detail::to_integer<Double>(core, op, {32, true});
}
template <class C>
bool fcvt_wu_d(C& core, const Op& op) {
  return detail::to_integer<Double>(core, op, {32, false});
}
template <class C>
bool fcvt_l_d(C& core, const Op& op) {
  return detail::to_integer<Double>(core, op, {64, true});
}
template <class C>
bool fcvt_lu_d(C& core, const Op& op) {
  return detail::to_integer<Double>(core, op, {64, false});
}
template <class C>
bool fcvt_d_w(C& core, const Op& op) {
  return detail::from_signed<Double>(core, op, as_signed_word(rs1(core, op)));
}
template <class C>
bool fcvt_d_wu(C& core, const Op& op) {
  return detail::from_unsigned<Double>(core, op, word(rs1(core, op)));
}
template <class C>
bool fcvt_d_l(C& core, const Op& op) {
  return detail::from_signed<Double>(core, op, as_signed(rs1(core, op)));
}
template <class C>
bool fcvt_d_lu(C& core, const Op& op) {
  return detail::from_unsigned<Double>(core, op, rs1(core, op));
}

// Between the formats

template <class C>
bool fcvt_d_s(C& core, const Op& op) {
  return detail::operate<Double, arithmetic::Convert<Double, Single>>(core, op,
                                                                      detail::fs1<Single>(core, op));
}
template <class C>
bool fcvt_s_d(C& core, const Op& op) {
  return detail::operate<Single, arithmetic::Convert<Single, Double>>(core, op,
                                                                      detail::fs1<Double>(core, op));
}

// Bits as they are: no boxing check, no canonical NaN.

template <class C>
void fmv_x_w(C& core, const Op& op) {
  write(core, op, extend_word(core.state.f[op.rs1]));
}
template <class C>
void fmv_x_d(C& core, const Op& op) {
  write(core, op, core.state.f[op.rs1]);
}
template <class C>
void fmv_w_x(C& core, const Op& op) {
  write_float(core, op, box(word(rs1(core, op))));
}
template <class C>
void fmv_d_x(C& core, const Op& op) {
  write_float(core, op, rs1(core, op));
}

}  // namespace hvsim::cpu::execute
