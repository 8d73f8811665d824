// What the engine does for debuggers and watchdogs. All of it is off the hot paths: points cut blocks when
// they are decoded and keep pages out of level zero.
#pragma once

#include "models/cpu/engine_blocks.h"

namespace hvsim::cpu {

// CSRs that change without any instruction of this hart writing them.
constexpr bool changes_by_itself(unsigned number) {
  namespace csr = isa::csr;
  const bool counter = (number >> 5 == csr::cycle >> 5) || (number >> 5 == csr::mcycle >> 5);
  const bool top_interrupt = number == 0xFB0 || number == 0xDB0 || number == 0xEB0;  // Smaia's xtopi
  const bool overflow = number == 0xDA0;                                             // scountovf
  return counter || top_interrupt || overflow || number == csr::mip || number == csr::sip ||
         number == csr::vsip || number == csr::hip || number == csr::hgeip;
}

template <class Timing>
std::uint32_t Engine<Timing>::who_runs() const {
  return state.mode.virtualized ? accountant_.now().vm : kNoGuest;
}

template <class Timing>
bool Engine<Timing>::at_awaited_guest() const {
  return points_ != nullptr && points_->awaited && state.mode.virtualized &&
         points_->awaits(accountant_.now().vm, accountant_.now().vcpu);
}

template <class Timing>
bool Engine<Timing>::at_breakpoint() {
  if (points_ == nullptr || stepping_ || !points_->breaks_at(state.pc, who_runs())) return false;
  stop_ = Stop::breakpoint;
  deadline_ = 0;
  return true;
}

template <class Timing>
bool Engine<Timing>::cuts_before(std::uint64_t page_offset) const {
  return points_ != nullptr && points_->may_break_at_offset(page_offset);
}

// A watchpoint stops right behind the access, so that nothing may follow it in its block.
template <class Timing>
bool Engine<Timing>::cuts_after(Class klass) const {
  return points_ != nullptr && !points_->watchpoints.empty() && accesses_memory(klass);
}

// Blocks that may begin at a breakpoint are never current, so that each time they are looked at twice.
template <class Timing>
std::uint32_t Engine<Timing>::stamp_at(std::uint64_t page_offset) const {
  return cuts_before(page_offset) ? stamp_ - 1 : stamp_;
}

template <class Timing>
void Engine<Timing>::note_watched(std::uint64_t address, unsigned bytes, bool write) {
  for (const Watchpoint& point : points_->watchpoints) {
    if (!(write ? point.writes : point.reads) || !point.overlaps(address, bytes)) continue;
    if (!concerns(point.whose, who_runs())) continue;
    watch_hit_ = WatchHit{std::max(address, point.address), write};
    deadline_ = 0;
    return;
  }
}

template <class Timing>
bool Engine<Timing>::may_keep(std::uint64_t address, isa::Hpa page, bool write) const {
  if (write && page == mailbox_page_) return false;
  if (points_ != nullptr && points_->watches_page(address & ~isa::kPageMask)) return false;
  return witness_ == nullptr || !write;
}

template <class Timing>
void Engine<Timing>::note_block(std::span<const Op> ops) const {
  if (witness_ == nullptr) return;
  for (const Op& op : ops)
    if (op.run != end_of_block_handler<Engine>() && instruction(op.id).klass == Class::csr &&
        changes_by_itself(static_cast<unsigned>(op.imm) & 0xFFF))
      witness_->looked_at_time();
}

template <class Timing>
void Engine<Timing>::set_debug_points(const DebugPoints* points) {
  points_ = points != nullptr && !points->empty() ? points : nullptr;
  watch_hit_.reset();
  store_.clear();
  scratch_ = {};
  block_ = nullptr;
  link_ = nullptr;
  level_zero_.clear();
  select_spaces();
}

template <class Timing>
void Engine<Timing>::set_mailbox(isa::Hpa at) {
  mailbox_page_ = isa::Hpa{at.value & ~isa::kPageMask};
  level_zero_.clear();
  select_spaces();
}

template <class Timing>
void Engine<Timing>::set_witness(ProgressWitness* witness) {
  witness_ = witness;
  if (witness == nullptr) return;
  ++stamp_;  // each block that runs passes note_block() once
  level_zero_.clear();
  select_spaces();
}

// As run() does it, with a block of one instruction.
template <class Timing>
RunResult Engine<Timing>::step(bool devices_in_step) {
  begin_float();
  const isa::Cycles began = state.cycle;
  const std::uint64_t retired_before = state.retired;
  const auto result = [&](Stop why) {
    return RunResult{why, state.retired - retired_before, state.cycle - began};
  };
  in_step_ = devices_in_step;
  in_step_since_ = began;
  if (const auto stop = attend(began + 1)) return result(*stop);  // budget: an interrupt was taken
  stepping_ = true;
  Block* block = find_block();
  if (block != nullptr) block = current_block(block);
  stepping_ = false;
  if (block == nullptr) {
    deliver(*trap_);
  } else {
    std::vector<Op> ops{block->ops[0]};
    const Op& only = ops[0];
    const bool ends = ends_block(instruction(only.id).klass);
    Op end{};
    end.run = end_of_block_handler<Engine>();
    end.offset = only.length;
    timing_.schedule_block(std::span(ops), state.pc & isa::kPageMask);
    if (!ends) ops.push_back(end);
    block_ = use_scratch(std::move(ops), state.pc & isa::kPageMask);
    const FetchEntry& entry = fetch_->fetch[LevelZero::index(state.pc)];
    if (entry.page == (state.pc & ~isa::kPageMask)) fetch_lines(*block_, entry);
    block_->ops->run(this, block_->ops);
  }
  link_ = nullptr;
  if (stop_) return result(*std::exchange(stop_, std::nullopt));
  if (watch_hit_) return result(Stop::watchpoint);
  if (native(state.mode)) return result(Stop::hypervisor);
  return result(Stop::budget);
}

}  // namespace hvsim::cpu
