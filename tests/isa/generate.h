// The pieces that random programs are made of. Each puts one or a few instructions into the bundle.
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"
#include "tests/isa/builder.h"

namespace hvsim::oracle {

// generate_integer.cpp
void put_integer(Builder& b);   // ALU, multiplication and division, in 32 or 16 bits
void put_jump(Builder& b);      // a branch or jump, forwards within the bundle
void put_reserved(Builder& b);  // an encoding that nothing has

// generate_float.cpp
void put_float(Builder& b);
void put_float_csr(Builder& b);  // fflags, frm, fcsr

// generate_memory.cpp
void put_memory(Builder& b);  // loads and stores of x and f registers, aligned or not
void put_atomic(Builder& b);
void put_cache_block(Builder& b);  // cbo.*, where the witness has them
void put_fence(Builder& b);

// generate_privileged.cpp
void put_csr(Builder& b);          // any CSR, read or written
void put_mode_change(Builder& b);  // ecall, ebreak, mret, sret
void put_system(Builder& b);       // fences of translation, WFI

// generate_paging.cpp
void put_pointer(Builder& b);       // a pinned register that points somewhere else
void put_permission(Builder& b);    // SUM, MXR and SPVP
void put_fetch(Builder& b);         // a jump to where nothing but traps can be executed
void put_table_change(Builder& b);  // a leaf and its fence

// Delegation that sends the causes between which QEMU errs (known_differences.cpp) to one place: illegal and
// virtual instruction, misaligned load and store, access faults and guest page faults,
// and the page faults of AMOs.
constexpr std::uint64_t kMedeleg = 0xF0'B1FF;  // never the HS stub's own way out
constexpr std::uint64_t kHedeleg = 0xB109;     // none whose partner cannot go to VS, nor misaligned accesses
constexpr std::uint64_t paired_medeleg(std::uint64_t delegation) {
  const auto copy = [&delegation](unsigned from, unsigned to) {
    delegation = (delegation & ~(std::uint64_t{1} << to)) | (delegation >> from & 1) << to;
  };
  copy(4, 6);
  copy(2, 22);
  copy(13, 15);
  for (const unsigned other : {5u, 7u, 20u, 21u, 23u}) copy(1, other);
  return delegation;
}

// Of what may be written to xenvcfg, only what is defined: CBIE has a reserved value.
constexpr std::uint64_t legal_environment(std::uint64_t value) {
  const bool reserved = (value & isa::csr::kCbie) == std::uint64_t{2} << isa::csr::kCbieShift;
  return reserved ? value & ~isa::csr::kCbie : value;
}

// generate_guest_memory.cpp
void put_guest_memory(Builder& b);  // HLV, HLVX, HSV
void put_protected(Builder& b);     // M-mode's loads and stores as another mode (MPRV)

}  // namespace hvsim::oracle
