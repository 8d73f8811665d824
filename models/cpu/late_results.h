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
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

class LateResults {
 public:
  using Cycles = isa::Cycles;

  LateResults(unsigned scoreboard_entries, bool loads_block)
      : entries_(scoreboard_entries), loads_block_(loads_block) {}

  bool any() const { return count_ != 0 || next_ != 0; }
  Cycles shift() const { return shift_; }  // by which the present op is later than its block's times say

  // Whether advance() to this op of the present block has nothing to do, or nothing but to note it.
  bool advances_at_once(unsigned until) {
    if (count_ != 0) return next_ == until;
    next_ = until;
    return true;
  }
  // The present block's ops up to this number, when the block began at a time.
  void advance(std::span<const OpTimes> times, unsigned until, Cycles began) {
    while (count_ != 0 && next_ < until) {
      const unsigned first = next_;
      next_ = first_that_waits(times, until, began + shift_);
      passed_ += next_ - first;
      if (next_ == until) return;
      ++passed_;
      const OpTimes& op = times[next_++];
      pass(op, began + shift_ + static_cast<Cycles>(std::int64_t{op.issue}));
    }
    next_ = until;
  }

  struct Late {
    std::uint64_t result = 0;  // its register, as in OpTimes::reads
    OpTimes::Unit unit{};
    Component why{};
    Cycles ready = 0;
    void persist(state::Archive& archive);
    Cycles unit_free = 0;       // a load's: when the next one may access memory; a divider's: issue
    std::uint64_t full_at = 0;  // LateResults': the op that finds the scoreboard full
  };
  // Of the op before the next. False: no more can be remembered.
  bool add(Late late) {
    if (count_ == late_.size()) return false;
    late.full_at = passed_ + entries_;
    if (late.unit == OpTimes::Unit::load && !loads_block_) late.unit = OpTimes::Unit::other;
    late_[count_++] = late;
    summarize();
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

  void persist(state::Archive& archive);

 private:
  // Or would if something is over then. Most have nothing to do with what is late.
  unsigned first_that_waits(std::span<const OpTimes> times, unsigned until, Cycles began) const {
    const std::uint64_t before_full = std::max(full_at_, passed_ + 1) - passed_ - 1;
    const auto end = static_cast<unsigned>(std::min<std::uint64_t>(until, next_ + before_full));
    unsigned next = next_;
    for (; next < end; ++next) {
      const OpTimes& op = times[next];
      const Cycles issue = began + static_cast<Cycles>(std::int64_t{op.issue});
      const bool meets = ((op.reads & results_) | (units_ >> static_cast<unsigned>(op.unit) & 1)) != 0;
      if (meets | (issue >= over_from_)) break;
    }
    return next;
  }

  void pass(const OpTimes& op, Cycles issue) {
    const Cycles to_access =
        op.unit == OpTimes::Unit::load ? static_cast<Cycles>(std::int64_t{op.access} - op.issue) : 0;
    Cycles from = issue;
    for (unsigned i = 0; i < count_; ++i) {
      const Late& late = late_[i];
      Cycles needed = (op.reads & late.result) != 0 ? late.ready : 0;
      needed = std::max(needed, passed_ >= late.full_at ? late.ready + 2 : 0);
      const bool same_unit = op.unit == late.unit && op.unit != OpTimes::Unit::other;
      needed = std::max(needed, same_unit ? late.unit_free - to_access : 0);
      why_ = needed > from ? late.why : why_;
      from = std::max(from, needed);
    }
    shift_ += from - issue;
    if (from < over_from_) return;
    unsigned kept = 0;  // mostly there are one or two
    for (unsigned i = 0; i < count_; ++i) {
      if (late_[i].ready + 2 <= from) continue;
      if (kept != i) late_[kept] = late_[i];
      ++kept;
    }
    count_ = kept;
    summarize();
  }

  void summarize() {
    results_ = 0;
    units_ = 0;
    full_at_ = ~std::uint64_t{0};
    over_from_ = ~Cycles{0};
    for (unsigned i = 0; i < count_; ++i) {
      const Late& late = late_[i];
      results_ |= late.result;
      units_ |= late.unit == OpTimes::Unit::other ? 0 : 1U << static_cast<unsigned>(late.unit);
      full_at_ = std::min(full_at_, late.full_at);
      over_from_ = std::min(over_from_, late.ready + 2);
    }
  }

  std::array<Late, 8> late_{};
  unsigned count_ = 0, entries_;
  bool loads_block_;
  // Of all that are late: their registers and units, the first op that finds the scoreboard full, and when
  // the first of them is over.
  std::uint64_t results_ = 0, full_at_ = 0;
  unsigned units_ = 0;
  Cycles over_from_ = 0;
  std::uint64_t passed_ = 0;  // ops, while anything was late
  unsigned next_ = 0;         // op of the present block
  Cycles shift_ = 0;
  Component why_ = Component::dcache;
};

}  // namespace hvsim::cpu
