// Static issue: when each instruction of a block leaves an in-order, single-issue pipeline whose operands
// come from the block itself. Run-time events (caches, TLBs, mispredictions) are charged as they happen.
#pragma once

#include <span>

#include "models/cpu/accountant.h"
#include "models/cpu/op.h"
#include "models/cpu/timing_config.h"

namespace hvsim::cpu {

// Sets Op::issue of every op: cycles from the block's start until the next instruction could issue.
void schedule(std::span<Op> ops, const TimingConfig& costs);

// CSR writes after which the pipeline starts anew, because fetch or later operations depend on them.
bool flushes_pipeline(const Op& op);
// SFENCE.VMA, HFENCE.* and their like in Svinval.
bool is_translation_fence(Id id);

// Where the issue cycles of an op are booked.
constexpr Component issue_component(const Op& op, Class klass) {
  if (op.id == Id::mret || op.id == Id::sret) return Component::trap;
  if (klass == Class::csr) return Component::csr;
  if (klass >= Class::fp_add && klass <= Class::fp_move) return Component::fp;
  return Component::base;
}

}  // namespace hvsim::cpu
