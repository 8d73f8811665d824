// One predecoded instruction, and what the instruction table says of every instruction.
#pragma once

#include <cstdint>

namespace hvsim::cpu {

// One enumerator per line of instructions.def, in its order.
enum class Id : std::uint16_t {
#define HVSIM_INSTRUCTION(id, pattern, format, klass, extension) id,
#include "models/cpu/instructions.def"
#undef HVSIM_INSTRUCTION
  count,
};

// Timing class: what an issue-cost table is indexed by, and how the engine runs the instruction.
enum class Class : std::uint8_t {
  alu,
  mul,
  div,
  load,
  store,
  branch,
  jump,
  jump_register,  // end a block
  lr,
  sc,
  amo,
  fp_add,
  fp_mul,
  fp_fma,
  fp_div,
  fp_sqrt,
  fp_convert,
  fp_move,
  csr,
  fence,
  fence_i,
  system,  // csr, fence_i and system end a block
  guest_load,
  guest_store,  // HLV, HLVX, HSV
  cache_block,  // cbo.*
  mark,         // a HINT for observers (isa/mark.h); ends a block
  illegal,      // ends a block
  count,
};

struct Op;
// Runs the op and those after it; opaque here because it depends on the engine's timing policy.
using Handler = void (*)(void* engine, const Op* op);

// 32 bytes, made once when a block is decoded.
struct Op {
  Handler run = nullptr;
  std::uint32_t raw = 0;  // the encoding as fetched (16-bit ones zero-extended), for tval
  std::int32_t imm = 0;   // sign-extended immediate; CSR number for csr; shift amount for shifts
  Id id{};
  std::uint16_t offset = 0;  // bytes from the first instruction of the block
  std::uint16_t words = 0;   // timed: words to fetch beyond those for the op before
  std::uint8_t length = 4;   // 2 or 4 bytes
  std::uint8_t rd = 0;       // integer destinations: x0 is redirected to HartState::kSink
  std::uint8_t rs1 = 0;
  std::uint8_t rs2 = 0;
  std::uint8_t rs3 = 0;
  std::uint8_t rm = 0;  // rounding mode field of FP ops (7 = dynamic); aq/rl for atomics
};
static_assert(sizeof(Op) == 32);

}  // namespace hvsim::cpu
