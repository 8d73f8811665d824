// Guest floating point on the host's own SSE unit, bit-exact with flags; integers (soft_float.h) where the
// host has no such mode or instruction.
//
// Protocol of the host's sticky flags (MXCSR). They accumulate while a hart runs, and every guest operation
// ORs them into that hart's fflags; so they must always be a subset of its fflags. Call begin_float()
//   - before a hart starts or continues to run on this thread (another hart, SystemC or the host hypervisor
//     may have computed in between), and
//   - whenever fflags or fcsr is written, by the guest or from outside.
// It also makes sure that rounding is to nearest and that exceptions are masked.
#pragma once

#include <bit>
#include <cstdint>

#include "models/cpu/float_format.h"
#include "models/cpu/soft_float.h"

#if defined(__x86_64__)
#include "models/cpu/host_float_x86.h"
#else
#include "models/cpu/host_float_none.h"
#endif

namespace hvsim::cpu {

inline void begin_float() { host::reset(); }

// Operations, each as the host does it and as integers do it.
namespace arithmetic {

template <class F>
struct Add {
  static typename F::Host on_host(typename F::Host a, typename F::Host b) { return host::add(a, b); }
  static auto in_integers(typename F::Bits a, typename F::Bits b, Rounding mode) {
    return soft::add<F>(a, b, mode);
  }
};
template <class F>
struct Subtract {
  static typename F::Host on_host(typename F::Host a, typename F::Host b) { return host::subtract(a, b); }
  static auto in_integers(typename F::Bits a, typename F::Bits b, Rounding mode) {
    return soft::add<F>(a, b ^ F::sign_bit, mode);
  }
};
template <class F>
struct Multiply {
  static typename F::Host on_host(typename F::Host a, typename F::Host b) { return host::multiply(a, b); }
  static auto in_integers(typename F::Bits a, typename F::Bits b, Rounding mode) {
    return soft::multiply<F>(a, b, mode);
  }
};
template <class F>
struct Divide {
  static typename F::Host on_host(typename F::Host a, typename F::Host b) { return host::divide(a, b); }
  static auto in_integers(typename F::Bits a, typename F::Bits b, Rounding mode) {
    return soft::divide<F>(a, b, mode);
  }
};
template <class F>
struct SquareRoot {
  static typename F::Host on_host(typename F::Host a) { return host::square_root(a); }
  static auto in_integers(typename F::Bits a, Rounding mode) { return soft::square_root<F>(a, mode); }
};
template <class F>
struct MultiplyAdd {
  static typename F::Host on_host(typename F::Host a, typename F::Host b, typename F::Host c) {
    return host::multiply_add(a, b, c);
  }
  static auto in_integers(typename F::Bits a, typename F::Bits b, typename F::Bits c, Rounding mode) {
    return soft::multiply_add<F>(a, b, c, mode);
  }
};
template <class To, class From>
struct Convert {
  static typename To::Host on_host(typename From::Host a) { return host::convert(a); }
  static auto in_integers(typename From::Bits a, Rounding mode) { return soft::convert<To, From>(a, mode); }
};
template <class F>
struct FromSigned {
  static typename F::Host on_host(std::int64_t a) { return host::from_integer<typename F::Host>(a); }
  static auto in_integers(std::int64_t a, Rounding mode) { return soft::from_signed<F>(a, mode); }
};

}  // namespace arithmetic

// Bits as the host's type; integers stay.
constexpr float to_host(Single::Bits v) { return std::bit_cast<float>(v); }
constexpr double to_host(Double::Bits v) { return std::bit_cast<double>(v); }
constexpr std::int64_t to_host(std::int64_t v) { return v; }

template <class F, class Operation, class... Operands>
typename F::Bits run_on_host(Operands... operands) {
  const auto value = std::bit_cast<typename F::Bits>(Operation::on_host(to_host(operands)...));
  return F::is_nan(value) ? F::canonical_nan : value;
}

// All modes but the usual one.
template <class F, class Operation, class... Operands>
[[gnu::noinline, gnu::cold]] Rounded<typename F::Bits> compute_unusual(Rounding mode, Operands... operands) {
  if (!host::rounds(mode)) return Operation::in_integers(operands..., mode);
  const host::DirectedRounding directed(mode);
  const auto value = run_on_host<F, Operation>(operands...);
  return {value, host::flags()};
}

// Operation's result in format F: canonical NaNs, RISC-V flags. The flags may include older ones of the
// running hart (see the protocol above).
template <class F, class Operation, class... Operands>
inline Rounded<typename F::Bits> compute(Rounding mode, Operands... operands) {
  if (mode != Rounding::nearest_even || !host::rounds(mode)) [[unlikely]]
    return compute_unusual<F, Operation>(mode, operands...);
  const auto value = run_on_host<F, Operation>(operands...);
  return {value, host::flags()};
}

// a * b + c. The host finds infinity * 0 + quiet NaN unobjectionable, RISC-V does not.
template <class F>
inline Rounded<typename F::Bits> compute_multiply_add(Rounding mode, typename F::Bits a, typename F::Bits b,
                                                      typename F::Bits c) {
  if (!host::has_multiply_add()) [[unlikely]]
    return soft::multiply_add<F>(a, b, c, mode);
  auto result = compute<F, arithmetic::MultiplyAdd<F>>(mode, a, b, c);
  if (F::is_nan(result.value)) [[unlikely]]
    result.flags |= soft::multiply_add<F>(a, b, c, mode).flags;
  return result;
}

}  // namespace hvsim::cpu
