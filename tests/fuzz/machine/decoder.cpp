// Instruction words of all kinds through decoder, expander and disassembler.
#include "models/cpu/decoder.h"

#include <gtest/gtest.h>

#include "models/cpu/compressed.h"
#include "models/cpu/disassembler.h"
#include "models/cpu/hart_state.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {

void decoder(std::span<const std::uint8_t> bytes) {
  Input input(bytes);
  while (!input.empty()) {
    auto raw = input.take<std::uint32_t>();
    if (cpu::is_compressed(raw)) {
      raw &= 0xFFFF;
      EXPECT_FALSE(cpu::compressed_name(static_cast<std::uint16_t>(raw)).empty());
    }
    for (const bool float_enabled : {false, true}) {
      const cpu::Op op = cpu::decode(raw, {.float_enabled = float_enabled});
      EXPECT_LE(op.rd, cpu::HartState::kSink);
      EXPECT_LT(op.rs1, 32u);
      EXPECT_LT(op.rs2, 32u);
      EXPECT_LT(op.rs3, 32u);
      EXPECT_LT(op.id, cpu::Id::count);
      EXPECT_FALSE(cpu::disassemble(op, 0x8000'0000).empty());
    }
  }
}

std::vector<Bytes> decoder_seeds() {
  Script some;
  for (const std::uint32_t raw : {0x0000'0013u, 0x1234'5537u, 0x6000'4073u, 0x0273'8293u, 0x1000'2f2fu,
                                  0x4501'8082u, 0x62a6'0073u, 0x0205'3553u, 0xffff'ffffu, 0u})
    some.add(raw);
  return {some.bytes()};
}

}  // namespace hvsim::fuzz
