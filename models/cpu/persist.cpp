// What a hart is, what it counted and where its pipelines stand, for checkpoints.
#include "models/cpu/persist.h"

#include <algorithm>
#include <utility>

#include "models/cpu/accountant.h"
#include "models/cpu/delivery_meter.h"
#include "models/cpu/interrupt_times.h"
#include "models/cpu/timing_detailed.h"

namespace hvsim::state {

template <>
struct Last<cpu::Component> {
  static constexpr auto value = cpu::Component::idle;
};
template <>
struct Last<cpu::InterruptPath> {
  static constexpr auto value = cpu::InterruptPath::trapped;
};
template <>
struct Last<cpu::OpTimes::Unit> {
  static constexpr auto value = cpu::OpTimes::Unit::none;
};

}  // namespace hvsim::state

namespace hvsim::cpu {

namespace {

constexpr std::string_view kImpossible = "has a hart in an impossible state";
constexpr std::uint64_t kMostMarks = std::uint64_t{1} << 32;

static_assert(static_cast<unsigned>(Component::idle) + 1 == kComponents);
static_assert(isa::HypervisorPhase::unshare ==
              static_cast<isa::HypervisorPhase>(static_cast<int>(isa::HypervisorPhase::count) - 1));

}  // namespace

static void persist(state::Archive& archive, CsrState& csr) {
  auto& [mstatus, medeleg, mideleg, mie, mip, mtvec, mcounteren, menvcfg, mcountinhibit, mscratch, mepc,
         mcause, mtval, mtval2, mtinst, pmpcfg, pmpaddr, stvec, scounteren, senvcfg, sscratch, sepc, scause,
         stval, satp, stimecmp, hstatus, hedeleg, hideleg, hvip, hcounteren, hgeie, hgeip, hgatp, htimedelta,
         henvcfg, htval, htinst, vsstatus, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, vstimecmp,
         mstateen, hstateen, fflags, frm] = csr;
  archive(mstatus, medeleg, mideleg, mie, mip, mtvec, mcounteren, menvcfg, mcountinhibit, mscratch, mepc,
          mcause, mtval, mtval2, mtinst, pmpcfg, pmpaddr, stvec, scounteren, senvcfg, sscratch, sepc, scause,
          stval, satp, stimecmp, hstatus, hedeleg, hideleg, hvip, hcounteren, hgeie, hgeip, hgatp, htimedelta,
          henvcfg, htval, htinst, vsstatus, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, vstimecmp,
          mstateen, hstateen, fflags, frm);
  archive.require(((mepc | sepc | vsepc) & 1) == 0, kImpossible);
}

static void persist(state::Archive& archive, Reservation& reservation) {
  auto& [valid, set] = reservation;
  archive(valid, set);
  archive.require(set == Reservation::set_of(set), kImpossible);
}

void persist(state::Archive& archive, HartState& hart) {
  auto& [x, f, pc, mode, csr, reservation, hart_id, isa_config, cycle, retired, mcycle_offset,
         minstret_offset, cycles_per_tick, time_offset, mtimecmp, lines, mhpmcounter, mhpmevent, counted_to,
         active_counters, events] = hart;
  archive(x, f, pc, mode, csr, reservation, cycle, retired, mcycle_offset, minstret_offset, time_offset,
          mtimecmp, lines, mhpmcounter, mhpmevent, counted_to, active_counters, events);
  archive.require(x[0] == 0 && (pc & 1) == 0, kImpossible);
}

void persist(state::Archive& archive, HartCounters& counters) {
  auto& [blocks_decoded, blocks_run, traps, interrupts, walks, walk_pte_reads_first, walk_pte_reads_g,
         device_accesses] = counters;
  archive(blocks_decoded, blocks_run, traps, interrupts, walks, walk_pte_reads_first, walk_pte_reads_g,
          device_accesses);
}

// Accounts

void persist(state::Archive& archive, OwnerKey& key) {
  auto& [vm, vcpu, mode] = key;
  archive(vm, vcpu, mode);
}

void persist(state::Archive& archive, Activity& activity) {
  auto& [components, events] = activity;
  archive(components, events);
}

static void persist(state::Archive& archive, ExitCause& cause) {
  auto& [interrupt, code, extension, function] = cause;
  archive(interrupt, code, extension, function);
}

static void persist(state::Archive& archive, CellKey& key) {
  auto& [vm, vcpu, mode, in_exit, cause, phase] = key;
  archive(vm, vcpu, mode, in_exit, cause, phase);
}

static void persist(state::Archive& archive, ExitKey& key) {
  auto& [vm, cause] = key;
  archive(vm, cause);
}

static void persist(state::Archive& archive, MarkTotals& totals) {
  auto& [work_done, hypercalls_done, latencies] = totals;
  archive(work_done, hypercalls_done, latencies);
}

static void persist(state::Archive& archive, ActivityTotals& totals) {
  auto& [cycles, begun] = totals;
  archive(cycles, begun);
}

static void persist(state::Archive& archive, StatisticMark& mark) {
  auto& [at, counter, vm, value] = mark;
  archive(at, counter, vm, value);
}

void TrapCounts::persist(state::Archive& archive) {
  auto& [counts] = *this;
  archive(counts);
}

void Accountant::persist(state::Archive& archive) {
  auto& [key, traps, exit_open, exit_began, entered_at, entry_began, served, serving_since, meter, cells,
         contexts, context, exits, marks, statistics, activities, row, share, next_share, mode_shares, shares,
         settled] = *this;
  archive(key, traps, exit_open, exit_began, entered_at, entry_began, served, serving_since, exits, marks,
          activities, shares, settled);
  archive.list(statistics, kMostMarks);
  std::uint64_t count = archive.length(cells.size());
  if (archive.saving()) {
    for (auto& [cell, cycles] : cells) {
      CellKey copy = cell;
      archive(copy, *cycles);
    }
    return;
  }
  cells.clear();
  for (; count != 0 && !archive.failed(); --count) {
    CellKey cell;
    archive(cell);
    auto& cycles = cells[cell];
    cycles = std::make_unique<ComponentCycles>();
    archive(*cycles);
  }
  contexts.fill({});
  forget_shares();
  select_context();
  select_row();
  change_owner();
}

static void persist(state::Archive& archive, InterruptKey& key) {
  auto& [vm, to, code, path] = key;
  archive(vm, to, code, path);
}

void InterruptTimes::persist(state::Archive& archive) {
  auto& [pending, injected, looked, since, handling_machine, handling_supervisor, trapped_to_supervisor,
         latencies] = *this;
  archive(pending, injected, looked, since, handling_machine, handling_supervisor, trapped_to_supervisor,
          latencies);
}

static void persist(state::Archive& archive, DeliveryMeter::Vm::Issue& issue) {
  auto& [at, calls] = issue;
  archive(at, calls);
}

static void persist(state::Archive& archive, DeliveryMeter::Vm& vm) {
  auto& [issued, ran, latency, entry, depth, events, announced, served_by_own, served_by_others,
         served_by_nobody, paid_for_others, waiting] = vm;
  archive(issued, ran, latency, entry, depth, events, announced, served_by_own, served_by_others,
          served_by_nobody, paid_for_others, waiting);
}

void DeliveryMeter::persist(state::Archive& archive) {
  auto& [vms, interrupted] = *this;
  archive(vms, interrupted);
}

// Time

void persist(state::Archive& archive, BranchPredictorStats& stats) {
  auto& [branches, branch_mispredicts, indirect_jumps, indirect_mispredicts, returns, return_mispredicts] =
      stats;
  archive(branches, branch_mispredicts, indirect_jumps, indirect_mispredicts, returns, return_mispredicts);
}

void BranchPredictor::Target::persist(state::Archive& archive) {
  auto& [from, to] = *this;
  archive(from, to);
}

void BranchPredictor::persist(state::Archive& archive) {
  auto& [config, counter_mask, target_mask, history_mask, history, counters, targets, stack, top, depth,
         last_prediction, stats] = *this;
  archive(history, counters, targets, stack, top, depth, last_prediction, stats);
  archive.require(
      (history & ~history_mask) == 0 && depth <= stack.size() && (stack.empty() || top < stack.size()),
      kImpossible);
}

void WriteBuffer::Entry::persist(state::Archive& archive) {
  auto& [of_word, sent_at, answered_at] = *this;
  archive(of_word, sent_at, answered_at);
}

void WriteBuffer::Transaction::persist(state::Archive& archive) { archive(free); }

template <class T, isa::Cycles T::*time, unsigned kMost>
void InOrderOfTime<T, time, kMost>::persist(state::Archive& archive) {
  std::ranges::rotate(all(), all().begin() + std::exchange(first_, 0U));
  archive(things_);
  std::ranges::stable_sort(all(), {}, time);
}

void WriteBuffer::persist(state::Archive& archive) {
  auto& [entries, transactions, busy, empty_at] = *this;
  archive(entries, transactions, empty_at);
}

void StoreQueue::persist(state::Archive& archive) {
  auto& [buffer, store_queue, commit_queue, stores, drain_time, commits, drains, words, drained, busy_until] =
      *this;
  archive(buffer, stores, commits, drains, words, drained, busy_until);
}

void LateResults::Late::persist(state::Archive& archive) {
  auto& [of_register, by_unit, reason, ready_at, free_at, full_from] = *this;
  archive(of_register, by_unit, reason, ready_at, free_at, full_from);
}

void LateResults::persist(state::Archive& archive) {
  auto& [late, count, entries, loads_block, results, full, units, over, reader, passed, next, later, reason] =
      *this;
  archive(late, count, passed, next, later, reason);
  if (!archive.require(count <= late.size(), kImpossible)) count = 0;
  if (archive.loading()) retire(0);
}

void Pipeline::Owed::persist(state::Archive& archive) {
  auto& [first, g, stores, caches] = *this;
  archive(first, g, stores, caches);
}

void Pipeline::persist(state::Archive& archive) {
  auto& [config, costs, shift, blocks, row, booked, fetch, issue_time, issued_together, commit, before,
         x_ready, f_ready, slots, slot, alu_free, alu_result, fp_div_free, system_issue, result, lsu_taken,
         load_free, access, missed, loads, stored, store_commits, store_drains, store_words, store,
         last_drain, write_buffer, walks_from, refilled, fetch_reason, fetch_owed, data_owed, data_until] =
      *this;
  archive(booked, fetch, issue_time, issued_together, commit, before, x_ready, f_ready, slots);
  archive.below(slot, config.scoreboard_entries);
  archive(alu_free, alu_result, fp_div_free, system_issue, result, lsu_taken, load_free, access, missed,
          loads, stored, store_commits, store_drains, store_words, store, last_drain, write_buffer,
          walks_from, refilled, fetch_reason, fetch_owed, data_owed, data_until);
}

static void persist(state::Archive& archive, Transition& made) {
  auto& [from, to, cycles, branch, fp, trap, csr, dcache, store_buffer, icache, rare, began, ends, issued] =
      made;
  archive(cycles, branch, fp, trap, csr, dcache, store_buffer, icache, rare, began, ends, issued);
}

void RememberedPipeline::persist(state::Archive& archive) {
  PipelineImage image = states_[state_ - first_];
  if (last_ != nullptr) direct_ = *last_;
  archive(image.times, direct_, fetched_);
  last_ = &direct_;
  constexpr std::size_t reason = 10;  // of the last fetch, among the times of PipelineImage
  const auto number = static_cast<std::uint32_t>(image.times[reason]);
  if (archive.require(number < kComponents, kImpossible) && archive.loading()) state_ = number_of(image);
}

void InOrder::Translations::persist(state::Archive& archive) {
  auto& [is_on, has_been, from, by_all, by_model] = *this;
  archive(is_on, has_been, from, by_all, by_model);
}

void InOrder::persist(state::Archive& archive) {
  auto& [c, p, t, h, n, pipe, l, s, through, entry, leave, op, from, fetched, fetched_seen, accesses, seen,
         extra, of_data, of_fetch] = *this;
  archive(p, t, pipe, l, s, from, fetched, fetched_seen, accesses, seen, extra, of_data, of_fetch);
  if (archive.loading()) op = nullptr;
}

void Detailed::persist(state::Archive& archive) {
  InOrder::persist(archive);
  archive(pipeline);
}

}  // namespace hvsim::cpu
