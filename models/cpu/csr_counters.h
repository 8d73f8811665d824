// mcycle and minstret: running counts plus an offset that software moves. While a counter is inhibited its
// offset holds the value itself.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

inline bool inhibited(const HartState& hart, std::uint64_t counter) {
  return (hart.csr.mcountinhibit & counter) != 0;
}

inline std::uint64_t mcycle(const HartState& hart) {
  return inhibited(hart, isa::csr::kCy) ? hart.mcycle_offset : hart.cycle + hart.mcycle_offset;
}

inline std::uint64_t minstret(const HartState& hart) {
  return inhibited(hart, isa::csr::kIr) ? hart.minstret_offset : hart.retired + hart.minstret_offset;
}

inline void write_mcycle(HartState& hart, std::uint64_t value) {
  hart.mcycle_offset = inhibited(hart, isa::csr::kCy) ? value : value - hart.cycle;
}

// The write takes the place of the writing instruction's own increment (section "CSR Instructions"): the next
// instruction reads `value`, though one more has retired by then.
inline void write_minstret(HartState& hart, std::uint64_t value) {
  hart.minstret_offset = inhibited(hart, isa::csr::kIr) ? value : value - (hart.retired + 1);
}

inline void write_mcountinhibit(HartState& hart, std::uint64_t value) {
  const std::uint64_t cycles = mcycle(hart), instructions = minstret(hart);
  const std::uint64_t changed = hart.csr.mcountinhibit ^ value;
  constexpr std::uint64_t event_counters = 0xFFFF'FFF8;
  const std::uint64_t writable = isa::csr::kCy | isa::csr::kIr | (hart.isa_config.zihpm ? event_counters : 0);
  hart.csr.mcountinhibit = value & writable;
  if ((changed & isa::csr::kCy) != 0) write_mcycle(hart, cycles);
  if ((changed & isa::csr::kIr) != 0) write_minstret(hart, instructions);
}

}  // namespace hvsim::cpu
