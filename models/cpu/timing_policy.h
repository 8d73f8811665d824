// The timing policies that the engine is instantiated with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "models/cpu/branch_predictor.h"
#include "models/cpu/issue_schedule.h"
#include "models/cpu/op.h"
#include "models/cpu/timing_config.h"
#include "models/cpu/write_buffer.h"
#include "models/mem/hierarchy.h"
#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::cpu {

// One cycle per instruction; no caches, no TLBs, no predictor.
struct Untimed {
  static constexpr bool timed = false, detailed = false;
  void schedule_block(std::span<Op> ops, std::uint64_t) const {
    for (std::size_t i = 0; i < ops.size(); ++i) ops[i].issue = static_cast<std::uint16_t>(i + 1);
  }
};

// In-order single issue with modelled caches, TLBs and branch prediction.
struct InOrder {
  static constexpr bool timed = true, detailed = false;

  InOrder(const TimingConfig& timing_costs, const BranchPredictorConfig& predictor_config,
          const mmu::TlbHierarchyConfig& tlb_config, mem::Hierarchy& memory_hierarchy, unsigned hart_id,
          std::uint64_t seed = 1, const PipelineConfig& pipeline_config = {})
      : costs(timing_costs),
        predictor(predictor_config),
        tlbs(tlb_config, seed + std::uint64_t{3} * hart_id),
        caches(&memory_hierarchy),
        hart(hart_id) {
    if (caches->config().l1d.write_policy == mem::WritePolicy::write_through)
      stores.emplace(pipeline_config, caches->write_latency());
  }

  void schedule_block(std::span<Op> ops, std::uint64_t) const { schedule(ops, costs); }

  // Hits that level zero and the presence masks answered, into the models' statistics (modulo 2^64, as an
  // access that faulted was seen and not made). Call when idle.
  void settle() {
    using Kind = mem::Hierarchy::Kind;
    caches->count_hits(hart, Kind::fetch, fetch_lines - fetch_lines_seen);
    fetch_lines = fetch_lines_seen = 0;
    caches->count_hits(hart, Kind::load, data_accesses + data_lines_extra - data_lines_seen);
    data_accesses = data_lines_extra = data_lines_seen = 0;
    data_translations.since = 0;
    settle_side(mmu::TlbHierarchy::Side::data, data_translations);
    settle_side(mmu::TlbHierarchy::Side::fetch, fetch_translations);
  }

  // Accesses that were translated, and how many of them the TLB model saw. A block counts as one fetch.
  struct Translations {
    bool on = false;          // the present address space translates
    std::uint64_t since = 0;  // the access counter when that was last decided
    std::uint64_t made = 0, seen = 0;
    void decide(bool translates, std::uint64_t counter) {
      if (on) made += counter - since;
      on = translates;
      since = counter;
    }
  };

  TimingConfig costs;
  BranchPredictor predictor;
  mmu::TlbHierarchy tlbs;
  mem::Hierarchy* caches;
  unsigned hart;
  std::optional<StoreQueue> stores;  // where the L1D writes through
  // What ran, counted per block; what the models saw, counted per event. The difference is hits.
  std::uint64_t fetch_lines = 0, fetch_lines_seen = 0;  // L1I lines
  std::uint64_t data_accesses = 0;                      // loads, stores and atomics
  std::uint64_t data_lines_seen = 0;                    // L1D lines that the model was asked for
  std::uint64_t data_lines_extra = 0;                   // of which on top of one per instruction
  Translations data_translations, fetch_translations;

 private:
  void settle_side(mmu::TlbHierarchy::Side side, Translations& translations) {
    tlbs.side(side).count_hits(translations.made - translations.seen);
    translations.made = translations.seen = 0;
  }
};

}  // namespace hvsim::cpu
