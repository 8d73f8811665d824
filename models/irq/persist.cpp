// Registers and lines of interrupt controllers, for checkpoints. What they drive is the harts' own state.
#include "models/irq/aclint.h"
#include "models/irq/plic.h"
#include "models/state/archive.h"

namespace hvsim::irq {

static void persist(state::Archive& archive, AclintState& state) {
  auto& [msip, mtimecmp] = state;
  archive(msip, mtimecmp);
}

static void persist(state::Archive& archive, PlicState::Context& context) {
  auto& [enabled, threshold] = context;
  archive(enabled, threshold);
}

static void persist(state::Archive& archive, PlicState& state) {
  auto& [priority, level, pending, claimed, contexts] = state;
  archive(priority, level, pending, claimed, contexts);
  for (const auto* bits : {&level, &pending, &claimed})
    archive.require(bits->back() >> (PlicState::kSources % 32 + 1) == 0, "has interrupts of no source");
}

void Aclint::persist(state::Archive& archive) { archive(state_); }

void Plic::persist(state::Archive& archive) {
  auto& [harts, state, outputs] = *this;
  archive(state, outputs);
}

}  // namespace hvsim::irq
