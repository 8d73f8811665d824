// The pieces that random programs are made of. Each puts one or a few instructions into the bundle.
#pragma once

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
void put_fence(Builder& b);

// generate_privileged.cpp
void put_csr(Builder& b);          // any CSR, read or written
void put_mode_change(Builder& b);  // ecall, ebreak, mret, sret
void put_system(Builder& b);       // fences of translation, WFI

// generate_guest_memory.cpp
void put_guest_memory(Builder& b);  // HLV, HLVX, HSV
void put_protected(Builder& b);     // M-mode's loads and stores as another mode (MPRV)

}  // namespace hvsim::oracle
