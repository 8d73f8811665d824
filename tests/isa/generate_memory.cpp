// Loads, stores and atomics around the pinned pointers.
#include <vector>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "tests/isa/generate.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;
using cpu::Id;

std::vector<Id> ids_of(Class first, Class second) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < cpu::kInstructionCount; ++i) {
    const Class klass = cpu::kInstructions[i].klass;
    if (klass == first || klass == second) ids.push_back(static_cast<Id>(i));
  }
  return ids;
}

bool is_store(std::uint32_t raw) {
  return cpu::instruction(cpu::find_instruction(raw)).klass == Class::store;
}

bool is_base(unsigned reg) { return reg == kSp || reg == kPointerA || reg == kPointerB; }

std::uint32_t random_compressed(Builder& b) {
  for (;;) {
    const auto half = static_cast<std::uint16_t>(b.random.next());
    if (!cpu::is_compressed(half) || cpu::compressed_name(half) == "illegal") continue;
    const cpu::Op op = cpu::decode(half, {});
    const Class klass = cpu::instruction(op.id).klass;
    if ((klass == Class::load || klass == Class::store) && is_base(op.rs1) && b.respects_pins(half))
      return half;
  }
}

// The address of an atomic: mostly aligned, and now and then anything.
void put_atomic_address(Builder& b, unsigned reg) {
  const int offset = static_cast<int>(b.random.below(512)) - 256;
  const bool aligned = !b.random.one_in(16);
  b.emit(as::addi(reg, kAligned, aligned ? offset & ~7 : offset));
}

unsigned other_register(Builder& b, unsigned first, unsigned second) {
  for (;;) {
    const unsigned reg = b.free_register();
    if (reg != 0 && reg != kT0 && reg != first && reg != second) return reg;
  }
}

// SC, and perhaps another, for which no reservation is left.
void put_store_conditional(Builder& b, std::uint32_t sc) {
  b.emit(sc);
  if (b.random.one_in(4)) b.emit(sc);
}

void put_pair(Builder& b) {
  const bool wide = b.random.one_in(2);
  const std::uint32_t lr = b.random_encoding(wide ? Id::lr_d : Id::lr_w);
  const std::uint32_t sc = b.random_encoding(wide ? Id::sc_d : Id::sc_w);
  const unsigned loaded = other_register(b, 0, 0), result = other_register(b, loaded, 0);
  const std::uint32_t load = Builder::with_rd(Builder::with_rs1(lr, kT0), loaded);
  const std::uint32_t store = Builder::with_rd(Builder::with_rs1(sc, kT0), result);
  put_atomic_address(b, kT0);
  if (b.program.faults_anywhere) {
    // Only if LR did not fault: QEMU looks at the reservation first.
    constexpr int untouched = 0x5A5;
    b.emit(as::addi(loaded, 0, untouched));
    b.emit(as::addi(result, 0, untouched));
    b.emit(load);
    const unsigned start = b.here();
    b.emit(as::nop);
    b.skippable([&] { put_store_conditional(b, store); });
    constexpr unsigned beq = 0;
    b.patch(start, as::branch(beq, loaded, result, static_cast<int>(b.here() - start)));
    return;
  }
  b.emit(load);
  if (b.random.one_in(4)) b.emit(as::addi(loaded, loaded, 1));
  // Elsewhere, outside of any reservation set, it must fail.
  if (b.random.one_in(5)) b.emit(as::addi(kT0, kT0, b.random.one_in(2) ? 1024 : -1024));
  put_store_conditional(b, store);
}

}  // namespace

void put_memory(Builder& b) {
  static const std::vector<Id> ids = ids_of(Class::load, Class::store);
  if (b.random.one_in(3)) return b.emit(random_compressed(b));
  const unsigned base = b.random.of({kSp, kPointerA, kPointerB, kAligned, kAnywhere});
  std::uint32_t raw = Builder::with_rs1(b.random_encoding(b.random.of(ids)), base);
  // The immediate's low three bits; the registers are aligned too.
  constexpr std::uint32_t load_immediate = 7u << 20, store_immediate = 7u << 7;
  if (b.program.aligned) raw &= ~(is_store(raw) ? store_immediate : load_immediate);
  b.emit(raw);
}

void put_atomic(Builder& b) {
  static const std::vector<Id> amos = ids_of(Class::amo, Class::amo);
  if (b.room() < 30) return;
  if (b.random.one_in(3) || !b.program.amos) return put_pair(b);
  put_atomic_address(b, kT0);
  b.emit(Builder::with_rs1(b.random_encoding(b.random.of(amos)), kT0));
}

void put_cache_block(Builder& b) {
  if (!b.program.witness->has_cache_blocks() || !b.program.cache_blocks) return;
  const Id id = b.random.of({Id::cbo_zero, Id::cbo_zero, Id::cbo_clean, Id::cbo_flush, Id::cbo_inval});
  const unsigned base = b.random.of({kSp, kPointerA, kPointerB, kAligned, kAnywhere});
  b.emit(Builder::with_rs1(b.random_encoding(id), base));
}

void put_fence(Builder& b) { b.emit(b.random_encoding(b.random.one_in(4) ? Id::fence_i : Id::fence)); }

}  // namespace hvsim::oracle
