// How far a VCPU has got with running what its VM deferred. Its turn may end in between; then it goes on from
// here when it has a hart again.
#pragma once

#include <cstdint>

namespace hv {

struct Drain {
  static constexpr std::uint64_t kNoBudget = ~std::uint64_t{0};
  // From one look at who else wants the hart to the next, in cycles; calls are not interrupted.
  static constexpr std::uint64_t kLookCycles = 2000;

  bool begun = false;
  bool left_over = false;        // in a ring, by want of room in the queue, though the budget may suffice
  std::uint8_t step = 0;         // the hart whose queue it is; of a VM's: how many rings were begun after it
  std::uint64_t until = 0;       // tickets of the queue below this one are to run
  std::uint64_t ring_until = 0;  // of the last ring begun: calls with numbers below this one are, too
  std::uint64_t budget = kNoBudget;  // cycles that are left of it
};

}  // namespace hv
