// The timing policies that the engine is instantiated with.
#pragma once

#include <cstdint>
#include <span>

#include "models/cpu/branch_predictor.h"
#include "models/cpu/issue_schedule.h"
#include "models/cpu/op.h"
#include "models/cpu/timing_config.h"
#include "models/mem/hierarchy.h"
#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::cpu {

// One cycle per instruction; no caches, no TLBs, no predictor.
struct Untimed {
  static constexpr bool timed = false;
  void schedule_block(std::span<Op> ops) const {
    for (std::size_t i = 0; i < ops.size(); ++i) ops[i].issue = static_cast<std::uint16_t>(i + 1);
  }
};

// In-order single issue with modelled caches, TLBs and branch prediction.
struct InOrder {
  static constexpr bool timed = true;

  InOrder(const TimingConfig& timing_costs, const BranchPredictorConfig& predictor_config,
          const mmu::TlbHierarchyConfig& tlb_config, mem::Hierarchy& memory_hierarchy, unsigned hart_id)
      : costs(timing_costs), predictor(predictor_config), tlbs(tlb_config), caches(&memory_hierarchy), hart(hart_id) {}

  void schedule_block(std::span<Op> ops) const { schedule(ops, costs); }

  TimingConfig costs;
  BranchPredictor predictor;
  mmu::TlbHierarchy tlbs;
  mem::Hierarchy* caches;
  unsigned hart;
  // Accesses that level zero or the presence masks answered are counted in bulk when statistics are read.
  std::uint64_t fetch_lines = 0;        // L1I line touches by blocks that ran
  std::uint64_t fetch_lines_seen = 0;   // of which the cache model saw
  std::uint64_t data_accesses = 0;      // loads, stores and atomics that retired
  std::uint64_t data_lines_seen = 0;    // accesses that the L1D model saw
  std::uint64_t data_lines_extra = 0;   // second halves of line-crossing accesses and fault retries
};

}  // namespace hvsim::cpu
