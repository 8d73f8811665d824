// A translation fence as the core asks its port for it.
#pragma once

#include <cstdint>

namespace hv {

struct GuestFence {
  enum class Kind : std::uint8_t {
    g_stage,       // HFENCE.GVMA x0, vmid: guest-physical mappings of one VM
    vs_stage,      // HFENCE.VVMA x0, x0: the guest's own mappings, for the VMID in hgatp
    instructions,  // FENCE.I
    everything     // HFENCE.GVMA x0, x0
  };
  Kind kind = Kind::everything;
  std::uint16_t vmid = 0;
  std::uint64_t harts = 0;  // bit per hart; the fence has taken effect on all of them when the port returns
};

}  // namespace hv
