// Marks: HINT instructions that tell a watching simulator what the guest is doing; no-ops elsewhere.
#pragma once

#include <cstdint>

#include "models/cpu/isa/mark.h"

namespace guest {

template <hvsim::isa::MarkKind kind>
inline void mark(std::uint64_t value) {
  asm volatile("sltiu zero, %0, %1" : : "r"(value), "i"(static_cast<unsigned>(kind)) : "memory");
}

inline void region_begin(std::uint64_t region) { mark<hvsim::isa::MarkKind::region_begin>(region); }
inline void region_end(std::uint64_t region) { mark<hvsim::isa::MarkKind::region_end>(region); }
inline void call_issued() { mark<hvsim::isa::MarkKind::call_issued>(1); }
inline void latency(std::uint64_t nanoseconds) { mark<hvsim::isa::MarkKind::latency>(nanoseconds); }
inline void work_done(std::uint64_t units) { mark<hvsim::isa::MarkKind::work_done>(units); }

// Honoured as far as the config's statistics.guest_control says.
inline void statistics_reset() { mark<hvsim::isa::MarkKind::statistics_reset>(0); }
inline void statistics_dump(std::uint64_t number) { mark<hvsim::isa::MarkKind::statistics_dump>(number); }

}  // namespace guest
