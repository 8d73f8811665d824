// Address spaces from satp, vsatp, hgatp and the status registers (privileged manual, "Memory Privilege in
// mstatus", and table "Effect of MPRV on the translation and protection of explicit memory accesses").
#include "models/cpu/address_space.h"

#include "models/cpu/csr_fields.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"

namespace hvsim::cpu {
namespace {

namespace csr = isa::csr;
using isa::Privilege;

mmu::Root first_stage_root(std::uint64_t atp) {
  return {
      .scheme = isa::find_scheme(isa::kFirstStageSchemes, static_cast<unsigned>(atp >> csr::kAtpModeShift)),
      .table = (atp & csr::kAtpPpn) << isa::kPageShift,
      .space = static_cast<std::uint16_t>(atp >> csr::kAsidShift & csr::kAsidMask)};
}

mmu::Root g_stage_root(std::uint64_t atp) {
  return {.scheme = isa::find_scheme(isa::kGStageSchemes, static_cast<unsigned>(atp >> csr::kAtpModeShift)),
          .table = (atp & csr::kAtpPpn) << isa::kPageShift,
          .space = static_cast<std::uint16_t>(atp >> csr::kVmidShift & csr::kVmidMask)};
}

bool sets_ad(const HartState& hart, std::uint64_t envcfg) {
  const AdUpdates updates = hart.isa_config.ad_updates;
  return updates == AdUpdates::hardware || (updates == AdUpdates::svadu && (envcfg & csr::kAdue) != 0);
}

mmu::AddressSpace space_of(const HartState& hart, isa::Mode mode) {
  const CsrState& c = hart.csr;
  mmu::AddressSpace space;
  space.privilege = mode.privilege;
  if (mode.privilege == Privilege::machine) return space;
  const std::uint64_t first_envcfg = mode.virtualized ? effective_henvcfg(hart) : c.menvcfg;
  space.hardware_ad_g_stage = sets_ad(hart, c.menvcfg);
  space.hardware_ad_first = sets_ad(hart, first_envcfg);
  space.napot = hart.isa_config.svnapot;
  space.pbmt_g_stage = (c.menvcfg & csr::kPbmte) != 0;
  space.pbmt_first = (first_envcfg & csr::kPbmte) != 0;

  space.virtualized = mode.virtualized;
  space.first = first_stage_root(mode.virtualized ? c.vsatp : c.satp);
  if (mode.virtualized) space.g_stage = g_stage_root(c.hgatp);
  // With V=1 vsstatus.SUM counts alone; HS-level MXR reaches both stages, vsstatus.MXR the first only.
  const std::uint64_t status = mode.virtualized ? c.vsstatus : c.mstatus;
  space.sum = (status & csr::kSum) != 0;
  space.mxr_g_stage = (c.mstatus & csr::kMxr) != 0;
  space.mxr_first = space.mxr_g_stage || (status & csr::kMxr) != 0;
  return space;
}

isa::Mode data_mode(const HartState& hart) {
  const std::uint64_t mstatus = hart.csr.mstatus;
  if ((mstatus & csr::kMprv) == 0) return hart.mode;
  const auto privilege = static_cast<Privilege>((mstatus & csr::kMpp) >> csr::kMppShift);
  return {privilege, privilege != Privilege::machine && (mstatus & csr::kMpv) != 0};
}

}  // namespace

SpaceInputs space_inputs(const HartState& hart) {
  const CsrState& c = hart.csr;
  constexpr std::uint64_t bits = csr::kSum | csr::kMxr;
  return {c.satp, c.vsatp, c.hgatp, c.menvcfg, c.henvcfg, c.mstatus & bits, c.vsstatus & bits};
}

mmu::AddressSpace fetch_space(const HartState& hart) { return space_of(hart, hart.mode); }

mmu::AddressSpace data_space(const HartState& hart) { return space_of(hart, data_mode(hart)); }

mmu::AddressSpace guest_access_space(const HartState& hart) {
  const bool supervisor = (hart.csr.hstatus & csr::kSpvp) != 0;
  return space_of(hart, {supervisor ? Privilege::supervisor : Privilege::user, true});
}

}  // namespace hvsim::cpu
