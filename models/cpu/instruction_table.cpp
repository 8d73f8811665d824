// Compile-time checks of the instruction table, and its index by opcode and funct3.
#include "models/cpu/instruction_table.h"

namespace hvsim::cpu {
namespace {

static_assert(static_cast<std::size_t>(Id::illegal) == kInstructionCount - 1, "illegal is the last line");

// All but `illegal`, which is what finding nothing means.
constexpr auto kPatterns = [] {
  std::array<Pattern, kInstructionCount - 1> patterns{};
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = kInstructions[i].pattern;
  return patterns;
}();
static_assert(all_have_bits(kPatterns, 32));
static_assert(overlaps_have_a_winner(kPatterns));

struct OpcodeAndFunct3 {
  static constexpr std::size_t kCount = 256;
  static constexpr std::uint32_t kMask = 0x707C;
  static constexpr std::size_t number(std::uint32_t raw) { return (raw >> 2 & 0x1F) << 3 | (raw >> 12 & 7); }
  static constexpr std::uint32_t raw(std::size_t number) {
    return static_cast<std::uint32_t>((number >> 3) << 2 | (number & 7) << 12);
  }
};

constexpr std::size_t kEntries = PatternIndex<OpcodeAndFunct3, 0>::entries_needed(kPatterns);
constexpr PatternIndex<OpcodeAndFunct3, kEntries> kIndex{kPatterns};

}  // namespace

// One past the last pattern is `illegal`.
Id find_instruction(std::uint32_t raw) { return static_cast<Id>(kIndex.find(kPatterns, raw)); }

}  // namespace hvsim::cpu
