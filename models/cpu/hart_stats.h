// What one hart counts: the components of a CPI stack, walks, and the totals they add up to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// Every cycle of a hart belongs to exactly one component.
enum class Component : std::uint8_t {
  base,    // issue, operand waits, multiply and divide
  branch,  // taken bubbles and mispredictions
  icache,
  dcache,
  walk_first,  // first-stage (or only) part of page-table walks, and second-level TLB hits
  walk_g,      // G-stage part of page-table walks
  trap,        // trap entry and return
  csr,         // CSR accesses and fences
  fp,
  idle,  // WFI
  count,
};
inline constexpr std::size_t kComponentCount = static_cast<std::size_t>(Component::count);
using ComponentCycles = std::array<isa::Cycles, kComponentCount>;

struct WalkStats {
  std::uint64_t one_stage_walks = 0, two_stage_walks = 0, faults = 0;
  std::uint64_t first_reads = 0, g_reads = 0;  // PTE reads by stage
  std::uint64_t ad_writes = 0;                 // PTEs in which the walker set A or D
  isa::Cycles first_cycles = 0, g_cycles = 0;
};

}  // namespace hvsim::cpu
