// Where the engine and the pipeline of the `detailed` mode meet.
#pragma once

#include "models/cpu/engine_blocks.h"
#include "models/cpu/engine_remembered.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op_class.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

constexpr bool is_link_register(unsigned number) { return number == 1 || number == 5; }

// What a division takes beyond the least that one may take.
template <class Timing>
template <Id id>
inline void Engine<Timing>::time_division(const Op& op) {
  const auto& config = timing_.remembered.config();
  const isa::Cycles cycles = divide::cycles<id>(config, op, state) - divide::least_cycles<id>(config);
  be_late(instruction(id).klass == Class::div ? Component::base : Component::fp, cycles);
}

template <class Timing>
template <Id id>
inline void Engine<Timing>::time_simple(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (!Timing::detailed) {
    timing_.present = &op;
    if constexpr (klass == Class::fence) {
      drain_before_present();
      drain_stores();
    }
    if constexpr (divides(klass)) time_division<id>(op);
  } else if constexpr (klass == Class::fence) {
    timing_.pipeline.template fence<id>(op);
    flush_pipeline(pc(op) + op.length, Component::base);
  } else {
    timing_.pipeline.template compute<id>(op, &state);
  }
}

template <class Timing>
template <Id id>
inline void Engine<Timing>::begin_access(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (is_atomic(klass)) atomic_ = true;
  if constexpr (Timing::detailed) {
    if constexpr (accesses_memory(klass))
      timing_.pipeline.template begin_access<id>(op);
    else
      timing_.pipeline.template compute<id>(op, &state);
  } else {
    timing_.present = &op;
    if constexpr (is_atomic(klass)) {
      drain_before_present();
      drain_stores();
    }
    if constexpr (divides(klass)) time_division<id>(op);
  }
}

template <class Timing>
template <Id id>
inline void Engine<Timing>::end_access(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (klass == Class::sc)  // one that must fail asks the memory nevertheless
    if (atomic_ && timing_.caches->config().atomics_in_memory) {
      if constexpr (Timing::detailed)
        timing_.pipeline.miss(timing_.caches->config().memory_latency);
      else
        charge(Component::dcache, timing_.caches->config().memory_latency);
    }
  if constexpr (Timing::detailed) {
    if constexpr (accesses_memory(klass)) timing_.pipeline.template end_access<id>(op);
    if constexpr (is_atomic(klass)) flush_pipeline(pc(op) + op.length, Component::dcache);
  } else {
    (void)op;
  }
  if constexpr (is_atomic(klass)) atomic_ = false;
}

template <class Timing>
template <Id id>
inline void Engine<Timing>::time_system(const Op& op) {
  constexpr Class klass = instruction(id).klass;
  if constexpr (klass == Class::csr)
    timing_.pipeline.template access_csr<id>(op);
  else if constexpr (klass == Class::fence_i)
    timing_.pipeline.template fence<id>(op);
  else if constexpr (klass == Class::mark)
    timing_.pipeline.template compute<id>(op, &state);
  else
    timing_.pipeline.template begin_system<id>(op);
}

// What has been committed since the last time becomes the hart's time.
template <class Timing>
inline void Engine<Timing>::settle_pipeline() {
  if constexpr (Timing::detailed) {
    const isa::Cycles committed = timing_.pipeline.committed();
    (*row_)[static_cast<unsigned>(Component::base)] +=
        committed - state.cycle - timing_.pipeline.take_booked();
    state.cycle = committed;
  }
}

// A privileged instruction has been executed.
template <class Timing>
void Engine<Timing>::finish_in_pipeline(const Op& op) {
  if constexpr (Timing::detailed) {
    auto& pipeline = timing_.pipeline;
    const Class klass = instruction(op.id).klass;
    if (klass == Class::csr) {
      if (flushes_pipeline(op)) return flush_pipeline(state.pc + op.length, Component::csr);
      return pipeline.continue_at(next_pc);
    }
    if (klass == Class::mark) return pipeline.continue_at(next_pc);
    if (klass == Class::fence_i) return flush_pipeline(next_pc, Component::icache, timing_.costs.fence_i);
    const bool fences = is_translation_fence(op.id), returns = op.id == Id::mret || op.id == Id::sret;
    fences ? pipeline.end_translation_fence() : pipeline.end_system();
    settle_pipeline();
    if (fences) pipeline.block_walks();
    if (returns) return pipeline.redirect(Component::trap);  // on the RTL, no refill is seen behind an xRET
    flush_pipeline(state.pc + op.length, Component::base);
  } else {
    (void)op;
  }
}

// An op that was executed in vain: it trapped, or must wait for the other harts and is then issued anew.
template <class Timing>
void Engine<Timing>::fault_in_pipeline(const Op& op) {
  atomic_ = false;
  if constexpr (Timing::detailed) {
    if (trap_ && accesses_memory(instruction(op.id).klass)) timing_.pipeline.fault_access();
  } else {
    (void)op;
  }
}

// A trap that no instruction made: it takes the place of one.
template <class Timing>
void Engine<Timing>::interrupt_pipeline() {
  if constexpr (Timing::detailed) {
    timing_.pipeline.interrupt();
    settle_pipeline();
  } else if constexpr (Timing::timed) {
    drain_late_results();
    state.cycle += timing_.remembered.interrupt(*row_);
  }
}

// What is behind `pc` in the page that is being fetched from, and whether its line is in the L1I.
template <class Timing>
const std::uint8_t* Engine<Timing>::fetched_already(std::uint64_t pc, bool& present) const {
  const FetchEntry& entry = fetch_->fetch[LevelZero::index(pc)];
  if (entry.page != (pc & ~isa::kPageMask)) return nullptr;
  const std::uint64_t line = (pc & isa::kPageMask) >> line_shift_;
  present = (entry.presence[line >> 6] >> (line & 63) & 1) != 0;
  return entry.host + (pc & isa::kPageMask);
}

// Where the front end goes on behind the op at `pc`, by what it believes.
template <class Timing>
std::uint64_t Engine<Timing>::predicted_next(const Op& op, std::uint64_t pc) {
  if constexpr (Timing::timed) {
    const std::uint64_t next = pc + op.length;
    const std::uint64_t target = pc + static_cast<std::uint64_t>(std::int64_t{op.imm});
    auto& predictor = timing_.predictor;
    switch (instruction(op.id).klass) {
      case Class::branch:
        return predictor.predicts_taken(pc, op.imm < 0) ? target : next;
      case Class::jump:
        if (is_link_register(op.rd)) predictor.call(next);
        return target;
      case Class::jump_register: {
        const bool is_return = is_link_register(op.rs1) && op.rs1 != op.rd;
        const std::uint64_t predicted = predictor.predicted_target(pc, is_return);
        if (is_link_register(op.rd)) predictor.call(next);
        return predicted == BranchPredictor::kNoPrediction ? next : predicted;
      }
      default:
        return next;
    }
  }
  return pc;
}

constexpr bool may_jump(std::uint32_t raw) {
  if (!is_compressed(raw)) return (raw & 0x7F) == 0x63 || (raw & 0x77) == 0x67;
  const std::uint32_t quadrant = raw & 3, what = raw >> 13 & 7;
  return quadrant == 1 ? what >= 5 : quadrant == 2 && what == 4 && (raw & 0x7C) == 0;
}

// Wrong paths meet the same few jumps again and again.
template <class Timing>
const Op& Engine<Timing>::decoded_jump(std::uint32_t raw) {
  DecodedJump& known = decoded_jumps_[(raw ^ raw >> 7 ^ raw >> 20) % decoded_jumps_.size()];
  if (known.raw != raw) known = {raw, decode(raw, {.float_enabled = true, .isa = config_.isa})};
  return known.op;
}

// The front end on a wrong path from `pc` until the redirect that was just made: it pops the return stack,
// which nobody repairs, and may begin a refill that the right path must wait for. The answer is how long.
template <class Timing>
isa::Cycles Engine<Timing>::run_ahead(std::uint64_t pc, const WrongPath& path, isa::Cycles bubble) {
  if constexpr (Timing::timed) {
    const PipelineConfig& config = timing_.remembered.config();
    isa::Cycles at = path.began + 1 + bubble;
    const isa::Cycles last = Pipeline::last_wrong_fetch(config, path);
    const unsigned shift = timing_.remembered.fetch_shift();
    std::uint64_t word = pc >> shift;
    for (unsigned count = 1;; ++count) {
      at = Pipeline::fetched_ahead(config, path, count, at);
      if (at > last) return 0;
      bool present = false;
      const std::uint8_t* code = fetched_already(pc, present);
      if (code == nullptr) return 0;
      if (!present) {
        const isa::Cycles done = at + timing_.caches->refill_latency();
        return std::max(done, path.ends + 1) - path.ends - 1;
      }
      std::uint32_t raw = 0;
      std::memcpy(&raw, code, 2);
      if (!is_compressed(raw)) {
        if ((pc & isa::kPageMask) + 4 > isa::kPageBytes) return 0;
        std::memcpy(&raw, code, 4);
      }
      const std::uint64_t sequential = pc + (is_compressed(raw) ? 2 : 4);
      std::uint64_t next = sequential;
      if (may_jump(raw)) next = predicted_next(decoded_jump(raw), pc);
      at += ((sequential - 1) >> shift) - word;  // its second half may be in the next word
      if (at > last) return 0;
      if (next != sequential)
        at += 2;
      else
        at += (next >> shift) - ((sequential - 1) >> shift);
      word = next >> shift;
      pc = next;
    }
  } else {
    (void)pc, (void)path, (void)bubble;
    return 0;
  }
}

// The front end went to `wrong`, by a jump or on.
template <class Timing>
void Engine<Timing>::mispredicted(std::uint64_t wrong, bool jumped) {
  const isa::Cycles bubble = jumped ? 1 : 0;
  if constexpr (Timing::detailed) {
    auto& pipeline = timing_.pipeline;
    const isa::Cycles began = pipeline.fetch_time();
    pipeline.mispredicted();
    pipeline.wait_for_refill(run_ahead(wrong, pipeline.wrong_path(began), bubble));
  } else if constexpr (Timing::timed) {
    charge(Component::icache, run_ahead(wrong, timing_.remembered.wrong_path(), bubble));
  }
}

template <class Timing>
void Engine<Timing>::mispredicted_jump(std::uint64_t sequential) {
  if constexpr (Timing::timed) {
    const std::uint64_t predicted = timing_.predictor.last_prediction();
    const bool jumped = predicted != BranchPredictor::kNoPrediction;
    mispredicted(jumped ? predicted : sequential, jumped);
  } else {
    (void)sequential;
  }
}

// What was fetched behind the last instruction, from `next` on, is thrown away, and fetched anew.
template <class Timing>
void Engine<Timing>::flush_pipeline(std::uint64_t next, Component why, isa::Cycles extra) {
  if constexpr (Timing::detailed) {
    auto& pipeline = timing_.pipeline;
    const isa::Cycles began = pipeline.fetch_time();
    pipeline.redirect(why, extra);
    pipeline.wait_for_refill(run_ahead(next, pipeline.wrong_path(began)));
  } else {
    (void)next, (void)why, (void)extra;
  }
}

// A trap, of the op or of none: `from` is behind the instruction that made it.
template <class Timing>
void Engine<Timing>::leave_pipeline(const Op* op, std::uint64_t from) {
  if constexpr (Timing::detailed) {
    auto& pipeline = timing_.pipeline;
    const isa::Cycles began = pipeline.fetch_time();
    pipeline.trap();
    pipeline.wait_for_refill(run_ahead(from, pipeline.wrong_path(began)));
  } else if constexpr (Timing::timed) {
    if (op == nullptr || !is_privileged(instruction(op->id).klass))
      state.cycle += timing_.remembered.trap(*row_);
    charge(Component::icache, run_ahead(from, timing_.remembered.wrong_path()));
  }
}

}  // namespace hvsim::cpu
