// What kinds of instructions the engine and its pipelines tell apart.
#pragma once

#include "models/cpu/accountant.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op.h"

namespace hvsim::cpu {

// CSR writes after which the pipeline starts anew, because fetch or later operations depend on them.
bool flushes_pipeline(const Op& op);
// SFENCE.VMA, HFENCE.* and their like in Svinval.
bool is_translation_fence(Id id);

inline bool is_float_op(const Op& op) { return is_float(instruction(op.id).extension); }

// Those that the engine makes its state exact for.
constexpr bool is_privileged(Class klass) {
  return klass == Class::csr || klass == Class::fence_i || klass == Class::system || klass == Class::mark ||
         klass == Class::illegal;
}

constexpr bool ends_block(Class klass) {
  return is_privileged(klass) || klass == Class::branch || klass == Class::jump ||
         klass == Class::jump_register;
}

constexpr bool is_atomic(Class klass) {
  return klass == Class::lr || klass == Class::sc || klass == Class::amo;
}

constexpr bool accesses_memory(Class klass) {
  return is_atomic(klass) || klass == Class::load || klass == Class::store || klass == Class::guest_load ||
         klass == Class::guest_store || klass == Class::cache_block;
}

constexpr bool divides(Class klass) {
  return klass == Class::div || klass == Class::fp_div || klass == Class::fp_sqrt;
}

// A bit per register: x, then f.
constexpr std::uint64_t register_bit(RegisterFile file, unsigned number) {
  if (file == RegisterFile::none || number >= 32) return 0;
  return std::uint64_t{1} << number << (file == RegisterFile::f ? 32 : 0);
}

constexpr bool is_float_class(Class klass) { return klass >= Class::fp_add && klass <= Class::fp_move; }

}  // namespace hvsim::cpu
