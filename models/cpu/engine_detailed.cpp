// The detailed engine: a pipeline that keeps track of each instruction.
#include "models/cpu/engine_persist.h"
#include "models/cpu/timing_detailed.h"

namespace hvsim::cpu {
template class Engine<Detailed>;
}  // namespace hvsim::cpu
