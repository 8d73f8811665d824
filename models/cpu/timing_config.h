// What instructions and events cost: the parameters of the timing policies that the pipeline's structure
// (PipelineConfig) does not say.
#pragma once

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// Defaults follow RTL measurements of an in-order six-stage RV64GCH core (CVA6), rounded.
// An instruction issues in one cycle; the rest is what it adds. Cache, TLB and memory time come on top.
struct TimingConfig {
  // Result latencies: a dependent instruction may issue that many cycles after its producer.
  isa::Cycles alu = 1;
  isa::Cycles mul = 2;
  isa::Cycles load_use = 2;  // beyond 1: a load's result used by the very next instruction waits so long
  isa::Cycles fp_add = 4;
  isa::Cycles fp_mul = 4;
  isa::Cycles fp_fma = 4;
  isa::Cycles fp_single_saves = 0;  // by which addition and multiplication of singles are faster
  isa::Cycles fp_convert = 3;
  isa::Cycles fp_move = 2;  // moves, sign injection, min/max, comparisons, classify

  isa::Cycles taken = 1;      // bubble after a correctly predicted taken branch or jump, if nothing hides it
  isa::Cycles fence_i = 270;  // FENCE.I, beyond emptying the write buffer

  // Traps and returns, from the instruction's issue to the next one's: no less than the pipeline takes.
  isa::Cycles trap_entry = 8;
  isa::Cycles trap_return = 7;

  // Translation and devices.
  isa::Cycles walk_start = 3;      // per page-table walk
  isa::Cycles walk_read = 3;       // per PTE that the walk finds in the L1 data cache
  isa::Cycles device_access = 20;  // load or store outside RAM
};

}  // namespace hvsim::cpu
