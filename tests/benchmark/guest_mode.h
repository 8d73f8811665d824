// Takes a bare program out of M-mode: the same instructions in S-mode with pages of its own, or as a guest,
// in VS-mode under two-stage translation.
#pragma once

#include <cstdint>

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "sim/machine.h"

namespace hvsim::sim {

// Maps the first 16 MiB of RAM by 4 KiB pages and the devices by a gigapage, all to themselves. The tables
// are in the last of them: a guest's own must be guest-physical memory too.
inline std::uint64_t make_tables(Machine& machine, std::uint64_t root, bool g_stage) {
  using namespace isa::pte;
  constexpr std::uint64_t kPages = 512, kMegapages = 8;
  const std::uint64_t middle = root + 0x4000, leaves = root + 0x5000;
  const std::uint64_t leaf_bits = v | r | w | x | a | d | (g_stage ? u : 0);
  const auto put = [&](std::uint64_t at, std::uint64_t target, std::uint64_t bits) {
    machine.memory().write(isa::Hpa{at}, target >> isa::kPageShift << ppn_shift | bits);
  };
  put(root, 0, leaf_bits);
  put(root + (map::ram.value >> 30) * 8, middle, v);
  for (std::uint64_t mega = 0; mega < kMegapages; ++mega) {
    const std::uint64_t leaf = leaves + mega * isa::kPageBytes;
    put(middle + mega * 8, leaf, v);
    for (std::uint64_t page = 0; page < kPages; ++page)
      put(leaf + page * 8, map::ram.value + (mega * kPages + page) * isa::kPageBytes, leaf_bits);
  }
  return isa::csr::kModeSv39 << 60 | root >> isa::kPageShift;
}

enum class Place : std::uint8_t { bare, with_pages, guest };

inline void leave_machine_mode(Machine& machine, Place place) {
  cpu::Hart& hart = machine.hart(0);
  cpu::HartState& state = hart.hart_state();
  while (state.x[2] == 0) hart.step(true);  // the program's start needs M-mode, until it has a stack
  const std::uint64_t tables = map::ram.value + (std::uint64_t{13} << 20);  // behind what the programs use
  const bool guest = place == Place::guest;
  (guest ? state.csr.vsatp : state.csr.satp) = make_tables(machine, tables, false);
  if (guest) state.csr.hgatp = make_tables(machine, tables + 0x10'0000, true);
  state.csr.vsstatus |= isa::csr::kFs;
  state.csr.pmpcfg[0] = 0x1F;
  state.csr.pmpaddr[0] = (std::uint64_t{1} << 54) - 1;
  state.mode = {isa::Privilege::supervisor, guest};
  hart.state_changed();
}

}  // namespace hvsim::sim
