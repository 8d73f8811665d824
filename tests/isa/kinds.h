// What the kinds of programs have in common.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "tests/isa/builder.h"

namespace hvsim::oracle {

// Pieces of a program, likely in proportion to their weight.
struct Part {
  void (*put)(Builder&);
  unsigned weight;
};
void fill(Builder& b, std::initializer_list<Part> parts);

void add_data(Builder& b);
// Into the middle data pages, so that offsets stay within the data.
void point_at_data(Builder& b);

// Bits of `of`, each with an even chance.
inline std::uint64_t some_of(Random& random, std::uint64_t of) { return random.next() & of; }

// kinds_paging.cpp
void paging(Builder& b);        // one stage, from M, HS and U
void guest_paging(Builder& b);  // VS-stage and G-stage, from within and by HLV, HSV and MPRV
void protection(Builder& b);    // PMP alone

}  // namespace hvsim::oracle
