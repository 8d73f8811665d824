// A Core over a page of flat memory: what execute functions need, and nothing that an engine adds.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "models/cpu/core.h"

namespace hvsim::tests {

class FakeCore {
 public:
  static constexpr std::uint64_t kBase = 0x80000000, kBytes = 4096;

  cpu::HartState state;
  std::uint64_t next_pc = 0;
  std::optional<isa::Trap> trapped;
  unsigned illegal_count = 0;
  bool reservation_holds = true;

  std::uint64_t pc(const cpu::Op& op) const { return state.pc + op.offset; }
  bool raise(isa::Trap trap) {
    trapped = trap;
    return false;
  }
  bool illegal(const cpu::Op&) {
    ++illegal_count;
    return false;
  }
  template <class Word>
  bool load(std::uint64_t address, Word& word) {
    if (!inside(address, sizeof(Word))) return raise({});
    std::memcpy(&word, &memory_[address - kBase], sizeof(Word));
    return true;
  }
  template <class Word>
  bool store(std::uint64_t address, Word word) {
    if (!inside(address, sizeof(Word))) return raise({});
    std::memcpy(&memory_[address - kBase], &word, sizeof(Word));
    return true;
  }
  template <class Word, class Update>
  bool amo(std::uint64_t address, Update update, Word& word) {
    return load(address, word) && store(address, static_cast<Word>(update(word)));
  }
  template <class Word>
  bool load_reserved(std::uint64_t address, Word& word) {
    return load(address, word);
  }
  template <class Word>
  bool store_conditional(std::uint64_t address, Word word, bool& stored) {
    stored = reservation_holds;
    return !stored || store(address, word);
  }
  template <class Word>
  bool guest_load(std::uint64_t address, isa::Access, Word& word) {
    return load(address, word);
  }
  template <class Word>
  bool guest_store(std::uint64_t address, Word word) {
    return store(address, word);
  }
  bool zero_block(std::uint64_t) { return raise({}); }
  bool manage_block(std::uint64_t, isa::BlockOperation) { return raise({}); }
  void fence(const cpu::TranslationFence&) {}
  void fence_instruction() {}
  void wait_for_interrupt() {}
  void mark(std::uint16_t, std::uint64_t) {}

 private:
  static bool inside(std::uint64_t address, std::size_t bytes) {
    return address >= kBase && address - kBase <= kBytes - bytes;
  }
  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(kBytes);
};
static_assert(cpu::Core<FakeCore>);

// Registers that tests use: operands in 5, 6 and 7 (integer or float), results in 10.
inline constexpr std::uint8_t kA = 5, kB = 6, kC = 7, kResult = 10;

inline cpu::Op op_with(std::int32_t imm = 0, std::uint8_t rm = 0) {
  cpu::Op op;
  op.rd = kResult;
  op.rs1 = kA;
  op.rs2 = kB;
  op.rs3 = kC;
  op.imm = imm;
  op.rm = rm;
  return op;
}

// Values where integer arithmetic goes wrong if it does.
inline const std::vector<std::uint64_t> kIntegers{0,
                                                  1,
                                                  2,
                                                  5,
                                                  31,
                                                  32,
                                                  63,
                                                  64,
                                                  0x7F,
                                                  0x80,
                                                  0xFF,
                                                  0x7FFF,
                                                  0x8000,
                                                  0x7FFFFFFF,
                                                  0x80000000,
                                                  0xFFFFFFFF,
                                                  0x100000000,
                                                  0x0123456789ABCDEF,
                                                  0xFEDCBA9876543210,
                                                  0x00FF00FF0000FF01,
                                                  0x7FFFFFFFFFFFFFFF,
                                                  0x8000000000000000,
                                                  0x8000000000000001,
                                                  0xFFFFFFFF7FFFFFFF,
                                                  0xFFFFFFFF80000000,
                                                  0xFFFFFFFFFFFFFFFE,
                                                  0xFFFFFFFFFFFFFFFF};

}  // namespace hvsim::tests
