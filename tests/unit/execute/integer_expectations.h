// Runs one integer instruction over awkward values and compares it with an expression.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/unit/execute/fake_core.h"

namespace hvsim::tests {

using IntegerFunction = void (*)(FakeCore&, const cpu::Op&);

inline std::uint64_t run(IntegerFunction function, std::uint64_t a, std::uint64_t b, std::int32_t imm = 0) {
  FakeCore core;
  core.state.x[kA] = a;
  core.state.x[kB] = b;
  function(core, op_with(imm));
  return core.state.x[kResult];
}

template <class Expected>
void expect_for_all(IntegerFunction function, Expected expected) {
  for (auto a : kIntegers)
    EXPECT_EQ(run(function, a, 0), static_cast<std::uint64_t>(expected(a))) << std::hex << a;
}

template <class Expected>
void expect_for_all_pairs(IntegerFunction function, Expected expected) {
  for (auto a : kIntegers)
    for (auto b : kIntegers)
      EXPECT_EQ(run(function, a, b), static_cast<std::uint64_t>(expected(a, b))) << std::hex << a << " " << b;
}

template <class Expected>
void expect_for_all_immediates(IntegerFunction function, Expected expected) {
  for (auto a : kIntegers)
    for (std::int32_t imm : {0, 1, -1, 31, 32, 2047, -2048}) {
      const auto right = static_cast<std::uint64_t>(expected(a, std::int64_t{imm}));
      EXPECT_EQ(run(function, a, 0, imm), right) << std::hex << a << " " << imm;
    }
}

// Immediate shift amounts and bit numbers below `width`.
template <class Expected>
void expect_for_all_amounts(IntegerFunction function, unsigned width, Expected expected) {
  for (auto a : kIntegers)
    for (unsigned n = 0; n < width; ++n) {
      const auto right = static_cast<std::uint64_t>(expected(a, n));
      EXPECT_EQ(run(function, a, 0, static_cast<std::int32_t>(n)), right) << std::hex << a << " " << n;
    }
}

}  // namespace hvsim::tests
