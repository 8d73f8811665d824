// How long ago the change was that a mark tells: bits 63:40 of the value of MarkKind::vcpu_activity, in ticks
// of the time base. A hypervisor learns that a VCPU's time to wake has come when its hart is free to look.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hvsim::isa {

inline constexpr unsigned kLateShift = 40;

constexpr std::uint64_t mark_late(std::uint64_t ticks) {
  return std::min(ticks, (std::uint64_t{1} << (64 - kLateShift)) - 1) << kLateShift;
}
constexpr std::uint64_t late_of_mark(std::uint64_t value) { return value >> kLateShift; }

}  // namespace hvsim::isa
