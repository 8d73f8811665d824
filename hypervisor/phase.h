// Telling whoever watches the machine what the hypervisor is at.
#pragma once

#include "arch.h"
#include "hypervisor/arch_port.h"

namespace hv {

// One instruction on target, so a copy in each file rather than a call.
[[maybe_unused]] static inline void announce(Arch& arch, HypervisorPhase phase) {
  arch.mark(MarkKind::phase, static_cast<std::uint64_t>(phase));
}

}  // namespace hv
