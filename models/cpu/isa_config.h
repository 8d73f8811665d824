// The ISA options of a hart: data, so that a machine's configuration can choose them.
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

// Who sets the A and D bits of a PTE.
enum class AdUpdates : std::uint8_t {
  hardware,  // page walks do, always
  svade,     // software: walks fault
  svadu,     // walks do where menvcfg.ADUE (VS-stage: henvcfg.ADUE) says so, and fault elsewhere
};

// Loads and stores that are not naturally aligned. Atomics must be aligned in any case.
enum class Misaligned : std::uint8_t { hardware, trap };

struct IsaConfig {
  bool h = true;    // hypervisor extension
  bool zbc = true;  // carry-less multiplication
  bool zicbom = true, zicboz = true;
  bool zicond = true;
  bool time_csr = true;    // else reading time is illegal, for M-mode to emulate
  bool zihpm = true;       // hpmcounter3 to 31
  bool sscofpmf = false;   // their overflow interrupts and mode filters; on, mip and sip have one more bit
  bool smstateen = false;  // on, it keeps S-mode out of senvcfg until M-mode writes mstateen0
  bool sstc = true;        // stimecmp and vstimecmp
  bool svinval = true, svnapot = true, svpbmt = true;
  AdUpdates ad_updates = AdUpdates::hardware;
  Misaligned misaligned = Misaligned::hardware;
  std::uint8_t pmp_entries = 16;                     // 0 to 16
  std::uint8_t widest_paging = isa::csr::kModeSv57;  // highest MODE of satp, vsatp and hgatp

  static constexpr unsigned cache_block_bytes = 64;  // of the cbo.* instructions
};

}  // namespace hvsim::cpu
