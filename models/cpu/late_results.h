// Results that come later than the `fast` mode's pipeline assumed: instructions behind them go on until one
// needs the result, is a load behind a missing one, or finds the scoreboard full.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "models/cpu/accountant.h"
#include "models/cpu/block.h"

namespace hvsim::cpu {

class LateResults {
 public:
  using Cycles = isa::Cycles;

  LateResults(unsigned scoreboard_entries, bool loads_block)
      : entries_(scoreboard_entries), loads_block_(loads_block) {}

  bool any() const { return count_ != 0 || next_ != 0; }
  Cycles shift() const { return shift_; }  // by which the present op is later than its block's times say

  // The present block's ops up to this number, when the block began at a time.
  void advance(std::span<const OpTimes> times, unsigned until, Cycles began) {
    if (count_ == 0) {
      next_ = until;
      return;
    }
    for (; next_ < until && count_ != 0; ++next_) pass(times[next_], began + shift_);
    next_ = until;
  }

  struct Late {
    std::uint64_t result = 0;  // its register, as in OpTimes::reads
    OpTimes::Unit unit{};
    Component why{};
    unsigned ops_left = 0;
    Cycles ready = 0;
    Cycles unit_free = 0;  // a load's: when the next one may access memory; a divider's: issue
  };
  // Of the op before the next. False: no more can be remembered.
  bool add(Late late) {
    if (count_ == late_.size()) return false;
    late.ops_left = entries_;
    if (late.unit == OpTimes::Unit::load && !loads_block_) late.unit = OpTimes::Unit::other;
    late_[count_++] = late;
    return true;
  }

  // The block is over: what it waited.
  Cycles end_block() {
    next_ = 0;
    return std::exchange(shift_, 0);
  }
  // When what is late has been committed, at the earliest.
  Cycles last_commit() const {
    Cycles last = 0;
    for (unsigned i = 0; i < count_; ++i) last = std::max(last, late_[i].ready + 1);
    return last;
  }
  Component why() const { return why_; }
  // All must be there: when they are.
  Cycles drain() {
    const Cycles last = last_commit();
    count_ = 0;
    return last;
  }

 private:
  void pass(const OpTimes& op, Cycles began) {
    const Cycles issue = began + static_cast<Cycles>(std::int64_t{op.issue});
    const Cycles to_access = static_cast<Cycles>(std::int64_t{op.access} - op.issue);
    Cycles from = issue;
    for (unsigned i = 0; i < count_; ++i) {
      Late& late = late_[i];
      late.ops_left -= late.ops_left != 0;
      Cycles needed = 0;
      if ((op.reads & late.result) != 0) needed = late.ready;
      if (late.ops_left == 0) needed = std::max(needed, late.ready + 2);
      if (op.unit == late.unit && op.unit != OpTimes::Unit::other)
        needed = std::max(needed, late.unit_free - (op.unit == OpTimes::Unit::load ? to_access : 0));
      if (needed <= from) continue;
      from = needed;
      why_ = late.why;
    }
    shift_ += from - issue;
    const auto end = std::remove_if(late_.begin(), late_.begin() + count_,
                                    [from](const Late& late) { return late.ready + 2 <= from; });
    count_ = static_cast<unsigned>(end - late_.begin());
  }

  std::array<Late, 8> late_{};
  unsigned count_ = 0, entries_;
  bool loads_block_;
  unsigned next_ = 0;  // op of the present block
  Cycles shift_ = 0;
  Component why_ = Component::dcache;
};

}  // namespace hvsim::cpu
