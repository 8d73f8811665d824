// fflags as CSR instructions see it.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/cpu/host_float.h"

namespace hvsim::cpu {

inline std::uint8_t read_fflags(const HartState& hart) { return hart.csr.fflags; }
// The host's own flags must stay a subset of these (see host_float.h), so they start anew.
inline void write_fflags(HartState& hart, std::uint64_t value) {
  hart.csr.fflags = static_cast<std::uint8_t>(value & 0x1F);
  begin_float();
}

}  // namespace hvsim::cpu
