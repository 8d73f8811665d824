// What the hypervisor counts about each VM: plain numbers, no time.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/exits.h"

namespace hv {

struct VmStatistics {
  std::array<std::uint64_t, static_cast<std::size_t>(ExitReason::count)> exits{};  // by reason
  std::array<std::uint64_t, abi::kHypercallCount> hypercalls{};  // by number: routines that ran
  std::uint64_t sbi_calls = 0;
  std::uint64_t rejected_calls = 0;   // hypercalls that were refused for their arguments or number
  std::uint64_t entries = 0;          // times one of its VCPUs was entered
  std::uint64_t notifications = 0;    // traps that announced deferrable calls
  std::uint64_t queued = 0;           // deferrable calls put into a queue
  std::uint64_t from_rings = 0;       // of them, those that came through a ring
  std::uint64_t drained = 0;          // deferrable calls run from a queue
  std::uint64_t deepest_queue = 0;    // most calls ever waiting at once
  std::uint64_t overflow_drains = 0;  // times a full queue was drained on the spot
  std::uint64_t barrier_drains = 0;   // times a non-deferrable call found something to drain
  std::uint64_t blocking_drains = 0;  // times the last VCPU to block found something to drain
  std::uint64_t budget_stops = 0;     // drains at entry that ended with calls left over
  std::uint64_t forced_drains = 0;    // drains at entry that ignored the budget: calls had waited long enough
  std::uint64_t interrupted_drains = 0;     // times a drain gave way, with a call of this VM next
  std::uint64_t ring_errors = 0;            // times a ring's index could not be, and the ring was passed over
  std::uint64_t completion_interrupts = 0;  // completed calls that asked for one
  std::array<std::uint64_t, 16> counters{};  // statistics_update
};

}  // namespace hv
