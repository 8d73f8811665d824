// Address spaces, and what TLBs counted, in checkpoints.
#pragma once

#include "models/mmu/mmu.h"
#include "models/mmu/tlb.h"
#include "models/state/archive.h"

namespace hvsim::mmu {

void persist(state::Archive& archive, TlbStats& stats);
void persist(state::Archive& archive, Root& root);
void persist(state::Archive& archive, AddressSpace& space);

}  // namespace hvsim::mmu
