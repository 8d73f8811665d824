// How long interrupts wait: from the cycle at which one is pending to the first instruction of its handler.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <tuple>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/trap.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"

namespace hvsim::cpu {

// `trapped`: software of a more privileged mode made it pending (hvip, or mip from M-mode) while it handled
// something else. What it handled is then where the wait began: the interrupt if it was one, else the trap.
enum class InterruptPath : std::uint8_t { direct, trapped };

struct InterruptKey {
  std::uint32_t vm = 0;  // that was interrupted, if it handles the interrupt itself
  isa::Mode to{};        // of the handler
  std::uint8_t code = 0;
  InterruptPath path = InterruptPath::direct;
  friend constexpr auto operator<=>(const InterruptKey& a, const InterruptKey& b) {
    auto flat = [](const InterruptKey& k) {
      return std::tuple(k.vm, k.to.privilege, k.to.virtualized, k.code, k.path);
    };
    return flat(a) <=> flat(b);
  }
  friend constexpr bool operator==(const InterruptKey& a, const InterruptKey& b) { return (a <=> b) == 0; }
};

class InterruptTimes {
 public:
  // Whenever the hart looks at what is pending. `entering`: a guest is entered at this very cycle.
  void look(const HartState& hart, std::uint64_t pending, bool entering) {
    if (pending != pending_ || entering) changed(hart, pending, entering);
    looked_ = hart.cycle;
  }
  // After any trap; hart.cycle is that of the handler's first instruction.
  void trapped(const HartState& hart, const TrapTaken& taken, std::uint32_t vm);
  void vcpu_changed();  // what was pending for the VCPU before is not pending for this one
  void reset() { latencies_.clear(); }
  void persist(state::Archive& archive);

  const std::map<InterruptKey, statistics::Histogram>& latencies() const { return latencies_; }

 private:
  static constexpr isa::Cycles kNothing = ~isa::Cycles{0};
  static constexpr std::size_t kCodes = 16;

  void changed(const HartState& hart, std::uint64_t pending, bool entering);
  void rise(const HartState& hart, unsigned code, bool entering);

  std::uint64_t pending_ = 0, injected_ = 0;
  isa::Cycles looked_ = 0;
  std::array<isa::Cycles, kCodes> since_{};
  // Where the wait of what M-mode and HS-mode are handling began; kNothing: no interrupt.
  isa::Cycles handling_machine_ = kNothing, handling_supervisor_ = kNothing;
  isa::Cycles trapped_to_supervisor_ = 0;
  std::map<InterruptKey, statistics::Histogram> latencies_;
};

}  // namespace hvsim::cpu
