// How blocks end: branches and jumps, as predicted or not.
#pragma once

#include "models/cpu/engine_pipeline.h"

namespace hvsim::cpu {

template <class Timing>
inline void Engine<Timing>::branch_outcome(const Op* op, bool taken) {
  const std::uint64_t at = state.pc + op->offset;
  const std::uint64_t next = at + op->length;
  const std::uint64_t target = at + static_cast<std::uint64_t>(std::int64_t{op->imm});
  if constexpr (Timing::timed) {
    if (timing_.predictor.predict_and_update_branch(at, taken, op->imm < 0)) [[unlikely]]
      return branch_mispredicted(op, taken);
    if constexpr (Timing::detailed) taken ? timing_.pipeline.taken() : timing_.pipeline.continue_at(next);
  }
  if (taken)
    finish_block(target, op->rs3 & kTakenInPage ? &block_->taken : nullptr, BlockEnd::taken);
  else
    finish_block(next, op->rs3 & kFallThroughInPage ? &block_->fall_through : nullptr, BlockEnd::on);
}

template <class Timing>
[[gnu::noinline]] void Engine<Timing>::branch_mispredicted(const Op* op, bool taken) {
  const std::uint64_t at = state.pc + op->offset;
  const std::uint64_t next = at + op->length;
  const std::uint64_t target = at + static_cast<std::uint64_t>(std::int64_t{op->imm});
  if constexpr (Timing::detailed) mispredicted(taken ? next : target, !taken);
  if (taken)
    finish_block(target, op->rs3 & kTakenInPage ? &block_->taken : nullptr, BlockEnd::mispredicted);
  else
    finish_block(next, op->rs3 & kFallThroughInPage ? &block_->fall_through : nullptr,
                 BlockEnd::mispredicted);
  if constexpr (Timing::timed && !Timing::detailed) mispredicted(taken ? next : target, !taken);
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

}  // namespace hvsim::cpu
