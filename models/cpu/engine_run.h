// The engine's run loop: block after block until the budget, an interrupt or a stop ends it.
#pragma once

#include <algorithm>

#include "models/cpu/address_space.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/engine_blocks.h"
#include "models/cpu/engine_cache_block.h"
#include "models/cpu/engine_debug.h"
#include "models/cpu/engine_events.h"
#include "models/cpu/engine_jumps.h"
#include "models/cpu/engine_native.h"
#include "models/cpu/engine_pipeline.h"
#include "models/cpu/engine_spaces.h"
#include "models/cpu/engine_system.h"
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
      huge_pages_(memory.host(memory.ram_base(), 1), memory.ram_bytes()),
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
  if (native(state.mode)) return Stop::hypervisor;
  if (const auto interrupt = next_interrupt(state, requests)) {
    ++counters_.interrupts;
    rare_events_ = true;
    deliver(*interrupt);
    if (native(state.mode)) return Stop::hypervisor;
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
  enter_spaces();
  deadline_ = 0;
  link_ = nullptr;
}

template <class Timing>
void Engine<Timing>::abandon(const Op* op) {
  watch_hit_.reset();
  fault_in_pipeline(*op);
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
  seen.native = native(taken.to);
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
bool Engine<Timing>::observe_step(const Op* op) {
  end_step(true);
  const CellKey& who = accountant_.current();
  const auto before = static_cast<std::uint64_t>(op - block_->ops);
  isa::Cycles issued = before;
  if constexpr (Timing::detailed)
    issued = timing_.pipeline.committed() - state.cycle;
  else if constexpr (Timing::timed)
    issued = static_cast<isa::Cycles>(std::max(timing_.remembered.times(*block_).ops[before].issue, 0));
  step_open_ = config_.observer->begins(state, {.op = op,
                                                .pc = pc(*op),
                                                .mode = state.mode,
                                                .cycle = state.cycle + issued,
                                                .retired = state.retired + before,
                                                .vm = who.vm,
                                                .vcpu = who.vcpu});
  return step_open_;
}

template <class Timing>
void Engine<Timing>::leave_before(const Op* op) {
  account_before(op);
  state.pc += op->offset;
  link_ = nullptr;
  stop_ = Stop::breakpoint;
  deadline_ = 0;
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
[[gnu::always_inline]] inline void Engine<Timing>::account_block(BlockEnd end) {
  const Block& block = *block_;
  state.retired += block.count;
  ++counters_.blocks_run;
  if constexpr (Timing::timed) {
    timing_.data_accesses += block.data_accesses;
    timing_.fetch_lines += block.lines;
  }
  if constexpr (Timing::detailed) {
    (void)end;
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    const Transition* const known = timing_.remembered.usual_passage(block, end);
    if (timing_.late.any() || known == nullptr) [[unlikely]]
      return pass_block(end);
    state.cycle += timing_.remembered.pass(*known, *row_);
  } else {
    charge_ops(block.count, block.float_count);
  }
}

// In whatever state: called last, so that what is usual needs none of the host's registers saved.
template <class Timing>
[[gnu::noinline]] void Engine<Timing>::pass_block(BlockEnd end) {
  if constexpr (Timing::timed && !Timing::detailed) {
    Block& block = *block_;
    if (timing_.late.any()) {
      wait_for_late_results(block.ops + block.count);
      charge(timing_.late.why(), timing_.late.end_block());
    }
    state.cycle += timing_.remembered.pass(block, end, *row_);
  } else {
    (void)end;
  }
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

}  // namespace hvsim::cpu
