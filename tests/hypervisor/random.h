// Seeded random numbers for property tests, as plain unsigned integers.
#pragma once

#include <random>

namespace hv {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned operator()() { return static_cast<unsigned>(engine_()); }

 private:
  std::mt19937 engine_;
};

}  // namespace hv
