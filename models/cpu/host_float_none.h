// Hosts whose floating-point unit is not used: everything is computed in integers (soft_float.h).
#pragma once

#include <cstdint>

#include "models/cpu/float_format.h"

namespace hvsim::cpu::host {

inline void reset() {}
inline std::uint8_t flags() { return 0; }
constexpr bool rounds(Rounding) { return false; }
constexpr bool has_multiply_add() { return false; }

struct DirectedRounding {
  explicit DirectedRounding(Rounding) {}
};

// Never called, as rounds() says; here so that host_float.h needs no variants.
template <class Host>
Host add(Host a, Host) {
  return a;
}
template <class Host>
Host subtract(Host a, Host) {
  return a;
}
template <class Host>
Host multiply(Host a, Host) {
  return a;
}
template <class Host>
Host divide(Host a, Host) {
  return a;
}
template <class Host>
Host square_root(Host a) {
  return a;
}
template <class Host>
Host multiply_add(Host a, Host, Host) {
  return a;
}
inline float convert(double) { return 0; }
inline double convert(float) { return 0; }
template <class Host>
Host from_integer(std::int64_t) {
  return 0;
}

}  // namespace hvsim::cpu::host
