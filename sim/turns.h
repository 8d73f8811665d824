// Who runs next: the order in which harts take their turns, by simulated time and then by number. Plain data,
// so that it neither depends on how SystemC sorts its events nor is lost between two processes.
#pragma once

#include <vector>

#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"

namespace hvsim::sim {

class Turns {
 public:
  static constexpr isa::Cycles kNever = ~isa::Cycles{0};

  struct Turn {
    isa::Cycles due = 0;
    bool asleep = false;  // so that it may be woken earlier
  };

  explicit Turns(unsigned harts) : turns_(harts) {}

  void wait_until(unsigned hart, isa::Cycles due) { turns_[hart] = {due, false}; }
  void sleep_until(unsigned hart, isa::Cycles due) { turns_[hart] = {due, true}; }
  // False: the hart does not sleep, and will see by itself what happened.
  bool wake(unsigned hart, isa::Cycles now) {
    if (!turns_[hart].asleep) return false;
    turns_[hart] = {now, false};
    return true;
  }

  unsigned first() const {
    unsigned first = 0;
    for (unsigned hart = 1; hart < turns_.size(); ++hart)
      if (turns_[hart].due < turns_[first].due) first = hart;
    return first;
  }
  isa::Cycles due(unsigned hart) const { return turns_[hart].due; }
  std::size_t harts() const { return turns_.size(); }
  void persist(state::Archive& archive);

 private:
  std::vector<Turn> turns_;
};

}  // namespace hvsim::sim
