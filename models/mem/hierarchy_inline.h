// What every miss does, in one place for the compiler: small steps of Hierarchy, for its own files only.
#pragma once

#include <bit>

#include "models/mem/hierarchy.h"

namespace hvsim::mem {

constexpr std::uint64_t bit_of(unsigned hart) { return std::uint64_t{1} << hart; }

// The next access to the line must be seen.
inline void Hierarchy::forget(HartCaches& caches, bool fetch, LineNumber line) {
  if (fetch) {
    caches.fetchable.clear(line);
  } else {
    caches.readable.clear(line);
    caches.writable.clear(line);
  }
}

// Neighbours of a line that was touched or filled: their next use must be seen.
inline void Hierarchy::disturb(HartCaches& caches, bool fetch, std::uint32_t slot, Ways disturbed) {
  if (disturbed == 0) [[likely]]
    return;
  const Cache& l1 = fetch ? caches.l1i : caches.l1d;
  const LineNumber line = l1.line_in(slot);
  for (; disturbed != 0; disturbed &= disturbed - 1) {
    const auto way = static_cast<unsigned>(std::countr_zero(disturbed));
    const std::uint32_t neighbour = l1.slot_of_way(line, way);
    if (l1.occupied(neighbour)) forget(caches, fetch, l1.line_in(neighbour));
  }
}

// The line is there, and using it again as it was used changes nothing.
inline void Hierarchy::settle(HartCaches& caches, bool fetch, LineNumber line, bool writable) {
  (fetch ? caches.fetchable : caches.readable).set(line);
  if (writable) caches.writable.set(line);
}

// An owner gives back what it has modified.
inline void Hierarchy::write_back(LineNumber line, DirectoryEntry& entry) {
  if (config_.has_l2)
    home_dirty_[static_cast<std::size_t>(&entry - directory_.data()) >> home_shift_] = 1;
  else
    write_behind_home(home_line(line));
}

inline void Hierarchy::write_behind_home(LineNumber number) {
  if (!plain_memory_) write_llc_or_memory(number);
}

inline isa::Cycles Hierarchy::read_behind_home(LineNumber line, isa::Cycles at, Served& by) {
  by = Served::memory;
  return plain_memory_ ? at + config_.memory_latency : read_llc_or_memory(line, at, by);
}

inline void Hierarchy::release_l1d(unsigned hart, std::uint32_t slot, LineNumber line,
                                   DirectoryEntry& entry) {
  HartCaches& caches = harts_[hart];
  caches.l1d.remove(slot);
  caches.readable.clear(line);
  entry.l1d_sharers &= ~bit_of(hart);
  if (entry.owner != hart) return;
  caches.writable.clear(line);
  if (entry.modified && !writes_through()) {
    ++caches.l1d.stats().writebacks;
    write_back(line, entry);
  }
  entry.owner = kNobody;
  entry.modified = false;
}

inline void Hierarchy::release_l1i(unsigned hart, std::uint32_t slot, LineNumber line,
                                   DirectoryEntry& entry) {
  HartCaches& caches = harts_[hart];
  caches.l1i.remove(slot);
  caches.fetchable.clear(line);
  entry.l1i_sharers &= ~bit_of(hart);
}

inline void Hierarchy::drop_from_l1d(unsigned hart, LineNumber line, DirectoryEntry& entry) {
  release_l1d(hart, harts_[hart].l1d.find(line), line, entry);
}
inline void Hierarchy::drop_from_l1i(unsigned hart, LineNumber line, DirectoryEntry& entry) {
  release_l1i(hart, harts_[hart].l1i.find(line), line, entry);
}

inline void Hierarchy::drop_victim(unsigned hart, bool fetch, std::uint32_t slot) {
  const LineNumber line = (fetch ? harts_[hart].l1i : harts_[hart].l1d).line_in(slot);
  DirectoryEntry& entry = entry_of(hart, fetch, slot, line);
  if (fetch)
    release_l1i(hart, slot, line, entry);
  else
    release_l1d(hart, slot, line, entry);
  if (!config_.has_l2) forget_unused(line);
}

// As home_.find().
inline std::uint32_t Hierarchy::find_code(LineNumber line) {
  std::uint32_t& known = code_homes_[line % kCodeHomes];
  if (home_.line_in(known) == home_line(line)) return known;
  const std::uint32_t slot = home_.find(home_line(line));
  if (slot != Cache::kAbsent) known = slot;
  return slot;
}

inline isa::Cycles Hierarchy::to_home(unsigned hart, LineNumber line, unsigned bytes, isa::Cycles at) {
  if (interconnect_.ideal()) return at;
  return interconnect_.send(interconnect_.node_of_hart(hart), home_node(line), bytes, at);
}

inline isa::Cycles Hierarchy::from_home(unsigned hart, LineNumber line, isa::Cycles at) {
  if (interconnect_.ideal()) return at;
  return interconnect_.send(home_node(line), interconnect_.node_of_hart(hart), config_.l1d.line_bytes, at);
}

}  // namespace hvsim::mem
