// Which instructions an observer is told of before they execute, beside those it asked for all along.
#pragma once

#include <bitset>
#include <cstdint>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// Observing changes nothing: blocks stay as they are, and so does what they cost. Pages are not told apart:
// whoever observes asks the address again.
struct ObservedCode {
  bool everything = false;
  bool accesses = false;                       // loads, stores, atomics
  bool marks = false;                          // isa/mark.h
  std::bitset<isa::kPageBytes / 2> offsets{};  // in their page, by halfword

  void add(std::uint64_t pc) { offsets.set((pc & isa::kPageMask) >> 1); }
  bool empty() const { return !everything && !accesses && !marks && offsets.none(); }
  friend bool operator==(const ObservedCode&, const ObservedCode&) = default;
};

}  // namespace hvsim::cpu
