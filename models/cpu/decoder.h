// From an encoding to an Op: which instruction it is and what its operands are.
#pragma once

#include <cstdint>

#include "models/cpu/isa_config.h"
#include "models/cpu/op.h"

namespace hvsim::cpu {

struct DecodeOptions {
  bool float_enabled = true;  // false: FS is Off, all of F and D is illegal
  IsaConfig isa{};            // instructions of absent extensions are illegal
};

constexpr bool is_compressed(std::uint32_t raw) { return (raw & 3) != 3; }

// Fills all of the Op but run, offset and issue. `raw` may hold a 16-bit encoding in its low half.
// Sources that the instruction does not have are 0; integer destinations that are x0, and destinations
// that it does not have, are HartState::kSink.
Op decode(std::uint32_t raw, const DecodeOptions& options);

}  // namespace hvsim::cpu
