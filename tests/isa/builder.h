// Puts instructions into the bundles of a program.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/cpu/instruction_table.h"
#include "tests/isa/program.h"
#include "tests/isa/random.h"

namespace hvsim::oracle {

// Pointers into the data pages, which no instruction of the usual kinds overwrites: two that compressed
// loads can use, the stack pointer, one that is aligned and one that may not be.
inline constexpr unsigned kSp = 2, kPointerA = 8, kPointerB = 9, kAligned = 18, kAnywhere = 19;
inline constexpr std::uint32_t kPinned =
    1u << kSp | 1u << kPointerA | 1u << kPointerB | 1u << kAligned | 1u << kAnywhere;
// Scratch registers of the sequences, free for anybody in between.
inline constexpr unsigned kT0 = 5, kT1 = 6, kT2 = 7;

// The random page tables of a program (paging.h), and who walks them.
struct Paging {
  bool first = false, second = false;  // which stages translate
  unsigned first_levels = 3, g_levels = 3;
  bool through_guest = false;     // the first stage is VS's, and maps guest physical addresses
  std::uint64_t mode = 3;         // the program's own, as MPP has it
  bool virtualized = false;       // and its V
  std::uint64_t permissions = 0;  // SUM and MXR as far as they may change
  bool fetches = true;
  bool behind_window = false;          // first-stage tables are where the G-stage is random
  std::vector<std::uint64_t> fetched;  // pages in which there is nothing to execute but traps
};

class Builder {
 public:
  Builder(Random& numbers, Program& target) : random(numbers), program(target) {}

  Random& random;
  Program& program;
  std::uint32_t pinned = 0;  // integer registers that random instructions leave alone
  Paging paging;

  unsigned room() const { return limit_ - at_; }
  unsigned here() const { return at_; }
  void emit(std::uint32_t raw);  // 16-bit encodings too
  bool next_bundle();            // false: the program is full
  bool reserve(unsigned bytes);  // in one bundle; false: the program is full
  void finish();

  // From here to the end of what `skipped` emits, execution is uncertain.
  void skippable(const std::function<void()>& skipped);

  // Replaces the 32-bit instruction at `offset`, a jump whose target is now known.
  void patch(unsigned offset, std::uint32_t raw);

  // The encoding of `id` with random operands.
  std::uint32_t random_encoding(cpu::Id id);
  // With registers given; immediates stay as they are in `raw`.
  static std::uint32_t with_rd(std::uint32_t raw, unsigned rd);
  static std::uint32_t with_rs1(std::uint32_t raw, unsigned rs1);
  static std::uint32_t with_rs2(std::uint32_t raw, unsigned rs2);

  // An integer register that may be written.
  unsigned free_register();
  // Does a random instruction keep its hands off pinned registers?
  bool respects_pins(std::uint32_t raw) const;

  void li(unsigned rd, std::uint64_t value);
  // csrrw rd, number, rs1 and relatives
  void csr(unsigned funct3, unsigned rd, unsigned number, unsigned rs1);

 private:
  unsigned at_ = 0, limit_ = kBundleBytes;
  bool certain_ = true;
};

namespace as {
constexpr std::uint32_t i_type(unsigned op, unsigned f3, unsigned rd, unsigned rs1, int imm) {
  return static_cast<std::uint32_t>(imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}
constexpr std::uint32_t s_type(unsigned op, unsigned f3, unsigned rs1, unsigned rs2, int imm) {
  const auto u = static_cast<std::uint32_t>(imm);
  return (u >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (u & 31) << 7 | op;
}
constexpr std::uint32_t branch(unsigned f3, unsigned a, unsigned b, int offset) {
  const auto u = static_cast<std::uint32_t>(offset);
  return (u >> 12 & 1) << 31 | (u >> 5 & 0x3F) << 25 | b << 20 | a << 15 | f3 << 12 | (u >> 1 & 15) << 8 |
         (u >> 11 & 1) << 7 | 0x63;
}
constexpr std::uint32_t jal(unsigned rd, int offset) {
  const auto u = static_cast<std::uint32_t>(offset);
  return (u >> 20 & 1) << 31 | (u >> 1 & 0x3FF) << 21 | (u >> 11 & 1) << 20 | (u >> 12 & 0xFF) << 12 |
         rd << 7 | 0x6F;
}
constexpr std::uint32_t addi(unsigned rd, unsigned rs1, int imm) { return i_type(0x13, 0, rd, rs1, imm); }
constexpr std::uint32_t slli(unsigned rd, unsigned rs1, unsigned shift) {
  return i_type(0x13, 1, rd, rs1, static_cast<int>(shift));
}
constexpr std::uint32_t lui(unsigned rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x37; }
constexpr std::uint32_t addiw(unsigned rd, unsigned rs1, int imm) { return i_type(0x1B, 0, rd, rs1, imm); }
constexpr std::uint32_t auipc(unsigned rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x17; }
constexpr std::uint32_t jalr(unsigned rd, unsigned rs1, int imm) { return i_type(0x67, 0, rd, rs1, imm); }
inline constexpr std::uint32_t ecall = 0x73, ebreak = 0x0010'0073, mret = 0x3020'0073, sret = 0x1020'0073,
                               wfi = 0x1050'0073, sfence_vma = 0x1200'0073, hfence_vvma = 0x2200'0073,
                               hfence_gvma = 0x6200'0073, c_nop = 0x0001, nop = 0x13;
}  // namespace as

}  // namespace hvsim::oracle
