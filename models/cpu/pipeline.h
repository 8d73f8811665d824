// The pipeline of the `detailed` mode: when each instruction is fetched, issued and committed. Every resource
// is the time from which it is free; an instruction takes the latest of those that it needs. Nothing here
// knows what instructions do.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "models/cpu/accountant.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op.h"
#include "models/cpu/pipeline_config.h"
#include "models/cpu/pipeline_divide.h"
#include "models/cpu/pipeline_image.h"
#include "models/cpu/timing_config.h"
#include "models/cpu/transition.h"
#include "models/cpu/write_buffer.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

class Pipeline {
 public:
  using Cycles = isa::Cycles;

  // loads_block: a load waits for the data of one that missed before it.
  Pipeline(const PipelineConfig& config, const TimingConfig& costs, Cycles write_latency, bool loads_block)
      : config_(config),
        costs_(costs),
        fetch_shift_(static_cast<unsigned>(std::countr_zero(config.fetch_bytes))),
        loads_block_(loads_block),
        write_buffer_(config, write_latency) {}

  // Where stalls are booked; the cycles that instructions take by themselves are left to the caller, who
  // finds them as the advance of committed() less take_booked().
  void book_into(ComponentCycles* row) { row_ = row; }
  Cycles committed() const { return commit_; }
  Cycles issued() const { return issue_; }
  Cycles take_booked() { return std::exchange(booked_, 0); }

  // An instruction that neither accesses memory nor ends a block. Call before it is executed. Without a
  // state, divisions take the least that they can.
  template <Id id>
  void compute(const Op& op, const HartState* state);
  // A branch or jump: its issue is when it is resolved.
  template <Id id>
  void control_flow(const Op& op);
  // A CSR access: when it commits is when it happens.
  template <Id id>
  void access_csr(const Op& op);
  // Other privileged instructions: issue before execution, commit after it.
  template <Id id>
  void begin_system(const Op& op) {
    system_issue_ = issue<id>(op);
  }
  void end_system() { retire_alone(system_issue_ + 2, Component::trap, system_issue_); }
  void end_translation_fence() { retire_fence(system_issue_); }
  void found_illegal() { retire_alone(system_issue_ + 1, Component::trap, system_issue_); }
  // An interrupt takes the place of an instruction.
  void interrupt() {
    fetch_ += 1;
    const Cycles at = issue_at(earliest_issue());
    retire_alone(at + 1, Component::trap, at);
  }

  // Loads, stores and atomics: begin, whatever the access runs into, end (or fault).
  template <Id id>
  void begin_access(const Op& op);
  void reach_cache() {  // translation goes on while an earlier load still misses, the access does not
    if (loads_) access_ = std::max(access_, load_free_);
  }
  void load_from(std::uint64_t address);  // waits for stores to the same word of a page
  void store_to(std::uint64_t physical) { stored_ = physical; }
  Cycles access_time() const { return access_; }
  Cycles result_time() const { return result_; }     // of the last instruction: when its value can be used
  void delay_access(Component why, Cycles cycles) {  // before the cache is looked up
    access_ += cycles;
    blame(why, cycles);
  }
  void miss(Cycles cycles) {
    if (loads_ && cycles != 0) cycles += write_buffer_.read(access_ + 1, cycles) - access_ - 1;
    missed_ += cycles;
    blame(Component::dcache, cycles);
  }
  template <Id id>
  void end_access(const Op& op);
  void fault_access() { retire_alone(access_ + missed_ + 2, Component::base, issue_); }

  template <Id id>
  void fence(const Op& op);  // FENCE, and FENCE.I before its own work

  // Front end
  void taken() {
    fetch_ += fetch_ == refilled_ ? 0 : costs_.taken;  // one bubble follows the word that a refill brought
    fetch_reason_ = Component::branch;
  }
  void mispredicted() {
    fetch_ = std::max(fetch_, issue_ + config_.resolve - 1);
    fetch_reason_ = Component::branch;
  }
  void redirect(Component why, Cycles extra = 0) {
    fetch_ = commit_ + config_.redirect - 1 + extra;
    fetch_reason_ = why;
  }
  void trap() {
    fetch_ = commit_ + config_.trap_redirect - 1;
    fetch_reason_ = Component::trap;
  }
  // What is fetched at a time begins at multiples of this power of two: the first of `pc`'s came with the
  // last.
  unsigned fetch_shift() const { return fetch_shift_; }
  void continue_at(std::uint64_t pc) { fetch_ -= (pc & (config_.fetch_bytes - 1)) != 0; }
  void delay_fetch(Component why, Cycles cycles) {
    if (fetch_ + config_.fetch_to_issue < issue_) fetch_owed_ = {};
    fetch_ += cycles;
    if (why == Component::icache) refilled_ = fetch_ + 1;
    owe(fetch_owed_, why, cycles);
  }
  Cycles fetch_time() const { return fetch_; }
  // A wrong path was fetched from until the redirect: the last fetch that could start a refill, and when the
  // instruction that is so many behind the last right one was fetched, if there was no room for it at once. A
  // refill that was started must end before the right path is fetched.
  void wait_for_refill(Cycles cycles) {
    if (cycles != 0) delay_fetch(Component::icache, cycles);
  }
  WrongPath wrong_path(Cycles began) const { return {began, fetch_, issue_}; }
  static Cycles last_wrong_fetch(const PipelineConfig& config, const WrongPath& path) {
    return path.ends + 1 - std::min(path.ends, config.wrong_path_kill);
  }
  static Cycles fetched_ahead(const PipelineConfig& config, const WrongPath& path, unsigned instructions,
                              Cycles at) {
    if (instructions < config.fetch_queue) return at;
    if (instructions >= config.fetch_queue + config.scoreboard_entries) return path.ends + 1;
    const Cycles room = path.issued + instructions - config.fetch_queue;
    return at < room ? room + 1 : at;
  }

  bool fences_take_all() const { return config_.fences_take_all; }
  // Walks may not begin before.
  void block_walks() { walks_from_ = commit_ + config_.tlb_flush_block; }
  Cycles fetch_walk_saves() const { return config_.fetch_walk_saves; }
  Cycles wait_for_walker(Cycles at) const { return walks_from_ > at ? walks_from_ - at : 0; }

  // Time passes for reasons from outside: everything waits.
  void shift(Cycles cycles);

  // pipeline_image.h; stores that have not drained are not in it.
  PipelineImage image() const;
  void persist(state::Archive& archive);
  void resume(const PipelineImage& image);

 private:
  static constexpr unsigned kMaxScoreboard = 64;
  static constexpr unsigned kStores = 16;
  struct Owed {  // stall cycles that are known to have a reason
    Cycles walk_first = 0, walk_g = 0, store_buffer = 0, cache = 0;
    void persist(state::Archive& archive);
  };

  template <Id id>
  Cycles issue(const Op& op);
  Cycles earliest_issue() const {
    const Cycles next = issue_ + (issued_together_ >= config_.issue_width);
    return std::max({fetch_ + config_.fetch_to_issue, next, slots_[slot_] + 1});
  }
  Cycles issue_at(Cycles at) {
    issued_together_ = at == issue_ ? issued_together_ + 1 : 1;
    return issue_ = at;
  }
  Cycles postpone_issue(Cycles at) {  // the present instruction's
    if (at > issue_) {
      issue_ = at;
      issued_together_ = 1;
    }
    return issue_;
  }
  void retire(Cycles earliest, Component own, Cycles issued_at);
  void retire_alone(Cycles earliest, Component own, Cycles issued_at);
  void retire_fence(Cycles issued_at);  // when all stores have been answered
  void retire_store(Cycles earliest);   // by the first port; the second is free for what follows
  void committed_at(Cycles at, Component own, Cycles issued_at);
  void stall(Cycles cycles, bool of_fetch, Component own);
  void blame(Component why, Cycles cycles) {
    owe(data_owed_, why, cycles);
    data_until_ = access_ + missed_ + 4;
  }
  static void owe(Owed& owed, Component why, Cycles cycles) {
    (why == Component::walk_first     ? owed.walk_first
     : why == Component::walk_g       ? owed.walk_g
     : why == Component::store_buffer ? owed.store_buffer
                                      : owed.cache) += cycles;
  }
  void pay(Owed& owed, Component cache, Cycles& cycles);
  template <Id id>
  void produce(const Op& op, Cycles ready);
  template <Id id>
  Cycles result_latency(const Op& op, const HartState* state, Cycles at);
  Cycles drain_store();

  PipelineConfig config_;
  TimingConfig costs_;
  unsigned fetch_shift_;
  bool loads_block_;
  ComponentCycles* row_ = nullptr;
  Cycles booked_ = 0;

  Cycles fetch_ = 0;                  // of the last word
  Cycles issue_ = 0;                  // of the last instruction
  unsigned issued_together_ = 0;      // in that cycle
  Cycles commit_ = 0;                 // of the last instruction,
  Cycles before_ = 0;                 // and of the one before it where two may commit together
  std::array<Cycles, 33> x_ready_{};  // when a register's value can be used
  std::array<Cycles, 32> f_ready_{};
  std::array<Cycles, kMaxScoreboard> slots_{};  // commit of the instruction that last used each entry
  unsigned slot_ = 0;

  Cycles alu_free_ = 0;    // the unit of integers, branches and CSRs: after a division or a CSR
  Cycles alu_result_ = 0;  // not then: a multiplication's result leaves the unit
  Cycles fp_div_free_ = 0;
  Cycles system_issue_ = 0;
  Cycles result_ = 0;

  Cycles lsu_taken_ = 0;  // when the last access entered its unit
  Cycles load_free_ = 0;
  Cycles access_ = 0, missed_ = 0;  // of the present access
  bool loads_ = false;
  std::uint64_t stored_ = 0;
  std::array<Cycles, kStores> store_commits_{}, store_drains_{};
  std::array<std::uint16_t, kStores> store_words_{};  // address bits 11 to 3
  unsigned store_ = 0;                                // counts them
  Cycles last_drain_ = 0;
  WriteBuffer write_buffer_;
  Cycles walks_from_ = 0;

  Cycles refilled_ = 0;  // when a refill's first word was fetched
  Component fetch_reason_ = Component::branch;
  Owed fetch_owed_{}, data_owed_{};
  Cycles data_until_ = 0;
};

inline void Pipeline::committed_at(Cycles at, Component own, Cycles issued_at) {
  if (at > commit_ + 1) [[unlikely]]
    stall(at - commit_ - 1, issued_at == fetch_ + config_.fetch_to_issue, own);
  if (own != Component::base && at != commit_) {
    ++(*row_)[static_cast<unsigned>(own)];
    ++booked_;
  }
  fetch_ = std::max(fetch_ + config_.fetch_to_issue + config_.fetch_queue, issue_) - config_.fetch_to_issue -
           config_.fetch_queue;
  slots_[slot_] = at;
  if (++slot_ >= config_.scoreboard_entries) slot_ = 0;
}

inline void Pipeline::retire(Cycles earliest, Component own, Cycles issued_at) {
  const Cycles at = std::max({earliest, commit_, before_ + 1});
  committed_at(at, own, issued_at);
  before_ = config_.commit_ports > 1 ? commit_ : at;
  commit_ = at;
}

inline void Pipeline::retire_alone(Cycles earliest, Component own, Cycles issued_at) {
  const Cycles at = std::max(earliest, commit_ + 1);
  committed_at(at, own, issued_at);
  before_ = commit_ = at;
}

inline void Pipeline::retire_store(Cycles earliest) {
  const Cycles at = std::max(earliest, commit_ + 1);
  committed_at(at, Component::base, issue_);
  before_ = config_.commit_ports > 1 ? commit_ : at;
  commit_ = at;
}

constexpr bool uses_integer_unit(Class klass) {
  switch (klass) {
    case Class::alu:
    case Class::mul:
    case Class::div:
    case Class::branch:
    case Class::jump:
    case Class::jump_register:
    case Class::csr:
      return true;
    default:
      return false;
  }
}

template <Id id>
inline Pipeline::Cycles Pipeline::issue(const Op& op) {
  constexpr Instruction what = instruction(id);
  constexpr Operands in = operands(what.format);
  fetch_ += op.words;
  Cycles at = earliest_issue();
  if constexpr (in.rs1 == RegisterFile::x) at = std::max(at, x_ready_[op.rs1]);
  if constexpr (in.rs1 == RegisterFile::f) at = std::max(at, f_ready_[op.rs1]);
  if constexpr (in.rs2 == RegisterFile::x) at = std::max(at, x_ready_[op.rs2]);
  if constexpr (in.rs2 == RegisterFile::f) at = std::max(at, f_ready_[op.rs2]);
  if constexpr (in.rs3 == RegisterFile::f) at = std::max(at, f_ready_[op.rs3]);
  if constexpr (uses_integer_unit(what.klass)) {
    at = std::max(at, alu_free_);
    if constexpr (what.klass != Class::mul) at += at == alu_result_;
  }
  return issue_at(at);
}

template <Id id>
inline void Pipeline::produce(const Op& op, Cycles ready) {
  constexpr Operands in = operands(instruction(id).format);
  result_ = ready;
  if constexpr (in.rd == RegisterFile::x) x_ready_[op.rd] = ready;
  if constexpr (in.rd == RegisterFile::f) f_ready_[op.rd] = ready;
}

template <Id id>
inline Pipeline::Cycles Pipeline::result_latency(const Op& op, const HartState* state, Cycles at) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (klass == Class::mul) {
    alu_result_ = at + costs_.mul - 1;
    return costs_.mul;
  } else if constexpr (klass == Class::div) {
    const Cycles busy =
        state == nullptr ? divide::least_cycles<id>(config_) : divide::cycles<id>(config_, op, *state);
    alu_free_ = at + busy;
    return busy;
  } else if constexpr (klass == Class::fp_div || klass == Class::fp_sqrt) {
    const Cycles busy =
        state == nullptr ? divide::least_cycles<id>(config_) : divide::cycles<id>(config_, op, *state);
    fp_div_free_ = at + busy;
    return busy + config_.fp_div_result;
  } else if constexpr (klass == Class::fp_add || klass == Class::fp_mul || klass == Class::fp_fma) {
    const Cycles cycles = klass == Class::fp_add   ? costs_.fp_add
                          : klass == Class::fp_mul ? costs_.fp_mul
                                                   : costs_.fp_fma;
    return divide::is_single<id>() ? std::max<Cycles>(cycles - costs_.fp_single_saves, 1) : cycles;
  } else if constexpr (klass == Class::fp_convert) {
    return costs_.fp_convert;
  } else if constexpr (klass == Class::fp_move) {
    return costs_.fp_move;
  } else {
    return costs_.alu;
  }
}

template <Id id>
inline void Pipeline::compute(const Op& op, const HartState* state) {
  constexpr Class klass = instruction(id).klass;
  constexpr Component own =
      klass >= Class::fp_add && klass <= Class::fp_move ? Component::fp : Component::base;
  Cycles at = issue<id>(op);
  if constexpr (klass == Class::fp_div || klass == Class::fp_sqrt) at = postpone_issue(fp_div_free_);
  const Cycles ready = at + result_latency<id>(op, state, at);
  produce<id>(op, ready);
  retire(ready + 1, own, at);
}

template <Id id>
inline void Pipeline::control_flow(const Op& op) {
  const Cycles at = issue<id>(op);
  produce<id>(op, at + 1);
  retire(at + 2, Component::base, at);
}

template <Id id>
inline void Pipeline::access_csr(const Op& op) {
  Cycles at = issue<id>(op);
  if (config_.csr_reads_rs2) at = postpone_issue(x_ready_[static_cast<unsigned>(op.imm) & 31]);
  retire_alone(at + 2, Component::csr, at);
  alu_free_ = commit_;           // it waits in the unit until then
  produce<id>(op, commit_ + 1);  // through the register file
}

template <Id id>
inline void Pipeline::fence(const Op& op) {
  retire_fence(issue<id>(op));
}

inline void Pipeline::retire_fence(Cycles issued_at) {
  const Cycles drained = write_buffer_.empty_at() + config_.fence_drained;
  if (drained > issued_at + 2) {
    owe(data_owed_, Component::store_buffer, drained - issued_at - 2);
    data_until_ = drained;
  }
  retire_alone(std::max(issued_at + 2, drained), Component::base, issued_at);
}

template <Id id>
inline void Pipeline::begin_access(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  issue<id>(op);
  const Cycles at = postpone_issue(lsu_taken_);
  access_ = std::max(at + 1, lsu_taken_ + 1);
  loads_ = klass == Class::load || klass == Class::guest_load;
  if constexpr (klass != Class::load && klass != Class::guest_load) {
    access_ = std::max(access_, store_commits_[(store_ - config_.store_queue) % kStores] + 1);
  }
  missed_ = 0;
}

inline void Pipeline::load_from(std::uint64_t address) {
  access_ = std::max(access_, load_free_);
  if (access_ > last_drain_) [[likely]]
    return;
  const auto word = static_cast<std::uint16_t>(address >> 3 & 0x1FF);
  Cycles drained = access_;
  for (unsigned i = 0; i < kStores; ++i)
    if (store_words_[i] == word) drained = std::max(drained, store_drains_[i] + 1);
  if (drained != access_) delay_access(Component::store_buffer, drained - access_);
}

// The present store commits and goes its way: when its place in the commit queue is free.
inline Pipeline::Cycles Pipeline::drain_store() {
  const Cycles arrives = std::max(commit_ + config_.store_drain, last_drain_ + 1);
  const Cycles accepted = write_buffer_.accept(stored_ >> 3, arrives);
  // Lines are brought one after the other, or while those before wait for theirs.
  return last_drain_ = loads_block_ ? accepted + missed_ : std::max(accepted, access_ + missed_);
}

template <Id id>
inline void Pipeline::end_access(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  lsu_taken_ = access_;
  if constexpr (klass == Class::load || klass == Class::guest_load) {
    const Cycles ready = access_ + costs_.load_use + missed_;
    const bool blocks = missed_ != 0 && loads_block_;
    load_free_ = blocks ? access_ + missed_ + config_.load_after_miss : access_ + 1;
    produce<id>(op, ready);
    retire(ready + 1, Component::base, issue_);
  } else if constexpr (klass == Class::cache_block) {
    retire_alone(access_ + missed_ + 2, Component::base, issue_);
  } else if constexpr (klass == Class::store || klass == Class::guest_store) {
    const Cycles room = store_drains_[(store_ - config_.commit_queue) % kStores] + 1;
    if (room > access_ + 2) [[unlikely]]
      blame(Component::store_buffer, room - access_ - 2), data_until_ = room;
    retire_store(std::max(access_ + 2, room));
    const unsigned place = store_++ % kStores;
    store_commits_[place] = commit_;
    store_words_[place] = static_cast<std::uint16_t>(stored_ >> 3 & 0x1FF);
    store_drains_[place] = drain_store();
  } else {  // an atomic: from the head of the queue, with nothing else under way
    const Cycles alone = std::max(access_ + 1, commit_);
    const Cycles begins = std::max(alone, write_buffer_.empty_at());
    const Cycles done = begins + missed_ + config_.atomic;
    blame(Component::dcache, alone - access_ - 1);
    blame(Component::store_buffer, begins - alone);
    data_until_ = done;
    retire_alone(done, Component::base, issue_);
    produce<id>(op, commit_ + 1);
  }
}

}  // namespace hvsim::cpu
