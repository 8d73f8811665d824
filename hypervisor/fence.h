// A translation fence as the core asks its port for it.
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"

namespace hv {

struct GuestFence {
  enum class Kind : std::uint8_t {
    g_stage,       // HFENCE.GVMA x0, vmid(): guest-physical mappings of one VM
    vs_stage,      // HFENCE.VVMA x0, x0: the guests' own mappings in one VM
    instructions,  // FENCE.I
    everything     // HFENCE.GVMA x0, x0 and HFENCE.VVMA x0, x0, where all VMs have VMID 0
  };
  static constexpr std::uint64_t kWhole = ~std::uint64_t{0};

  Kind kind = Kind::everything;
  // g_stage and vs_stage: the VM's. All of it, since a VMID may only stand beside its VM's mode and root
  // (privileged manual, "Hypervisor Guest Address Translation and Protection Register"). Not what the hart
  // that fences has there: that may be another VM's, or nobody's.
  std::uint64_t hgatp = 0;
  // A bit per hart. When the port returns, the fence has taken effect on all of them, and whatever their
  // guests stored before it is seen by this hart: acknowledgement is a full memory fence.
  std::uint64_t harts = 0;
  // g_stage only: the 4 KiB page whose leaf changed; kWhole: any.
  std::uint64_t page = kWhole;

  std::uint16_t vmid() const {
    namespace csr = hvsim::isa::csr;
    return static_cast<std::uint16_t>(hgatp >> csr::kVmidShift & csr::kVmidMask);
  }
};

}  // namespace hv
