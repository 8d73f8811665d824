// What several others keep of a hart, in checkpoints.
#pragma once

#include "models/cpu/activity.h"
#include "models/cpu/branch_predictor_config.h"
#include "models/cpu/hart.h"
#include "models/cpu/hart_state.h"
#include "models/state/archive.h"

namespace hvsim::state {

template <>
struct Last<isa::HypervisorPhase> {
  static constexpr auto value = isa::HypervisorPhase::unshare;
};
template <>
struct Last<cpu::Stop> {
  static constexpr auto value = cpu::Stop::unexpected_trap;
};

}  // namespace hvsim::state

namespace hvsim::cpu {

void persist(state::Archive& archive, HartState& hart);
void persist(state::Archive& archive, BranchPredictorStats& stats);
void persist(state::Archive& archive, HartCounters& counters);
void persist(state::Archive& archive, OwnerKey& key);
void persist(state::Archive& archive, Activity& activity);

}  // namespace hvsim::cpu
