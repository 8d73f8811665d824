// What a piece of code made of a state that the `fast` mode's pipeline was in: see RememberedPipeline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// The front end when it was redirected: its last fetch before, the last before the right path's first, and
// the last issue.
struct WrongPath {
  isa::Cycles began = 0, ends = 0, issued = 0;
};

struct Transition {
  static constexpr std::uint32_t kNone = 0;
  std::uint32_t from = kNone, to = kNone;  // states
  std::uint32_t cycles = 0;                // of which, and the rest is Component::base:
  std::uint32_t branch = 0, fp = 0;
  std::uint32_t trap = 0, csr = 0, dcache = 0, store_buffer = 0, icache = 0;
  bool rare = false;                             // one of the last line
  std::int32_t began = 0, ends = 0, issued = 0;  // WrongPath, from the last commit, if it was redirected
};

// Of one piece of code that ends in one way, from the states it was reached in.
class Transitions {
 public:
  // The one from this state if any of the two newest is: most code is reached in one state or two.
  const Transition& likely(std::uint32_t from) const { return recent_[recent_[0].from != from]; }
  // The one from this state, or null.
  const Transition* find(std::uint32_t from) {
    if (recent_[0].from == from) [[likely]]
      return &recent_[0];
    return find_other(from);
  }
  const Transition* add(const Transition& made) {
    if (recent_[1].from != Transition::kNone) {
      if (others_.size() < kMost)
        others_.push_back(recent_[1]);
      else
        others_[oldest_++ % kMost] = recent_[1];
    }
    recent_[1] = recent_[0];
    recent_[0] = made;
    return &recent_[0];
  }

 private:
  static constexpr std::size_t kMost = 64;

  const Transition* find_other(std::uint32_t from) {
    if (recent_[1].from == from) return &recent_[1];
    for (Transition& other : others_)
      if (other.from == from) {
        std::swap(other, recent_[1]);
        return &recent_[1];
      }
    return nullptr;
  }

  std::array<Transition, 2> recent_{};
  std::vector<Transition> others_;
  std::size_t oldest_ = 0;
};

}  // namespace hvsim::cpu
