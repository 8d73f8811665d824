// What privileged instructions, fences and marks need of the engine: exact state before them, a new look
// after.
#pragma once

#include "models/cpu/engine_events.h"
#include "models/cpu/engine_pipeline.h"
#include "models/cpu/engine_spaces.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

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
  enter_spaces();
  deadline_ = 0;
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
  if (mark == isa::MarkKind::phase || mark == isa::MarkKind::vcpu) use_row();
  if (mark == isa::MarkKind::vcpu) interrupt_times_.vcpu_changed();
  if (listener_ == nullptr || mark == isa::MarkKind::work_done) return;
  if (mark == isa::MarkKind::phase && !hears_phases_) return;
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
