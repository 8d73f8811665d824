// The pipeline of the `fast` mode. It is the `detailed` mode's, run over each block once for each state that
// the block is found in, with every access a hit; from then on what came of it is remembered. What differs
// at run time, such as misses, is added as it happens.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "models/cpu/block.h"
#include "models/cpu/pipeline.h"
#include "models/cpu/transition.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

class RememberedPipeline {
 public:
  using Cycles = isa::Cycles;

  RememberedPipeline(const PipelineConfig& config, const TimingConfig& costs);

  // The cycles that a block takes which ends in some way, and the state that it leaves. A block whose last
  // instruction is a privileged one ends twice: before it is executed (for a CSR access: when it is), and
  // after it, or with a trap of its making.
  Cycles pass(Block& block, BlockEnd end, ComponentCycles& row) {
    const Transition* const known = usual_passage(block, end);
    return known != nullptr ? pass(*known, row) : pass_anew(block, end, row);
  }
  // In two steps: what is known of the present state, unless it is found elsewhere than usually.
  const Transition* usual_passage(const Block& block, BlockEnd end) const {
    const Transition& usual = block.transitions[static_cast<unsigned>(end)].likely(state_);
    return usual.from == state_ ? &usual : nullptr;
  }
  Cycles pass(const Transition& known, ComponentCycles& row) { return book(known, row); }
  // The ops before `op`; it traps or will be issued anew.
  Cycles pass_before(const Block& block, const Op& op, bool faults, ComponentCycles& row);
  Cycles interrupt(ComponentCycles& row);
  Cycles trap(ComponentCycles& row);

  // Of what passed last, if it was redirected: times of no particular origin.
  WrongPath wrong_path() const {
    const auto since = [](std::int32_t time) { return kOrigin + static_cast<Cycles>(std::int64_t{time}); };
    return {since(last_->began), since(last_->ends), since(last_->issued)};
  }

  // In a block that is found in the present state.
  const BlockTimes& times(Block& block) {
    if (!has_times(block)) [[unlikely]]
      find_times(block);
    return block.times;
  }
  bool has_times(const Block& block) const { return block.times_from == state_; }  // in block.times
  const PipelineConfig& config() const { return config_; }
  unsigned fetch_shift() const { return pipeline_.fetch_shift(); }

  // The state that it is in; what it remembers can be found out again.
  void persist(state::Archive& archive);

 private:
  // FNV-1a over words.
  struct Hash {
    std::size_t operator()(const PipelineImage& image) const;
  };

  static constexpr Cycles kOrigin = Cycles{1} << 32;

  Cycles book(const Transition& made, ComponentCycles& row) {
    row[static_cast<unsigned>(Component::branch)] += made.branch;
    row[static_cast<unsigned>(Component::fp)] += made.fp;
    row[static_cast<unsigned>(Component::base)] += made.cycles - made.branch - made.fp;
    state_ = made.to;
    last_ = &made;
    if (made.rare) [[unlikely]]
      return book_rest(made, row);
    return made.cycles;
  }
  static Cycles book_rest(const Transition& made, ComponentCycles& row);
  // As pass(), in a state that the block was not found in lately.
  Cycles pass_anew(Block& block, BlockEnd end, ComponentCycles& row);
  Transition run(const Block& block, BlockEnd end);
  void find_times(Block& block);
  void run_op(const Op& op, bool faults = false);
  void end_block(const Block& block, const Op& last, BlockEnd end);
  void end_system(const Block& block, const Op& op);
  void begin();
  void trap_now();
  Transition finish();
  std::uint32_t number_of(const PipelineImage& image);
  template <class What>
  Cycles once(Transitions& known, ComponentCycles& row, What what);

  PipelineConfig config_;
  TimingConfig costs_;
  Pipeline pipeline_;
  ComponentCycles booked_{};
  Cycles began_ = 0, fetched_ = 0;    // the latter before a redirect
  Transition direct_{};               // what is used once
  const Transition* last_ = nullptr;  // none yet

  // States by number. Numbers are never used twice, so transitions of states that were forgotten find none.
  std::deque<PipelineImage> states_;
  std::unordered_map<PipelineImage, std::uint32_t, Hash> numbers_;
  std::uint32_t first_ = 1, state_ = 1;
  Transitions interrupts_, traps_;

  // Stores to places that name the same register and offset in a block, which a load there waits for.
  struct Places {
    std::array<std::uint32_t, 33> versions{};
    std::vector<std::uint64_t> keys;
  } places_;
  std::uint64_t place_of(const Op& op);
};

}  // namespace hvsim::cpu
