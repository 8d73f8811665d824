// Integer instructions, and jumps that stay within their bundle.
#include <string_view>
#include <vector>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "tests/isa/generate.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;
using cpu::Id;

// QEMU 7.2 has no Zicond.
std::vector<Id> ids_of(std::initializer_list<Class> classes) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < cpu::kInstructionCount; ++i)
    for (const Class klass : classes)
      if (cpu::kInstructions[i].klass == klass && cpu::kInstructions[i].extension != cpu::Extension::zicond)
        ids.push_back(static_cast<Id>(i));
  return ids;
}

// A random 16-bit encoding that stands for an integer operation.
std::uint32_t random_compressed(Builder& b) {
  for (;;) {
    const auto half = static_cast<std::uint16_t>(b.random.next());
    if (!cpu::is_compressed(half) || cpu::compressed_name(half) == "illegal") continue;
    const Class klass = cpu::instruction(cpu::decode(half, {}).id).klass;
    if (klass == Class::alu && b.respects_pins(half)) return half;
  }
}

// An ALU operation with operands that differ little, where comparisons turn.
void put_close_operands(Builder& b) {
  const unsigned rd = b.free_register(), source = b.random.below(32);
  b.emit(as::addi(rd, source, static_cast<int>(b.random.below(5)) - 2));
}

// QEMU 7.2 counts on into the high word where the low word is zero (kAvoided); so either it is not, or the
// high word is zero or all ones with it.
void put_ctzw(Builder& b) {
  if (b.room() < 8) return;
  const unsigned source = b.random.below(32);
  const std::uint32_t fit = b.random.one_in(2) ? as::addiw(kT0, source, 0)
                                               : 0x2800'1013u | 31u << 20 | source << 15 | kT0 << 7;  // bseti
  b.emit(fit);
  b.emit(Builder::with_rs1(b.random_encoding(Id::ctzw), kT0));
}

// The code that a jump steps over.
void put_skipped(Builder& b) {
  b.skippable([&b] {
    for (unsigned count = b.random.below(3); count != 0; --count) put_integer(b);
  });
}

constexpr std::uint32_t c_jump(unsigned offset) {
  return 0xA001 | (offset >> 1 & 7) << 3 | (offset >> 4 & 1) << 11 | (offset >> 5 & 1) << 2;
}
constexpr std::uint32_t c_branch(bool not_zero, unsigned reg, unsigned offset) {
  return (not_zero ? 0xE001u : 0xC001u) | reg << 7 | (offset >> 1 & 3) << 3 | (offset >> 3 & 3) << 10 |
         (offset >> 5 & 1) << 2;
}

void put_jump_register(Builder& b) {
  const unsigned start = b.here(), target = kT0;
  const bool compressed = b.random.one_in(2);
  const unsigned rd = b.free_register();
  b.emit(as::auipc(target, 0));
  if (compressed) {
    b.emit(as::nop);  // becomes the addition
    b.emit((b.random.one_in(2) ? 0x8002u : 0x9002u) | target << 7);
    put_skipped(b);
    b.patch(start + 4, as::addi(target, target, static_cast<int>(b.here() - start)));
  } else {
    b.emit(as::nop);
    put_skipped(b);
    // Bit 0 of the sum is cleared.
    const int odd = b.random.one_in(4) ? 1 : 0;
    b.patch(start + 4, as::jalr(rd, target, static_cast<int>(b.here() - start) + odd));
  }
}

}  // namespace

void put_integer(Builder& b) {
  static const std::vector<Id> ids = ids_of({Class::alu, Class::mul, Class::div, Class::mark});
  if (b.random.one_in(12)) return put_close_operands(b);
  if (b.random.one_in(3)) return b.emit(random_compressed(b));
  if (b.program.witness->has_conditionals() && b.random.one_in(16))
    return b.emit(b.random_encoding(b.random.of({Id::czero_eqz, Id::czero_nez})));
  const Id id = b.random.of(ids);
  if (id == Id::ctzw) return put_ctzw(b);
  b.emit(b.random_encoding(id));
}

void put_jump(Builder& b) {
  if (b.room() < 26) return;
  const unsigned start = b.here();
  const unsigned reg = b.random.below(8);
  const auto distance = [&b, start] { return b.here() - start; };
  switch (b.random.below(6)) {
    case 0: {
      b.emit(as::nop);
      put_skipped(b);
      return b.patch(start, as::jal(b.free_register(), static_cast<int>(distance())));
    }
    case 1:
      return put_jump_register(b);
    case 2: {
      b.emit(as::c_nop);
      put_skipped(b);
      const bool not_zero = b.random.one_in(2);
      return b.patch(start, b.random.one_in(3) ? c_jump(distance()) : c_branch(not_zero, reg, distance()));
    }
    default: {
      const unsigned funct3 = b.random.of({0, 1, 4, 5, 6, 7});
      b.emit(as::nop);
      put_skipped(b);
      return b.patch(
          start, as::branch(funct3, b.random.below(32), b.random.below(32), static_cast<int>(distance())));
    }
  }
}

void put_reserved(Builder& b) {
  for (;;) {
    const auto raw = static_cast<std::uint32_t>(b.random.next());
    if (b.random.one_in(4) && cpu::is_compressed(raw)) {
      if (cpu::compressed_name(static_cast<std::uint16_t>(raw)) == "illegal") return b.emit(raw & 0xFFFF);
    } else {
      const std::uint32_t wide = raw | 3;
      if (cpu::find_instruction(wide) == Id::illegal) return b.emit(wide);
    }
  }
}

}  // namespace hvsim::oracle
