// Which interrupts are pending, which one a hart takes next, and when a timer comes due.
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"

namespace hvsim::cpu {

// mip as software sees it: software-written bits, lines from the controllers and timer comparisons.
std::uint64_t pending(const HartState& hart);

// The interrupt that traps now, if any: highest-privileged destination first, then the manual's order of
// causes. VS-level interrupts keep their own codes (2, 6, 10); take_trap() translates them.
std::optional<isa::Trap> next_interrupt(const HartState& hart);
std::optional<isa::Trap> next_interrupt(const HartState& hart, std::uint64_t pending);

// The cycle at which a timer comparison that is now false comes true while its interrupt is locally enabled;
// UINT64_MAX if there is none.
isa::Cycles next_timer_cycle(const HartState& hart);

// When the comparison that drives this interrupt came true; nothing if none drives it, or not yet.
std::optional<isa::Cycles> timer_due_since(const HartState& hart, isa::Interrupt interrupt);

// WFI ends when a locally enabled interrupt is pending, whatever the global enables and delegation say.
bool wfi_wakes(const HartState& hart);

}  // namespace hvsim::cpu
