// What instructions and events cost: the parameters of the timing policies.
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

  // Not pipelined: nothing else issues before they are done.
  isa::Cycles div = 20;
  isa::Cycles fp_div = 19;
  isa::Cycles fp_sqrt = 19;
  isa::Cycles atomic = 12;  // LR, SC, AMO, beyond the memory access itself

  // Control flow, beyond the one issue cycle.
  isa::Cycles taken = 1;     // bubble after a correctly predicted taken branch or jump
  bool taken_hides = false;  // fast mode: it hides where the block stalls, as fetches run ahead then
  isa::Cycles mispredict = 5;

  // System instructions, in all.
  isa::Cycles csr = 2;        // CSR accesses that change nothing the pipeline depends on
  isa::Cycles csr_flush = 8;  // writes of xstatus, satp, vsatp, hgatp, fcsr, frm, fflags
  isa::Cycles fence = 8;
  isa::Cycles tlb_fence = 8;  // SFENCE.VMA, HFENCE.*; the walks afterwards come on top
  isa::Cycles fence_i = 270;
  isa::Cycles wfi = 2;  // until the hart sleeps

  // Traps. With a five-instruction handler an ecall comes back after 24 cycles.
  isa::Cycles trap_entry = 8;   // from the trapping instruction to the handler's first
  isa::Cycles trap_return = 7;  // MRET, SRET

  // Translation and devices.
  isa::Cycles walk_start = 3;      // per page-table walk
  isa::Cycles walk_read = 3;       // per PTE that the walk finds in the L1 data cache
  isa::Cycles device_access = 20;  // load or store outside RAM
};

}  // namespace hvsim::cpu
