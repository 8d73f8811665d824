// Blind mutation: enough to shake every target a little in each test run; libFuzzer is for more.
#pragma once

#include <random>

#include "tests/fuzz/target.h"

namespace hvsim::fuzz {

Bytes mutate(Bytes input, std::mt19937& random);

}  // namespace hvsim::fuzz
