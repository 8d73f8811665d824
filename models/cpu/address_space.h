// Which address space an access uses, captured from the CSRs.
#pragma once

#include "models/cpu/hart_state.h"
#include "models/mmu/mmu.h"

namespace hvsim::cpu {

mmu::AddressSpace fetch_space(const HartState& hart);
// Loads and stores: MPRV may lend them another mode.
mmu::AddressSpace data_space(const HartState& hart);
// HLV, HLVX and HSV: as though V=1 with privilege hstatus.SPVP, whatever MPRV says.
mmu::AddressSpace guest_access_space(const HartState& hart);

}  // namespace hvsim::cpu
