// Cache-block instructions on the engine: one naturally aligned block, faults reported as stores at rs1
// (unprivileged manual, chapter "CMO").
#pragma once

#include <cstring>

#include "models/cpu/engine_slow.h"

namespace hvsim::cpu {

inline constexpr std::uint64_t kBlockBytes = IsaConfig::cache_block_bytes;

// The block's first byte faulted; the trap names the effective address, which may lie behind it.
template <class Timing>
bool Engine<Timing>::refuse_block(std::uint64_t address) {
  PendingFault fault = *fault_;
  const bool of_the_block = fault.kind == PendingFault::Kind::translation && !fault.why.implicit;
  if (of_the_block) fault.why.guest_physical.value += address - fault.address;
  fault.access = isa::Access::store;
  fault.address = address;
  return raise_fault(fault);
}

template <class Timing>
bool Engine<Timing>::zero_block(std::uint64_t address) {
  const Place place = locate(address & ~(kBlockBytes - 1), kBlockBytes, isa::Access::store);
  if (!place.ok) return refuse_block(address);
  if (place.host == nullptr) return access_fault(isa::Access::store, address, data_->space);
  std::memset(place.host, 0, kBlockBytes);
  if constexpr (Timing::timed) {
    const std::uint64_t line = std::uint64_t{1} << line_shift_;
    for (std::uint64_t at = line; at < kBlockBytes; at += line) {  // locate() has charged the first
      charge_access<true>(place.physical + at);
      ++timing_.data_lines_extra;
    }
  }
  return true;
}

// Whoever may load may manage (Zicbom, "Traps"), and nobody may load what is not there. Outside RAM nothing
// is cached.
template <class Timing>
bool Engine<Timing>::manage_block(std::uint64_t address, isa::BlockOperation operation) {
  const mmu::AddressSpace& space = data_->space;
  const std::uint64_t block = address & ~(kBlockBytes - 1);
  const auto translation = translate(block, isa::Access::load, kBlockBytes, space);
  if (!translation) {
    fault_ =
        PendingFault{PendingFault::Kind::translation, isa::Access::store, block, space, translation.error()};
    return refuse_block(address);
  }
  const isa::Hpa physical = translation->address;
  const bool there = memory_.contains(physical, kBlockBytes) || devices_.holds(physical);
  if (!there || !pmp_.allows(physical, kBlockBytes, isa::Access::load, space.privilege))
    return access_fault(isa::Access::store, address, space);
  bypass_l1d();
  if constexpr (Timing::timed) {
    const std::uint64_t line = std::uint64_t{1} << line_shift_;
    if (!memory_.is_ram(physical, kBlockBytes)) return true;
    for (std::uint64_t at = 0; at < kBlockBytes; at += line) {
      const isa::Cycles now = time_of(mmu::TlbHierarchy::Side::data);
      spend_on(mmu::TlbHierarchy::Side::data, Component::dcache,
               timing_.caches->manage(operation, physical + at, now) - now);
    }
  } else {
    (void)operation;
  }
  return true;
}

}  // namespace hvsim::cpu
