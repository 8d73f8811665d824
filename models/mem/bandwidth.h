// How much may pass through something in a time: windows of fixed length, each with its own budget. Harts run
// ahead of each other by a quantum, so requests do not come in order of time; a window does not mind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

class Bandwidth {
 public:
  static constexpr isa::Cycles kWindow = 64;
  static constexpr std::size_t kWindows = 1024;  // remembered: 65,536 cycles, more than quanta usually have

  explicit Bandwidth(unsigned bytes_per_cycle) : budget_(bytes_per_cycle * kWindow) {}

  // When `bytes` that arrive `at` have got their share: at once, unless the window's budget is used up.
  isa::Cycles admit(isa::Cycles at, std::uint64_t bytes) {
    isa::Cycles when = at;
    for (std::uint64_t number = at / kWindow; bytes != 0; ++number) {
      Window& window = windows_[number % kWindows];
      if (window.number < number) window = {number, 0};
      if (window.number > number) return when;  // forgotten: taken as idle
      const std::uint64_t share = std::min(bytes, budget_ - std::min(budget_, window.used));
      if (share == 0) continue;
      when = std::max(when, number * kWindow);
      window.used += share;
      bytes -= share;
    }
    return when;
  }

  void persist(state::Archive& archive);

 private:
  struct Window {
    std::uint64_t number = 0;
    std::uint64_t used = 0;  // bytes
    void persist(state::Archive& archive);
  };
  std::uint64_t budget_;
  std::array<Window, kWindows> windows_{};
};

}  // namespace hvsim::mem
