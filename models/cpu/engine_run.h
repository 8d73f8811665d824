// The engine's run loop: block after block until the budget, an interrupt or a stop ends it.
#pragma once

#include <algorithm>

#include "models/cpu/address_space.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/engine_blocks.h"
#include "models/cpu/engine_cache_block.h"
#include "models/cpu/engine_debug.h"
#include "models/cpu/engine_events.h"
#include "models/cpu/engine_pipeline.h"
#include "models/cpu/host_float.h"
#include "models/cpu/interrupts.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/trap.h"

namespace hvsim::cpu {

template <class Timing>
Engine<Timing>::Engine(const HartConfig& config, mem::PhysicalMemory& memory, DevicePort& devices,
                       Timing timing)
    : state(state_storage_),
      config_(config),
      memory_(memory),
      devices_(devices),
      mmu_(memory, pmp_),
      timing_(std::move(timing)) {
  state.hart_id = config.hart_id;
  state.isa_config = config.isa;
  state.cycles_per_tick = config.cycles_per_tick;
  if constexpr (Timing::timed) line_shift_ = timing_.caches->presence().line_shift;
  use_row();
  state_changed();
}

template <class Timing>
RunResult Engine<Timing>::run(isa::Cycles budget, bool devices_in_step) {
  begin_float();
  const isa::Cycles began = state.cycle;
  const std::uint64_t retired_before = state.retired;
  const isa::Cycles end = began + budget;
  in_step_ = devices_in_step;
  in_step_since_ = began;
  deadline_ = 0;
  Stop why = Stop::budget;
  Block* block = nullptr;
  for (;;) {
    if (state.cycle >= deadline_) [[unlikely]] {
      block = nullptr;
      if (const auto stop = attend(end)) {
        why = *stop;
        break;
      }
    }
    if (block == nullptr) {
      block = find_block();
      if (block != nullptr && link_ != nullptr && block != &scratch_) *link_ = block;
    }
    link_ = nullptr;
    if (block != nullptr && ((block->stamp != stamp_) | (block->uses_float & !float_on_))) [[unlikely]]
      block = current_block(block);
    if (block == nullptr) {  // a fetch fault or a breakpoint
      if (trap_) deliver(*trap_);
      continue;
    }
    block_ = block;
    if constexpr (Timing::timed) {
      const FetchEntry& entry = fetch_->fetch[LevelZero::index(state.pc)];
      if (entry.page == (state.pc & ~isa::kPageMask) &&
          (block->line_mask & ~entry.presence[block->line_word]) != 0) [[unlikely]]
        fetch_lines(*block, entry);
    }
    block->ops->run(this, block->ops);
    block = link_ != nullptr ? *link_ : nullptr;
  }
  end_step(true);
  return {why, state.retired - retired_before, state.cycle - began};
}

// What must happen between blocks: a stop asked for, the end of the budget, interrupts.
template <class Timing>
std::optional<Stop> Engine<Timing>::attend(isa::Cycles end) {
  link_ = nullptr;
  if (respace_) select_spaces();
  if (stop_) return std::exchange(stop_, std::nullopt);
  if (watch_hit_) return Stop::watchpoint;
  if (state.active_counters != 0) settle_events();  // an overflow is a request
  const std::uint64_t requests = pending(state);
  interrupt_times_.look(state, requests, accountant_.entered_at() == state.cycle);
  if (config_.host_hypervisor && state.mode == isa::Mode{isa::Privilege::supervisor, false})
    return Stop::hypervisor;
  if (const auto interrupt = next_interrupt(state, requests)) {
    ++counters_.interrupts;
    deliver(*interrupt);
    if (config_.host_hypervisor && state.mode == isa::Mode{isa::Privilege::supervisor, false})
      return Stop::hypervisor;
  }
  if (at_awaited_guest()) return Stop::breakpoint;
  if (state.cycle >= end) return Stop::budget;
  deadline_ = std::min(end, next_timer_cycle(state));
  if (state.active_counters != 0) deadline_ = std::min(deadline_, next_overflow_cycle(state, false));
  return std::nullopt;
}

template <class Timing>
void Engine<Timing>::deliver(const isa::Trap& trap, const Op* op) {
  end_step(op == nullptr);
  if (op == nullptr) interrupt_pipeline();
  ++counters_.traps;  // an event of the mode that traps
  if (state.active_counters != 0) settle_events();
  const TrapTaken taken = take_trap(state, trap);
  if (config_.observer != nullptr) [[unlikely]]
    observe_trap(taken, op);
  trap_.reset();
  fault_.reset();
  accountant_.trapped(state, taken);
  if constexpr (Timing::timed) timing_.predictor.switched_mode();
  use_row();
  if constexpr (Timing::timed) {
    leave_pipeline(op, taken.epc + (op != nullptr ? op->length : 0));
    charge(Component::trap, timing_.extra_trap_entry);
  } else {
    charge(Component::trap, 1);  // so that a hart that only traps still gets through its budget
  }
  interrupt_times_.trapped(state, taken, taken.to.virtualized ? accountant_.now().vm : kNoVm);
  const bool handler_traps = !trap.interrupt && taken.from == taken.to && taken.epc == state.pc;
  if (handler_traps && taken.to.privilege == isa::Privilege::machine) stop_ = Stop::unexpected_trap;
  select_spaces();
  deadline_ = 0;
  link_ = nullptr;
}

template <class Timing>
void Engine<Timing>::abandon(const Op* op) {
  watch_hit_.reset();
  if constexpr (Timing::detailed) fault_in_pipeline(*op);
  account_before(op);
  state.pc += op->offset;
  link_ = nullptr;
  deadline_ = 0;
  if (!trap_) return end_step(false);  // it only has to wait for the other harts
  if (fault_) trap_ = trap_of(*fault_, op->raw);
  deliver(*trap_, op);
}

template <class Timing>
void Engine<Timing>::abandon_system(const Op* op) {
  if constexpr (Timing::detailed) {
    if (instruction(op->id).klass != Class::csr) timing_.pipeline.found_illegal();
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    state.cycle += timing_.remembered.pass(*block_, BlockEnd::trapped, *row_);
  }
  link_ = nullptr;
  deadline_ = 0;
  if (!trap_) return end_step(false);
  deliver(*trap_, op);
}

template <class Timing>
void Engine<Timing>::observe_trap(const TrapTaken& taken, const Op* op) {
  const CellKey& who = accountant_.current();
  TrapSeen seen{.taken = taken, .op = op, .vm = who.vm, .vcpu = who.vcpu};
  seen.native = config_.host_hypervisor && taken.to == isa::Mode{isa::Privilege::supervisor, false};
  FaultSeen fault;
  if (fault_) {
    const bool walked = walked_ == fault_->address;
    fault = {.kind = fault_->kind,
             .access = fault_->access,
             .address = fault_->address,
             .space = fault_->space,
             .why = fault_->why,
             .physical = fault_->physical,
             .walk = walked ? &walk_ : nullptr};
    seen.fault = &fault;
  }
  config_.observer->trapped(state, seen);
}

template <class Timing>
void Engine<Timing>::observe_step(const Op* op) {
  end_step(true);
  const CellKey& who = accountant_.current();
  const auto before = static_cast<std::uint64_t>(op - block_->ops);
  isa::Cycles issued = before;
  if constexpr (Timing::detailed)
    issued = timing_.pipeline.committed() - state.cycle;
  else if constexpr (Timing::timed)
    issued = static_cast<isa::Cycles>(std::max(timing_.remembered.times(*block_)[before].issue, 0));
  config_.observer->begins(state, {.op = op,
                                   .pc = pc(*op),
                                   .mode = state.mode,
                                   .cycle = state.cycle + issued,
                                   .retired = state.retired + before,
                                   .vm = who.vm,
                                   .vcpu = who.vcpu});
  step_open_ = true;
}

// The step that the observer was told of is over.
template <class Timing>
void Engine<Timing>::end_step(bool retired) {
  if (!step_open_) [[likely]]
    return;
  step_open_ = false;
  if (retired)
    config_.observer->retired(state);
  else
    config_.observer->abandoned(state);
}

template <class Timing>
bool Engine<Timing>::illegal(const Op& op) {
  return raise({.code = static_cast<std::uint8_t>(isa::Exception::illegal_instruction), .tval = op.raw});
}

template <class Timing>
inline void Engine<Timing>::account_block(BlockEnd end) {
  Block& block = *block_;
  state.retired += block.count;
  if constexpr (Timing::detailed) {
    (void)end;
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    if (timing_.late.any()) [[unlikely]] {
      wait_for_late_results(block.ops + block.count);
      charge(timing_.late.why(), timing_.late.end_block());
    }
    state.cycle += timing_.remembered.pass(block, end, *row_);
  } else {
    charge_ops(block.count, block.float_count);
  }
  if constexpr (Timing::timed) {
    timing_.data_accesses += block.data_accesses;
    timing_.fetch_lines += block.lines;
  }
  ++counters_.blocks_run;
}

// Without timing: one cycle each.
template <class Timing>
inline void Engine<Timing>::charge_ops(std::uint64_t count, std::uint64_t floats) {
  state.cycle += count;
  (*row_)[static_cast<unsigned>(Component::base)] += count - floats;
  (*row_)[static_cast<unsigned>(Component::fp)] += floats;
}

// The ops before `op` have retired.
template <class Timing>
void Engine<Timing>::account_before(const Op* op) {
  const auto count = static_cast<std::uint64_t>(op - block_->ops);
  std::uint64_t floats = 0;
  for (const Op* done = block_->ops; done != op; ++done) {
    const Class klass = instruction(done->id).klass;
    floats += is_float_class(klass);
    if constexpr (Timing::timed) timing_.data_accesses += accesses_memory(klass);
  }
  state.retired += count;
  if constexpr (Timing::detailed) {
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    if (timing_.late.any()) wait_for_late_results(op);
    drain_late_results();
    const bool faults = trap_ && accesses_memory(instruction(op->id).klass);
    state.cycle += timing_.remembered.pass_before(*block_, *op, faults, *row_);
  } else {
    charge_ops(count, floats);
  }
  if constexpr (Timing::timed) timing_.fetch_lines += block_->lines;
  ++counters_.blocks_run;
}

template <class Timing>
void Engine<Timing>::begin_system(const Op* op) {
  const std::uint64_t ops_before = static_cast<std::uint64_t>(op - block_->ops);
  state.retired += ops_before;
  if constexpr (Timing::detailed) {
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    if (timing_.late.any()) [[unlikely]]
      wait_for_late_results(op + 1);
    state.cycle += timing_.remembered.pass(*block_, BlockEnd::on, *row_);
    drain_late_results();
    if (instruction(op->id).klass == Class::fence_i || is_translation_fence(op->id))
      charge(Component::store_buffer, timing_.stores.drain(state.cycle));
  } else {
    charge_ops(ops_before, block_->float_count);
  }
  if constexpr (Timing::timed) {
    timing_.data_accesses += block_->data_accesses;
    timing_.fetch_lines += block_->lines;
  }
  ++counters_.blocks_run;
  state.pc += op->offset;
  next_pc = state.pc + op->length;
  const bool selects_events = static_cast<unsigned>(op->imm) >> 5 == isa::csr::mcountinhibit >> 5;
  if (state.active_counters != 0 || selects_events) settle_events();
}

// The op has retired; now whatever it may have changed is looked at again.
template <class Timing>
void Engine<Timing>::end_system(const Op* op) {
  const Class klass = instruction(op->id).klass;
  if constexpr (Timing::detailed) {
    finish_in_pipeline(*op);
  } else if constexpr (Timing::timed) {
    state.cycle += timing_.remembered.pass(*block_, BlockEnd::done, *row_);
    if (is_translation_fence(op->id))
      timing_.walks_from = state.cycle + timing_.remembered.config().tlb_flush_block;
    const bool returns = op->id == Id::mret || op->id == Id::sret;
    if (klass != Class::mark && !returns && (klass != Class::csr || flushes_pipeline(*op)))
      charge(Component::icache, run_ahead(state.pc + op->length, timing_.remembered.wrong_path()));
  } else {
    const bool returns = op->id == Id::mret || op->id == Id::sret;
    charge(returns ? Component::trap : klass == Class::csr ? Component::csr : Component::base, 1);
  }
  ++state.retired;
  const bool moved = next_pc != state.pc + op->length;
  state.pc = next_pc;
  link_ = !moved && (op->rs3 & kFallThroughInPage) ? &block_->fall_through : nullptr;
  if (klass == Class::csr) {
    const auto number = static_cast<unsigned>(op->imm);
    const bool reads_only = op->rs1 == 0 && op->id != Id::csrrw && op->id != Id::csrrwi;
    if (reads_only || plain_storage(number)) return;
    if (csr_file::affects_translation(number)) {
      if (is_pmp(number)) update_pmp();
      select_spaces();
    }
    deadline_ = 0;
    return;
  }
  if (klass == Class::mark || klass == Class::fence_i) return;
  if (op->id == Id::mret || op->id == Id::sret) {
    accountant_.mode_changed(state);
    use_row();
    if constexpr (Timing::timed) {
      timing_.predictor.switched_mode();
      charge(Component::trap, timing_.extra_trap_return);
    }
  }
  select_spaces();
  deadline_ = 0;
}

template <class Timing>
inline void Engine<Timing>::branch_outcome(const Op* op, bool taken) {
  const std::uint64_t at = state.pc + op->offset;
  const std::uint64_t next = at + op->length;
  const std::uint64_t target = at + static_cast<std::uint64_t>(std::int64_t{op->imm});
  BlockEnd end = taken ? BlockEnd::taken : BlockEnd::on;
  if constexpr (Timing::timed)
    if (timing_.predictor.predict_and_update_branch(at, taken, op->imm < 0)) [[unlikely]]
      end = BlockEnd::mispredicted;
  if constexpr (Timing::detailed) {
    if (end == BlockEnd::mispredicted) [[unlikely]]
      mispredicted(taken ? next : target, !taken);
    else if (taken)
      timing_.pipeline.taken();
    else
      timing_.pipeline.continue_at(next);
  }
  if (taken)
    finish_block(target, op->rs3 & kTakenInPage ? &block_->taken : nullptr, end);
  else
    finish_block(next, op->rs3 & kFallThroughInPage ? &block_->fall_through : nullptr, end);
  if constexpr (Timing::timed && !Timing::detailed)
    if (end == BlockEnd::mispredicted) [[unlikely]]
      mispredicted(taken ? next : target, !taken);
}

template <class Timing>
inline void Engine<Timing>::direct_jump(const Op* op, std::uint64_t target) {
  if constexpr (Timing::timed) {
    if constexpr (Timing::detailed) timing_.pipeline.taken();
    if (is_link_register(op->rd)) timing_.predictor.call(pc(*op) + op->length);
  }
  finish_block(target, op->rs3 & kTakenInPage ? &block_->taken : nullptr, BlockEnd::taken);
}

template <class Timing>
inline void Engine<Timing>::indirect_jump(const Op* op, std::uint64_t target) {
  BlockEnd end = BlockEnd::taken;
  if constexpr (Timing::timed) {
    const bool is_call = is_link_register(op->rd);
    const bool is_return = is_link_register(op->rs1) && op->rs1 != op->rd;
    const bool missed =
        timing_.predictor.jump_register(pc(*op), target, pc(*op) + op->length, is_call, is_return);
    if constexpr (Timing::detailed)
      missed ? mispredicted_jump(pc(*op) + op->length) : timing_.pipeline.taken();
    if (missed) end = BlockEnd::mispredicted;
  }
  const std::uint64_t next = pc(*op) + op->length;
  finish_block(target, nullptr, end);
  if constexpr (Timing::timed && !Timing::detailed)
    if (end == BlockEnd::mispredicted) [[unlikely]]
      mispredicted_jump(next);
  (void)next;
}

// CSRs that hold a value and nothing else: writing them changes neither translation nor interrupts.
template <class Timing>
constexpr bool Engine<Timing>::plain_storage(unsigned number) {
  switch (number) {
    case isa::csr::sscratch:
    case isa::csr::sepc:
    case isa::csr::scause:
    case isa::csr::stval:
    case isa::csr::stvec:
    case isa::csr::mscratch:
    case isa::csr::mepc:
    case isa::csr::mcause:
    case isa::csr::mtval:
    case isa::csr::mtvec:
    case isa::csr::htval:
    case isa::csr::htinst:
    case isa::csr::vsscratch:
    case isa::csr::vsepc:
    case isa::csr::vscause:
    case isa::csr::vstval:
    case isa::csr::vstvec:
    case isa::csr::fflags:
    case isa::csr::frm:
    case isa::csr::fcsr:
      return true;
    default:
      return false;
  }
}

template <class Timing>
constexpr bool Engine<Timing>::is_pmp(unsigned number) {
  return number >= isa::csr::pmpcfg0 && number < isa::csr::pmpaddr0 + 64;
}

// Cycles and events from here on belong to whom the accountant says.
template <class Timing>
void Engine<Timing>::use_row() {
  row_ = &accountant_.row();
  if constexpr (Timing::detailed) timing_.pipeline.book_into(row_);
  if (accountant_.owner_changed()) accountant_.settle(count_events());
}

template <class Timing>
void Engine<Timing>::update_pmp() {
  const auto entries = state.isa_config.pmp_entries;
  pmp_.update(std::span(state.csr.pmpcfg).first(entries), std::span(state.csr.pmpaddr).first(entries));
  level_zero_.clear();
}

// FS Off in mstatus, or with V=1 in vsstatus too, makes F and D illegal.
inline bool may_use_float(const HartState& state) {
  return (state.csr.mstatus & isa::csr::kFs) != 0 &&
         (!state.mode.virtualized || (state.csr.vsstatus & isa::csr::kFs) != 0);
}

template <class Timing>
void Engine<Timing>::select_spaces() {
  respace_ = false;
  data_ = &level_zero_.select(data_space(state));
  fetch_ = &level_zero_.select(fetch_space(state));
  note_translation();
  float_on_ = may_use_float(state);
}

template <class Timing>
void Engine<Timing>::note_translation() {
  if constexpr (Timing::timed) {
    timing_.data_translations.decide(translates(data_->space), timing_.data_accesses);
    timing_.fetch_translations.decide(translates(fetch_->space), counters_.blocks_run);
  }
}

template <class Timing>
void Engine<Timing>::settle_statistics() {
  note_translation();
  if constexpr (Timing::timed) timing_.settle();
  accountant_.settle(count_events());
}

template <class Timing>
void Engine<Timing>::reset_statistics(isa::Cycles now) {
  settle_statistics();
  accountant_.reset(now);
  use_row();
  walks_.reset();
  interrupt_times_.reset();
}

template <class Timing>
void Engine<Timing>::state_changed() {
  update_pmp();
  mode_changed();
}

template <class Timing>
void Engine<Timing>::mode_changed() {
  accountant_.mode_changed(state);
  use_row();
  select_spaces();
  deadline_ = 0;
}

template <class Timing>
void Engine<Timing>::set_line(isa::Interrupt line, bool high) {
  if (high)
    state.lines |= isa::bit(line);
  else
    state.lines &= ~isa::bit(line);
  deadline_ = 0;
}

template <class Timing>
bool Engine<Timing>::wakes() const {
  return wfi_wakes(state);
}

template <class Timing>
isa::Cycles Engine<Timing>::next_timer() const {
  const bool counter_wakes = (state.csr.mie & isa::bit(isa::Interrupt::counter_overflow)) != 0;
  const isa::Cycles timer = next_timer_cycle(state);
  return counter_wakes ? std::min(timer, next_overflow_cycle(state, true)) : timer;
}

template <class Timing>
void Engine<Timing>::idle(isa::Cycles cycles) {
  charge(Component::idle, cycles);
  if (state.active_counters != 0) settle_events();
}

template <class Timing>
void Engine<Timing>::wait_for_interrupt() {
  if (!wfi_wakes(state)) stop_ = Stop::wait_for_interrupt;
}

template <class Timing>
void Engine<Timing>::mark(std::uint16_t kind, std::uint64_t value) {
  const auto mark = static_cast<isa::MarkKind>(kind);
  if (!may_mark(state.mode, mark)) return;
  accountant_.marked(state, kind, value);
  use_row();
  if (mark == isa::MarkKind::vcpu) interrupt_times_.vcpu_changed();
  if (listener_ == nullptr || mark == isa::MarkKind::phase || mark == isa::MarkKind::work_done) return;
  listener_->marked(state.hart_id, state.cycle, accountant_.now(), mark, value);
}

template <class Timing>
void Engine<Timing>::fence(const TranslationFence& asked) {
  TranslationFence fence = asked;
  if constexpr (Timing::timed) {
    if (timing_.remembered.config().fences_take_all) fence.address = fence.space = std::nullopt;
    const auto space = fence.space ? std::optional(static_cast<std::uint16_t>(*fence.space)) : std::nullopt;
    const auto vmid =
        static_cast<std::uint16_t>(state.csr.hgatp >> isa::csr::kVmidShift & isa::csr::kVmidMask);
    const auto gva = fence.address ? std::optional(isa::Gva{*fence.address}) : std::nullopt;
    switch (fence.kind) {
      case TranslationFence::Kind::sfence_vma:
        timing_.tlbs.fence_first_stage(fence.virtualized ? std::optional(vmid) : std::nullopt, gva, space);
        break;
      case TranslationFence::Kind::hfence_vvma:
        timing_.tlbs.fence_first_stage(vmid, gva, space);
        break;
      case TranslationFence::Kind::hfence_gvma:
        timing_.tlbs.fence_g_stage(fence.address ? std::optional(isa::Gpa{*fence.address}) : std::nullopt,
                                   space);
        break;
    }
  }
  // Beyond what the manual asks: small kernels load programs with no other fence than this.
  if (asked.kind == TranslationFence::Kind::sfence_vma && !asked.address && !asked.space) ++stamp_;
  forget_all();
}

}  // namespace hvsim::cpu
