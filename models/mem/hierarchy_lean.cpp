// Data accesses of the usual caches: an L2 behind L1s with lines of one size that write back, and a memory
// with a latency. One piece of code for a miss as a whole; results are those of look_up(), which is for all
// others.
#include "models/mem/hierarchy_inline.h"

namespace hvsim::mem {

bool Hierarchy::is_lean() const {
  return plain_ && plain_memory_ && home_shift_ == 0 && !writes_through() && config_.l1d.write_allocate &&
         config_.coherence == Coherence::mesi && !harts_[0].l1d.minds_hits() &&
         presence().lines_per_page >= 64;
}

bool Hierarchy::is_usual() const {
  return harts_[0].l1d.is<kUsualWays, Replacement::random>() && home_.is<kUsualWays, Replacement::lru>();
}

// The L2 lacks the line: where it is then.
template <bool usual>
inline std::uint32_t Hierarchy::replace_at_home(LineNumber line) {
  if (!home_.full()) [[unlikely]]
    return make_room_for(line);
  LineNumber leaves = 0;
  std::uint32_t slot = 0;
  if constexpr (usual)
    slot = home_.replace<kUsualWays, Replacement::lru>(line, leaves);
  else
    slot = home_.replace(line, leaves);
  DirectoryEntry& entry = directory_[slot];
  if ((entry.l1d_sharers | entry.l1i_sharers) != 0) [[unlikely]]
    drop_copies(leaves, entry);
  CacheStats& stats = home_.stats();
  ++stats.evictions;
  stats.writebacks += home_dirty_[slot];
  home_dirty_[slot] = 0;
  return slot;
}

// A free slot of the L1D, or one that is made free.
std::uint32_t Hierarchy::place_in_l1d(HartCaches& caches, unsigned hart, LineNumber line) {
  CacheLevel& l1 = caches.l1d;
  const std::uint32_t slot = l1.choose_victim(line);
  if (l1.occupied(slot)) {
    drop_victim(hart, false, slot);
    ++l1.stats().evictions;
  }
  l1.fill(slot, line);
  return slot;
}

// The L1D takes the line, and another one leaves.
template <bool usual>
inline void Hierarchy::replace_in_l1d(HartCaches& caches, unsigned hart, LineNumber line,
                                      std::uint32_t home) {
  CacheLevel& l1 = caches.l1d;
  if (!l1.full()) [[unlikely]] {
    caches.l1d_homes[place_in_l1d(caches, hart, line)] = home;
    return;
  }
  LineNumber leaves = 0;
  std::uint32_t slot = 0;
  if constexpr (usual)
    slot = l1.replace<kUsualWays, Replacement::random>(line, leaves);
  else
    slot = l1.replace(line, leaves);
  const std::uint32_t was_at = std::exchange(caches.l1d_homes[slot], home);
  DirectoryEntry& entry = directory_[was_at];
  const LineNumber number = leaves - first_line_;
  const bool has_bits = number < lines_;
  ++l1.stats().evictions;
  if (has_bits) PresenceMask::clear_bit(caches.readable.words(), number);
  entry.l1d_sharers &= ~bit_of(hart);
  if (entry.owner != hart) return;
  if (entry.modified) {
    if (has_bits) PresenceMask::clear_bit(caches.writable.words(), number);
    ++l1.stats().writebacks;
    home_dirty_[was_at] = 1;
  }
  entry.owner = kNobody;
  entry.modified = false;
}

// A store to a line that the L1D has: what it adds.
inline isa::Cycles Hierarchy::write_lean(HartCaches& caches, unsigned hart, LineNumber line) {
  DirectoryEntry& entry = directory_[caches.l1d_homes[caches.l1d.find(line)]];
  isa::Cycles delay = 0;
  if (entry.owner != hart) [[unlikely]] {
    delay = become_owner(hart, line, entry, 0);
  } else if (!entry.modified) {
    ++coherence_.exclusive_writes;
    entry.modified = true;
  }
  PresenceMask::set_bit(caches.writable.words(), line - first_line_);
  return delay;
}

// Other L1Ds have it, or had it when it was last here.
isa::Cycles Hierarchy::take_lean(unsigned hart, bool store, LineNumber line, DirectoryEntry& entry,
                                 isa::Cycles at, Served& by) {
  Found found{.ready = at, .by = by};
  const isa::Cycles delay = take_from_others(hart, store ? Kind::store : Kind::load, line, entry, found);
  by = found.by;
  return delay;
}

template <bool store, bool usual>
inline Hierarchy::Reply Hierarchy::look_up_in(unsigned hart, LineNumber number, isa::Cycles at) {
  HartCaches& caches = harts_[hart];
  const LineNumber line = number + first_line_;
  CacheStats& stats = caches.l1d.stats();
  std::uint64_t* const readable = caches.readable.words();
  ++stats.accesses;
  if (PresenceMask::test_bit(readable, number)) {  // just when the L1D has it
    at += config_.l1d.hit_latency;
    return {store ? at + write_lean(caches, hart, line) : at, Served::l1};
  }
  ++stats.misses;
  ++home_.stats().accesses;
  ++caches.shared.l2_accesses;
  isa::Cycles ready = at + l2_takes_;
  Served by = Served::l2;
  std::uint32_t slot = usual ? home_.find<kUsualWays>(line) : home_.find(line);
  DirectoryEntry* const directory = directory_.data();
  if (slot != Cache::kAbsent) {
    home_.touch(slot);
    DirectoryEntry& entry = directory[slot];
    if (entry.owner != kNobody || entry.l1d_sharers != 0) [[unlikely]]
      ready += take_lean(hart, store, line, entry, ready, by);
  } else {
    ++home_.stats().misses;
    ++caches.shared.l2_misses;
    ready += memory_takes_;
    by = Served::memory;
    slot = replace_at_home<usual>(line);
  }
  replace_in_l1d<usual>(caches, hart, line, slot);
  DirectoryEntry& entry = directory[slot];
  const std::uint64_t sharers = std::exchange(entry.l1d_sharers, entry.l1d_sharers | bit_of(hart));
  PresenceMask::set_bit(readable, number);
  if (store) PresenceMask::set_bit(caches.writable.words(), number);
  if (store || sharers == 0) entry.owner = static_cast<std::uint8_t>(hart);
  entry.modified = store;
  return {ready, by};
}

template <bool store>
Hierarchy::Reply Hierarchy::look_up_lean(unsigned hart, LineNumber number, isa::Cycles at) {
  return usual_ ? look_up_in<store, true>(hart, number, at) : look_up_in<store, false>(hart, number, at);
}

template Hierarchy::Reply Hierarchy::look_up_lean<false>(unsigned, LineNumber, isa::Cycles);
template Hierarchy::Reply Hierarchy::look_up_lean<true>(unsigned, LineNumber, isa::Cycles);

}  // namespace hvsim::mem
