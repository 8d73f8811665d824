// IEEE 754 arithmetic in integers: exact in every rounding mode, on every host, and slow. The fast path is
// the host's own arithmetic (host_float.h); this serves what the host cannot do, and checks it in tests.
#pragma once

#include <cstdint>

#include "models/cpu/float_format.h"

namespace hvsim::cpu::soft {

// NaN results are canonical. Underflow is detected after rounding. F is Single or Double.
template <class F>
Rounded<typename F::Bits> add(typename F::Bits a, typename F::Bits b, Rounding mode);
template <class F>
Rounded<typename F::Bits> multiply(typename F::Bits a, typename F::Bits b, Rounding mode);
template <class F>
Rounded<typename F::Bits> divide(typename F::Bits a, typename F::Bits b, Rounding mode);
template <class F>
Rounded<typename F::Bits> square_root(typename F::Bits a, Rounding mode);
// a * b + c, rounded once; infinity * 0 is invalid even if c is a quiet NaN.
template <class F>
Rounded<typename F::Bits> multiply_add(typename F::Bits a, typename F::Bits b, typename F::Bits c,
                                       Rounding mode);

template <class To, class From>
Rounded<typename To::Bits> convert(typename From::Bits a, Rounding mode);
template <class F>
Rounded<typename F::Bits> from_signed(std::int64_t value, Rounding mode);
template <class F>
Rounded<typename F::Bits> from_unsigned(std::uint64_t value, Rounding mode);

// To an integer of 32 or 64 bits, saturating; NaN counts as too large. The result is sign-extended from
// its width also when unsigned, as RV64 keeps words.
struct IntegerType {
  unsigned width;
  bool is_signed;
};
template <class F>
Rounded<std::uint64_t> to_integer(typename F::Bits a, IntegerType type, Rounding mode);

}  // namespace hvsim::cpu::soft
