// The timed engine: in-order issue, caches, TLBs and branch prediction.
#include "models/cpu/engine_persist.h"

namespace hvsim::cpu {
template class Engine<InOrder>;
}  // namespace hvsim::cpu
