// fflags as CSR instructions see it. The one place to touch when flags accrue elsewhere than in CsrState.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"

namespace hvsim::cpu {

inline std::uint8_t read_fflags(const HartState& hart) { return hart.csr.fflags; }
inline void write_fflags(HartState& hart, std::uint64_t value) {
  hart.csr.fflags = static_cast<std::uint8_t>(value & 0x1F);
}

}  // namespace hvsim::cpu
