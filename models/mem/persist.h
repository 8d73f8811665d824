// What caches and memory counted, in checkpoints.
#pragma once

#include "models/mem/hierarchy.h"
#include "models/state/archive.h"

namespace hvsim::mem {

void persist(state::Archive& archive, CacheStats& stats);
void persist(state::Archive& archive, PrefetchStats& stats);
void persist(state::Archive& archive, SharedUse& use);
void persist(state::Archive& archive, CoherenceStats& stats);
void persist(state::Archive& archive, DramStats& stats);
void persist(state::Archive& archive, LinkStats& stats);

}  // namespace hvsim::mem
