// Which address space an access uses, captured from the CSRs.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/mmu/mmu.h"

namespace hvsim::cpu {

// All that the spaces below are made of, beside the mode, what MPRV lends and what never changes: while it is
// the same, so are they.
struct SpaceInputs {
  std::uint64_t satp = 0, vsatp = 0, hgatp = 0, menvcfg = 0, henvcfg = 0;
  std::uint64_t mstatus = 0, vsstatus = 0;  // SUM and MXR
  friend bool operator==(const SpaceInputs&, const SpaceInputs&) = default;
};
SpaceInputs space_inputs(const HartState& hart);

mmu::AddressSpace fetch_space(const HartState& hart);
// Loads and stores: MPRV may lend them another mode.
mmu::AddressSpace data_space(const HartState& hart);
// HLV, HLVX and HSV: as though V=1 with privilege hstatus.SPVP, whatever MPRV says.
mmu::AddressSpace guest_access_space(const HartState& hart);

}  // namespace hvsim::cpu
