// Work that no modelled hart executes: it is done natively, and takes modelled time.
#pragma once

#include "models/cpu/isa/types.h"

namespace hvsim::isa {

// One kind of work: the cycles that a unit of it takes beside its fetches, and the code that is fetched once
// for however many units: lines in a row, of which each is touched in `touched_bytes`, at its beginning and
// at its end in turns, so that caches of shorter lines have no sets that never hold such code.
struct NativeWork {
  Hpa code{};  // a multiple of line_bytes
  unsigned lines = 0, line_bytes = 0, touched_bytes = 0;
  Cycles cycles = 0, cycles_per_cold_line = 0;  // the latter for each line that was not in the L1I
};

}  // namespace hvsim::isa
