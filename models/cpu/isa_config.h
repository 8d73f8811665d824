// The ISA options of a hart: data, so that a machine's configuration can choose them.
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

struct IsaConfig {
  bool h = true;                                     // hypervisor extension
  bool sstc = true;                                  // stimecmp and vstimecmp
  bool hardware_ad = true;                           // walks set A and D bits; false: they fault (Svade)
  std::uint8_t pmp_entries = 16;                     // 0 to 16
  std::uint8_t widest_paging = isa::csr::kModeSv48;  // highest MODE of satp, vsatp and hgatp
};

}  // namespace hvsim::cpu
