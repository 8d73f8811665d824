// x86-64: SSE2 scalar arithmetic and MXCSR. Inline assembly, because compilers neither know that these
// instructions read the rounding mode nor that they leave flags.
#pragma once

#include <array>
#include <cstdint>

#include "models/cpu/float_format.h"

namespace hvsim::cpu::host {

// Intel SDM volume 1, section 10.2.3 "MXCSR Control and Status Register".
inline constexpr std::uint32_t kMxcsrDefault = 0x1F80;  // all masked, to nearest, no flags
inline constexpr std::uint32_t kMxcsrFlags = 0x3F;
inline constexpr std::uint32_t kMxcsrRounding = 3u << 13;

inline std::uint32_t read_mxcsr() {
  std::uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return value;
}
inline void write_mxcsr(std::uint32_t value) { asm volatile("ldmxcsr %0" : : "m"(value)); }

inline void reset() { write_mxcsr(kMxcsrDefault); }

// MXCSR's IE, DE, ZE, OE, UE, PE (bit 0 up) as fflags; denormal operands raise nothing on RISC-V.
inline constexpr auto kFlagsOfMxcsr = [] {
  constexpr std::uint8_t meaning[] = {
      fflag::invalid, 0, fflag::divide_by_zero, fflag::overflow, fflag::underflow, fflag::inexact};
  std::array<std::uint8_t, kMxcsrFlags + 1> table{};
  for (unsigned flags = 0; flags < table.size(); ++flags)
    for (unsigned bit = 0; bit < 6; ++bit)
      if (flags >> bit & 1) table[flags] = static_cast<std::uint8_t>(table[flags] | meaning[bit]);
  return table;
}();

inline std::uint8_t flags() { return kFlagsOfMxcsr[read_mxcsr() & kMxcsrFlags]; }

constexpr bool rounds(Rounding mode) { return mode != Rounding::nearest_away; }

// Rounds as told while it lives; flags stay.
class DirectedRounding {
 public:
  explicit DirectedRounding(Rounding mode) {
    constexpr std::uint32_t control[kRoundingModes] = {0, 3, 1, 2, 0};  // nearest, zero, down, up
    write_mxcsr((read_mxcsr() & ~kMxcsrRounding) | control[static_cast<unsigned>(mode)] << 13);
  }
  ~DirectedRounding() { write_mxcsr(read_mxcsr() & ~kMxcsrRounding); }
  DirectedRounding(const DirectedRounding&) = delete;
  DirectedRounding& operator=(const DirectedRounding&) = delete;
};

inline double add(double a, double b) {
  asm volatile("addsd %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float add(float a, float b) {
  asm volatile("addss %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline double subtract(double a, double b) {
  asm volatile("subsd %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float subtract(float a, float b) {
  asm volatile("subss %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline double multiply(double a, double b) {
  asm volatile("mulsd %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float multiply(float a, float b) {
  asm volatile("mulss %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline double divide(double a, double b) {
  asm volatile("divsd %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float divide(float a, float b) {
  asm volatile("divss %1, %0" : "+x"(a) : "x"(b));
  return a;
}
inline double square_root(double a) {
  asm volatile("sqrtsd %0, %0" : "+x"(a));
  return a;
}
inline float square_root(float a) {
  asm volatile("sqrtss %0, %0" : "+x"(a));
  return a;
}

// Generic x86-64 has no FMA instruction: ask before use.
inline bool has_multiply_add() { return __builtin_cpu_supports("fma") != 0; }
inline double multiply_add(double a, double b, double c) {
  asm volatile("vfmadd231sd %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  return c;
}
inline float multiply_add(float a, float b, float c) {
  asm volatile("vfmadd231ss %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  return c;
}

inline float convert(double a) {
  float result = 0;
  asm volatile("cvtsd2ss %1, %0" : "+x"(result) : "x"(a));
  return result;
}
inline double convert(float a) {
  double result = 0;
  asm volatile("cvtss2sd %1, %0" : "+x"(result) : "x"(a));
  return result;
}

template <class Host>
Host from_integer(std::int64_t a);
template <>
inline double from_integer<double>(std::int64_t a) {
  double result = 0;
  asm volatile("cvtsi2sdq %1, %0" : "+x"(result) : "r"(a));
  return result;
}
template <>
inline float from_integer<float>(std::int64_t a) {
  float result = 0;
  asm volatile("cvtsi2ssq %1, %0" : "+x"(result) : "r"(a));
  return result;
}

}  // namespace hvsim::cpu::host
