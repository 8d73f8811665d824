// How an execute function becomes a link of threaded code: run it, then go on to the next op.
#pragma once

#include <array>
#include <type_traits>

#include "models/cpu/engine_memory.h"
#include "models/cpu/execute_atomic.h"
#include "models/cpu/execute_bitmanip.h"
#include "models/cpu/execute_cache_block.h"
#include "models/cpu/execute_float.h"
#include "models/cpu/execute_integer.h"
#include "models/cpu/execute_memory.h"
#include "models/cpu/execute_system.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/op.h"
#include "models/cpu/op_class.h"

namespace hvsim::cpu {

// Op::rs3 of ops that end a block: which successors lie in the same physical page and may be linked.
inline constexpr std::uint8_t kTakenInPage = 1, kFallThroughInPage = 2;

namespace execute {
// Jumps are the engine's own; these names only let the table below mention every instruction.
template <class C>
void jal(C&, const Op&) {}
template <class C>
void jalr(C&, const Op&) {}
template <class C>
bool illegal(C& core, const Op& op) {
  return core.illegal(op);
}
}  // namespace execute

// Handlers end in a call of the next one in tail position, which the compiler turns into a jump.
template <class E>
inline void next_op(E* engine, const Op* op) {
  ++op;
  return op->run(engine, op);
}

template <class E, Id id, auto execute>
void run_simple(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::timed) engine->template time_simple<id>(*op);
  execute(*engine, *op);
  return next_op(engine, op);
}

template <class E, Id id, auto execute>
void run_may_trap(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::timed) engine->template begin_access<id>(*op);
  if (!execute(*engine, *op)) [[unlikely]]
    return engine->abandon(op);
  if constexpr (E::timed) engine->template end_access<id>(*op);
  return next_op(engine, op);
}

// What an access asks of the engine that level zero and the presence masks answer, while nothing is on its
// way that it could wait for: false, and nothing has happened, if it is none.
template <class E>
struct UsualAccess {
  E& engine;
  HartState& state;
  template <class T>
  bool load(std::uint64_t address, T& value) {
    return engine.load_at_once(address, value);
  }
  template <class T>
  bool store(std::uint64_t address, T value) {
    return engine.store_at_once(address, value);
  }
};

// An execute function for whatever core.
template <Id id>
struct Semantics;
#define HVSIM_INSTRUCTION(id, pattern, format, klass, extension) \
  template <>                                                    \
  struct Semantics<Id::id> {                                     \
    template <class C>                                           \
    static auto run(C& core, const Op& op) {                     \
      return execute::id(core, op);                              \
    }                                                            \
  };
#include "models/cpu/instructions.def"
#undef HVSIM_INSTRUCTION

template <class E, Id id, auto execute>
[[gnu::noinline]] void run_slow_access(void* opaque, const Op* op) {
  return run_may_trap<E, id, execute>(opaque, op);
}

// Saves none of the host's registers: all that calls something is done by the other one, from the beginning.
template <class E, Id id, auto execute>
void run_access(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  UsualAccess<E> usual{*engine, engine->state};
  engine->template begin_access<id>(*op);
  if (!Semantics<id>::run(usual, *op)) [[unlikely]]
    return run_slow_access<E, id, execute>(opaque, op);
  return next_op(engine, op);
}

template <class E, Id id, auto execute>
void run_branch(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::detailed) engine->pipeline().template control_flow<id>(*op);
  const bool taken = execute(*engine, *op);
  engine->branch_outcome(op, taken);
}

template <class E>
void run_jal(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::detailed) engine->pipeline().template control_flow<Id::jal>(*op);
  const std::uint64_t pc = engine->pc(*op);
  engine->state.x[op->rd] = pc + op->length;
  engine->direct_jump(op, pc + static_cast<std::uint64_t>(std::int64_t{op->imm}));
}

template <class E>
void run_jalr(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::detailed) engine->pipeline().template control_flow<Id::jalr>(*op);
  const std::uint64_t target =
      (engine->state.x[op->rs1] + static_cast<std::uint64_t>(std::int64_t{op->imm})) & ~std::uint64_t{1};
  engine->state.x[op->rd] = engine->pc(*op) + op->length;
  engine->indirect_jump(op, target);
}

template <class E, Id id, auto execute>
void run_system(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::detailed) engine->template time_system<id>(*op);
  engine->begin_system(op);
  if constexpr (std::is_void_v<decltype(execute(*engine, *op))>) {
    execute(*engine, *op);
  } else {
    if (!execute(*engine, *op)) [[unlikely]]
      return engine->abandon_system(op);
  }
  engine->end_system(op);
}

template <class E>
void run_end(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if constexpr (E::detailed) engine->pipeline().continue_at(engine->pc(*op));
  engine->finish_block(engine->pc(*op),
                       op->rs3 & kFallThroughInPage ? &engine->block().fall_through : nullptr, BlockEnd::on);
}

template <class E, Id id, Class klass, auto execute>
constexpr Handler make_handler() {
  if constexpr (klass == Class::branch) {
    return &run_branch<E, id, execute>;
  } else if constexpr (klass == Class::jump) {
    return &run_jal<E>;
  } else if constexpr (klass == Class::jump_register) {
    return &run_jalr<E>;
  } else if constexpr (is_privileged(klass)) {
    return &run_system<E, id, execute>;
  } else if constexpr (std::is_void_v<std::invoke_result_t<decltype(execute), E&, const Op&>>) {
    return &run_simple<E, id, execute>;
  } else if constexpr (E::timed && !E::detailed && (klass == Class::load || klass == Class::store)) {
    return &run_access<E, id, execute>;
  } else {
    return &run_may_trap<E, id, execute>;
  }
}

template <class E>
Handler handler_of(Id id) {
  static constexpr std::array<Handler, static_cast<std::size_t>(Id::count)> handlers{
#define HVSIM_INSTRUCTION(id, pattern, format, klass, extension) \
  make_handler<E, Id::id, Class::klass, &execute::id<E>>(),
#include "models/cpu/instructions.def"
#undef HVSIM_INSTRUCTION
  };
  return handlers[static_cast<std::size_t>(id)];
}

// What ops are given in the place of their own handler when they are observed.
template <class E>
void run_watched(void* opaque, const Op* op) {
  E* engine = static_cast<E*>(opaque);
  if (!engine->observe_step(op)) [[unlikely]]
    return engine->leave_before(op);
  return handler_of<E>(op->id)(opaque, op);
}

template <class E>
constexpr Handler end_of_block_handler() {
  return &run_end<E>;
}

}  // namespace hvsim::cpu
