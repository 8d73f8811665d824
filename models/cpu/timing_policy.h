// The timing policies that the engine is instantiated with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "models/cpu/branch_predictor.h"
#include "models/cpu/late_results.h"
#include "models/cpu/op.h"
#include "models/cpu/remembered_pipeline.h"
#include "models/cpu/timing_config.h"
#include "models/cpu/write_buffer.h"
#include "models/mem/hierarchy.h"
#include "models/mmu/tlb_hierarchy.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

// One cycle per instruction; no caches, no TLBs, no predictor.
struct Untimed {
  static constexpr bool timed = false, detailed = false;
  void schedule_block(std::span<Op>, std::uint64_t) const {}
  void persist(state::Archive&) {}
};

// A remembered pipeline with modelled caches, TLBs and branch prediction.
struct InOrder {
  static constexpr bool timed = true, detailed = false;

  InOrder(const TimingConfig& timing_costs, const BranchPredictorConfig& predictor_config,
          const mmu::TlbHierarchyConfig& tlb_config, mem::Hierarchy& memory_hierarchy, unsigned hart_id,
          std::uint64_t seed = 1, const PipelineConfig& pipeline_config = {})
      : costs(timing_costs),
        predictor(predictor_config),
        tlbs(tlb_config, seed + std::uint64_t{3} * hart_id),
        caches(&memory_hierarchy),
        hart(hart_id),
        remembered(pipeline_config, costs),
        late(pipeline_config.scoreboard_entries, memory_hierarchy.config().l1d.mshrs == 1),
        stores(stores_of(pipeline_config, memory_hierarchy), stores_latency(memory_hierarchy)),
        writes_through(writes_through_in(memory_hierarchy)),
        extra_trap_entry(beyond(costs.trap_entry, pipeline_config.trap_redirect, pipeline_config)),
        extra_trap_return(beyond(costs.trap_return, pipeline_config.redirect, pipeline_config)) {}

  // Op::words is how many words must be fetched for the op after those for the one before it. A block's first
  // op pays for its first word, whoever came before it.
  void schedule_block(std::span<Op> ops, std::uint64_t pc) const {
    const unsigned shift = remembered.fetch_shift();
    std::uint64_t fetched = pc >> shift;
    for (Op& op : ops) {
      const std::uint64_t last = (pc + op.offset + op.length - 1) >> shift;
      op.words = static_cast<std::uint16_t>(last + 1 - fetched);
      fetched = last + 1;
    }
  }

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

  // The events' owner has changed.
  void begin_translations() {
    data_translations.was_on = data_translations.on;
    fetch_translations.was_on = fetch_translations.on;
  }

  void persist(state::Archive& archive);

  // Accesses that were translated, and how many of them the TLB model saw. A block counts as one fetch.
  struct Translations {
    bool on = false;          // the present address space translates
    bool was_on = false;      // it or one before it did since the events' owner changed
    std::uint64_t since = 0;  // the access counter when that was last decided
    std::uint64_t made = 0, seen = 0;
    void persist(state::Archive& archive);
    void decide(bool translates, std::uint64_t counter) {
      if (on) made += counter - since;
      on = translates;
      was_on |= translates;
      since = counter;
    }
  };

  // What a cost exceeds the way from an instruction's issue over its commit to the next one's issue by.
  static isa::Cycles beyond(isa::Cycles cost, isa::Cycles redirect, const PipelineConfig& config) {
    const isa::Cycles own = 2 + redirect + config.fetch_to_issue;
    return cost - std::min(cost, own);
  }
  // A cache that writes back takes a store per cycle, and keeps it.
  static PipelineConfig stores_of(PipelineConfig config, const mem::Hierarchy& levels) {
    if (!writes_through_in(levels)) config.write_transaction = 0;
    return config;
  }
  static isa::Cycles stores_latency(const mem::Hierarchy& levels) {
    return writes_through_in(levels) ? levels.write_latency() : 1;
  }
  static bool writes_through_in(const mem::Hierarchy& levels) {
    return levels.config().l1d.write_policy == mem::WritePolicy::write_through;
  }

  TimingConfig costs;
  BranchPredictor predictor;
  mmu::TlbHierarchy tlbs;
  mem::Hierarchy* caches;
  unsigned hart;
  // Of the `fast` mode
  RememberedPipeline remembered;
  LateResults late;
  StoreQueue stores;
  bool writes_through;
  isa::Cycles extra_trap_entry, extra_trap_return;  // beyond what the pipeline takes by itself
  const Op* present = nullptr;                      // the op that accesses memory now
  isa::Cycles walks_from = 0;                       // before, no walk may begin
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
