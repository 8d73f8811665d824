// The floating-point parts of `compute`: one round each. Only correctly rounded operations, no NaN, no
// conversion out of range, so every IEEE 754 machine gets the same bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"

namespace workload::compute {

inline constexpr std::size_t kDoubleRows = 24;
using DoubleMatrix = std::array<std::array<double, kDoubleRows>, kDoubleRows>;

// In [-1, 1), with 53 random bits.
inline double unit_interval(Prng& prng) {
  return static_cast<double>(static_cast<std::int64_t>(prng.next()) >> 11) * 0x1p-52;
}

inline void fill(DoubleMatrix& matrix, Prng& prng) {
  for (auto& row : matrix)
    for (double& cell : row) cell = unit_interval(prng);
}

// A product by fused multiply-add; its cells as double, as float and as rounded integer.
inline std::uint64_t linear_round(const DoubleMatrix& a, const DoubleMatrix& b, DoubleMatrix& product,
                                  std::uint64_t round) {
  for (std::size_t row = 0; row < kDoubleRows; ++row)
    for (std::size_t column = 0; column < kDoubleRows; ++column) {
      double sum = static_cast<double>(round) * 0x1p-4;
      for (std::size_t k = 0; k < kDoubleRows; ++k) sum = __builtin_fma(a[row][k], b[k][column], sum);
      product[row][column] = sum;
    }
  Checksum all;
  for (const auto& row : product)
    for (const double cell : row) {
      const float narrow = static_cast<float>(cell) * 1.5f;
      all.add(cell);
      all.add(static_cast<double>(narrow));
      all.add(static_cast<std::uint64_t>(static_cast<std::int64_t>(cell * 0x1p20)));
    }
  return all.value();
}

// Five bodies attract each other in the plane; a softened distance keeps every force finite.
class Bodies {
 public:
  Bodies() {
    for (std::size_t i = 0; i < kBodies; ++i) {
      const double n = static_cast<double>(i);
      bodies_[i] = {n - 2.0, n * n * 0.25 - 1.0, (2.0 - n) * 0.125, n * 0.0625 - 0.125, 1.0 / (n + 1.0)};
    }
  }

  // One step of time; the result digests all positions.
  std::uint64_t step() {
    for (std::size_t i = 0; i < kBodies; ++i)
      for (std::size_t j = i + 1; j < kBodies; ++j) attract(bodies_[i], bodies_[j]);
    Checksum sum;
    for (Body& body : bodies_) {
      body.x += kStep * body.vx;
      body.y += kStep * body.vy;
      sum.add(body.x);
      sum.add(body.y);
    }
    return sum.value();
  }

 private:
  struct Body {
    double x, y, vx, vy, mass;
  };
  static constexpr std::size_t kBodies = 5;
  static constexpr double kStep = 0x1p-9, kSoftening = 0.0625;

  static void attract(Body& one, Body& other) {
    const double dx = other.x - one.x, dy = other.y - one.y;
    const double squared = __builtin_fma(dx, dx, __builtin_fma(dy, dy, kSoftening));
    const double scale = kStep / (squared * __builtin_sqrt(squared));
    one.vx += dx * other.mass * scale;
    one.vy += dy * other.mass * scale;
    other.vx -= dx * one.mass * scale;
    other.vy -= dy * one.mass * scale;
  }

  std::array<Body, kBodies> bodies_{};
};

}  // namespace workload::compute
