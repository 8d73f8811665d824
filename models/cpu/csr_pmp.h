// Writes to pmpcfg and pmpaddr, with their locks.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"

namespace hvsim::cpu {

// false: `number` is no PMP register.
bool write_pmp(HartState& hart, unsigned number, std::uint64_t value);

}  // namespace hvsim::cpu
