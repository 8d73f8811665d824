// The functional engine: one cycle per instruction.
#include "models/cpu/engine_persist.h"

namespace hvsim::cpu {
template class Engine<Untimed>;
}  // namespace hvsim::cpu
