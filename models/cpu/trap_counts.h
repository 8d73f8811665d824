// How often each trap was taken, by the modes that it left and entered: an increment per trap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "models/cpu/activity.h"
#include "models/cpu/trap.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

class TrapCounts {
 public:
  void add(const TrapTaken& taken) {
    ++counts_[index(mode_index(taken.from), mode_index(taken.to), taken.trap.interrupt, taken.trap.code)];
  }
  void reset() { counts_.fill(0); }

  // Calls `visit(TrapTaken, count)` for each that was taken, in order; `epc` is not kept.
  template <class Visit>
  void for_each(Visit visit) const {
    for (unsigned from = 0; from < kModes; ++from)
      for (unsigned to = 0; to < kModes; ++to)
        for (unsigned code = 0; code < 2 * kCodes; ++code) {
          const isa::Trap trap{.interrupt = code >= kCodes, .code = static_cast<std::uint8_t>(code % kCodes)};
          if (const auto count = counts_[index(from, to, trap.interrupt, trap.code)]; count != 0)
            visit(TrapTaken{.from = mode_of_index(from), .to = mode_of_index(to), .trap = trap}, count);
        }
  }

  void persist(state::Archive& archive);

 private:
  static constexpr unsigned kCodes = 32;  // the privileged manual gives no trap of ours a larger one
  static constexpr std::size_t index(std::size_t from, unsigned to, bool interrupt, unsigned code) {
    return ((from * kModes + to) * 2 + (interrupt ? 1 : 0)) * kCodes + code % kCodes;
  }
  std::array<std::uint64_t, kModes * kModes * 2 * kCodes> counts_{};
};

}  // namespace hvsim::cpu
