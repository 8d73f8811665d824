// Results that come later than the `fast` mode's pipeline assumed: instructions behind them go on until one
// needs the result, is a load behind a missing one, or finds the scoreboard full.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
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
  // advance() to this op of the present block has been made, or nothing was late.
  void stands_at(unsigned next) { next_ = next; }
  // The present block's ops up to this number, when the block began at a time. It may be one that was passed
  // (the second half of an access waits as an op that its first half has passed): then it is the next again.
  void advance(const BlockTimes& times, unsigned until, Cycles began) {
    if (count_ != 1 || until <= next_ || !pass_one(times, until, began)) pass_many(times, until, began);
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
  // Of the op before the next, which another op of its block reads (see OpTimes::next_reader). False: no more
  // can be remembered.
  bool add(Late late, unsigned next_reader = kMaxBlockOps) {
    if (count_ == late_.size()) return false;
    late.full_at = passed_ + entries_;
    if (late.unit == OpTimes::Unit::other || (late.unit == OpTimes::Unit::load && !loads_block_))
      late.unit = OpTimes::Unit::none;
    reader_ = count_ != 0 ? kNotKnown : late.result != 0 ? static_cast<int>(next_reader) : kMet;
    late_[count_++] = late;
    summarize(late);
    return true;
  }

  // The block is over: what it waited.
  Cycles end_block() {
    next_ = 0;
    if (reader_ != kMet) reader_ = kOfNextBlock;
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
    retire_all();
    return last;
  }

  void persist(state::Archive& archive);

 private:
  static Cycles issue_of(const OpTimes& op, Cycles began) {
    return began + static_cast<Cycles>(std::int64_t{op.issue});
  }

  // Mostly one thing is late, and of these ops one reads it and the last one accesses memory, if any do.
  // Issue times grow from op to op, so that nobody else needs to be looked at. False: it is not so, nothing
  // is done.
  bool pass_one(const BlockTimes& times, unsigned until, Cycles began) {
    const Late& late = late_[0];
    const unsigned next = next_, last = until - 1;
    const std::uint64_t users = times.users[static_cast<unsigned>(late.unit)] >> next << next;
    const std::uint64_t passed = passed_ + (until - next);
    if ((users & ((std::uint64_t{1} << last) - 1)) != 0 || passed >= late.full_at) return false;
    if (reader_ == kOfNextBlock)
      reader_ = times.first_reader[static_cast<unsigned>(std::countr_zero(late.result))];
    else if (reader_ < static_cast<int>(next))
      return false;
    const OpTimes* const ops = times.ops.data();
    Cycles base = began + shift_;
    const auto wait = [&](Cycles issue, Cycles needed) {
      if (needed <= issue) return;
      why_ = late.why;
      base += needed - issue;
    };
    if (reader_ < static_cast<int>(until)) {
      wait(issue_of(ops[reader_], base), late.ready);
      reader_ = kMet;
    }
    if ((users >> last & 1) != 0 && (last == next || issue_of(ops[last - 1], base) < over_from_))
      wait(issue_of(ops[last], base), late.unit_free - to_access(ops[last]));
    shift_ = base - began;
    next_ = until;
    passed_ = passed;
    if (issue_of(ops[last], base) >= over_from_) retire_all();
    return true;
  }

  // Ops that have nothing to do with what is late are passed at once.
  [[gnu::noinline]] void pass_many(const BlockTimes& times, unsigned until, Cycles began) {
    const OpTimes* const ops = times.ops.data();
    unsigned next = next_;
    while (count_ != 0 && next < until) {
      const Cycles base = began + shift_;
      const std::uint64_t before_full = std::max(full_at_, passed_ + 1) - passed_ - 1;
      const unsigned first = next;
      const auto end = static_cast<unsigned>(std::min<std::uint64_t>(until, next + before_full));
      for (; next < end; ++next) {
        const OpTimes& op = ops[next];
        const bool meets = ((op.reads & results_) | (units_ >> static_cast<unsigned>(op.unit) & 1)) != 0;
        if (meets | (issue_of(op, base) >= over_from_)) break;
      }
      passed_ += next - first;
      if (next == until) break;
      ++passed_;
      const OpTimes& op = ops[next++];
      pass(op, issue_of(op, base));
    }
    next_ = until;
    reader_ = kNotKnown;
  }

  static Cycles to_access(const OpTimes& op) {  // from its issue, of a load
    return op.unit == OpTimes::Unit::load ? static_cast<Cycles>(std::int64_t{op.access} - op.issue) : 0;
  }

  // An op that meets something late, or issues when something may be over.
  void pass(const OpTimes& op, Cycles issue) {
    Cycles from = issue;
    for (unsigned i = 0; i < count_; ++i) {
      const Late& late = late_[i];
      Cycles needed = (op.reads & late.result) != 0 ? late.ready : 0;
      needed = std::max(needed, passed_ >= late.full_at ? late.ready + 2 : 0);
      needed = std::max(needed, op.unit == late.unit ? late.unit_free - to_access(op) : 0);
      why_ = needed > from ? late.why : why_;
      from = std::max(from, needed);
    }
    shift_ += from - issue;
    if (from >= over_from_) retire(from);
  }

  void retire_all() {
    count_ = 0;
    results_ = 0;
    units_ = 0;
    full_at_ = ~std::uint64_t{0};
    over_from_ = ~Cycles{0};
  }
  void retire(Cycles now) {
    const unsigned were = count_;
    retire_all();
    for (unsigned i = 0; i < were; ++i) {
      if (late_[i].ready + 2 <= now) continue;
      if (count_ != i) late_[count_] = late_[i];
      summarize(late_[count_++]);
    }
    reader_ = kNotKnown;
  }
  void summarize(const Late& late) {
    results_ |= late.result;
    units_ |= 1U << static_cast<unsigned>(late.unit);  // no op's is none
    full_at_ = std::min(full_at_, late.full_at);
    over_from_ = std::min(over_from_, late.ready + 2);
  }

  std::array<Late, 8> late_{};
  unsigned count_ = 0, entries_;
  bool loads_block_;
  // Of all that are late: their registers and units, the first op that finds the scoreboard full, and when
  // the first of them is over.
  std::uint64_t results_ = 0, full_at_ = ~std::uint64_t{0};
  unsigned units_ = 0;
  Cycles over_from_ = ~Cycles{0};
  // If one thing is late: the first op that reads it, from the next. What was met once nobody waits for
  // again.
  static constexpr int kNotKnown = -1, kMet = kMaxBlockOps + 1, kOfNextBlock = kMet + 1;
  int reader_ = kNotKnown;
  std::uint64_t passed_ = 0;  // ops, while anything was late
  unsigned next_ = 0;         // op of the present block
  Cycles shift_ = 0;
  Component why_ = Component::dcache;
};

}  // namespace hvsim::cpu
