// How long dividers take, by their operands.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op.h"
#include "models/cpu/pipeline_config.h"

namespace hvsim::cpu::divide {

template <Id id>
constexpr bool is_single() {
  return instruction(id).name().ends_with(".s");
}

// Leading bits of a divider that works from the first bit in which its operands differ.
constexpr unsigned significant_bits(std::int64_t value, bool is_signed) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (is_signed && value < 0) return 64 - static_cast<unsigned>(std::countl_zero(~bits)) + 1;
  return 64 - static_cast<unsigned>(std::countl_zero(bits));
}

constexpr std::uint64_t magnitude(std::int64_t value, bool is_signed) {
  const auto bits = static_cast<std::uint64_t>(value);
  return is_signed && value < 0 ? ~bits + 1 : bits;
}

constexpr isa::Cycles integer_cycles(const PipelineConfig& config, std::int64_t a, std::int64_t b,
                                     bool is_signed) {
  if (b == 0 || magnitude(a, is_signed) < magnitude(b, is_signed)) return config.div_short;
  const unsigned of_a = significant_bits(a, is_signed), of_b = significant_bits(b, is_signed);
  return config.div_start + (of_a > of_b ? of_a - of_b : 0);
}

template <Id id>
constexpr isa::Cycles integer_cycles(const PipelineConfig& config, std::uint64_t a, std::uint64_t b) {
  constexpr std::string_view name = instruction(id).name();
  constexpr bool word = name.ends_with('w');
  constexpr bool is_signed = (word ? name.substr(0, name.size() - 1) : name).back() != 'u';
  const auto extend = [](std::uint64_t value) {
    if constexpr (!word) return static_cast<std::int64_t>(value);
    if constexpr (is_signed) return std::int64_t{static_cast<std::int32_t>(value)};
    return static_cast<std::int64_t>(value & 0xFFFF'FFFF);
  };
  return integer_cycles(config, extend(a), extend(b), is_signed);
}

// Four bits of the quotient per cycle until the remainder is zero; zeros and infinities at once.
isa::Cycles float_cycles(const PipelineConfig& config, std::uint64_t a, std::uint64_t b, bool single,
                         bool root);

template <Id id>
isa::Cycles float_cycles(const PipelineConfig& config, std::uint64_t a, std::uint64_t b) {
  return float_cycles(config, a, b, is_single<id>(), instruction(id).klass == Class::fp_sqrt);
}

// Of whatever operands.
template <Id id>
constexpr isa::Cycles least_cycles(const PipelineConfig& config) {
  const bool integer = instruction(id).klass == Class::div;
  return integer ? std::min(config.div_short, config.div_start) : config.fp_div_start + 1;
}
// Of the operands that an instruction is about to use.
template <Id id>
isa::Cycles cycles(const PipelineConfig& config, const Op& op, const HartState& state) {
  if constexpr (instruction(id).klass == Class::div)
    return integer_cycles<id>(config, state.x[op.rs1], state.x[op.rs2]);
  else
    return float_cycles<id>(config, state.f[op.rs1], state.f[op.rs2]);
}

}  // namespace hvsim::cpu::divide
