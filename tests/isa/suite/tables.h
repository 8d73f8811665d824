// Page tables of both stages: memory and image mapped to themselves by a gigapage, and 512 test pages from
// kPages, whose guest physical addresses are the same and whose frames lie from kFrames.
#pragma once

#include "models/cpu/isa/paging.h"
#include "tests/isa/suite/harness.h"

namespace suite {

namespace pte = hvsim::isa::pte;

inline constexpr uint64_t kPages = 0x1'0000'0000, kFrames = 0x8400'0000, kPageBytes = 4096;
inline constexpr uint64_t kLastPages =
    0x1FF'FFE0'0000;  // the last 2 MiB that Sv39x4 reaches: the same frames
inline constexpr uint64_t kRwx = pte::r | pte::w | pte::x, kLeaf = pte::v | pte::a | pte::d;

struct Tables {
  uint64_t g_root[2048], g_middle[512], g_last[512];
  uint64_t root[512], middle[512], last[512];
};
extern Tables tables;

constexpr uint64_t page(uint64_t number) { return kPages + number * kPageBytes; }
constexpr uint64_t frame(uint64_t number) { return kFrames + number * kPageBytes; }
constexpr uint64_t entry(uint64_t address, uint64_t bits) { return address >> 2 | bits; }

void map_all();  // RWX in both stages, no U in the first
void use_g_stage();
void use_guest_stage();
inline void map_guest(uint64_t number, uint64_t bits) { tables.last[number] = entry(page(number), bits); }
inline void map_g(uint64_t number, uint64_t bits) { tables.g_last[number] = entry(frame(number), bits); }
template <class T>
void swap(T& a, T& b) {
  const T kept = a;
  a = b;
  b = kept;
}

}  // namespace suite
