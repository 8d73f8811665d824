// Lines that leave caches or change hands: evictions, invalidations, write-backs, devices' accesses.
#include <bit>

#include "models/mem/hierarchy_inline.h"

namespace hvsim::mem {

// The owner keeps a shared copy.
void Hierarchy::downgrade_owner(LineNumber line, DirectoryEntry& entry) {
  HartCaches& owner = harts_[entry.owner];
  if (entry.modified && !writes_through()) {
    ++owner.l1d.stats().writebacks;
    ++coherence_.downgrades;
    write_back(line, entry);
  }
  owner.writable.clear(line);
  entry.owner = kNobody;
  entry.modified = false;
}

std::uint64_t Hierarchy::invalidate_copies(LineNumber line, DirectoryEntry& entry, std::uint64_t sharers) {
  std::uint64_t removed = 0;
  for (; sharers != 0; sharers &= sharers - 1, ++removed) {
    const auto hart = static_cast<unsigned>(std::countr_zero(sharers));
    drop_from_l1d(hart, line, entry);
    ++harts_[hart].l1d.stats().invalidations;
  }
  coherence_.invalidations += removed;
  return removed;
}

// New data for the L2; without one they go on.
void Hierarchy::write_home(LineNumber line) {
  const std::uint32_t slot = home_.find(home_line(line));
  if (config_.has_l2)
    home_dirty_[slot] = 1;
  else
    write_behind_home(home_line(line));
}

void Hierarchy::write_llc_or_memory(LineNumber number) {
  if (!config_.has_llc) return write_memory(number << home_shift_);
  const LineNumber llc_line = number >> llc_shift_;
  if (const std::uint32_t slot = llc_.find(llc_line); slot != Cache::kAbsent)
    llc_dirty_[slot] = 1;
  else
    fill_llc(llc_line, true);
}

// Without an L2, a line that no L1 holds is one that the directory does not keep.
void Hierarchy::forget_unused(LineNumber line) {
  if (config_.has_l2) return;
  const std::uint32_t slot = home_.find(line);
  if (slot == Cache::kAbsent) return;
  const DirectoryEntry& entry = directory_[slot];
  if ((entry.l1d_sharers | entry.l1i_sharers) == 0) home_.remove(slot);
}

void Hierarchy::drop_copies(LineNumber line, DirectoryEntry& entry) {
  for (std::uint64_t sharers = entry.l1d_sharers; sharers != 0; sharers &= sharers - 1) {
    const auto hart = static_cast<unsigned>(std::countr_zero(sharers));
    drop_from_l1d(hart, line, entry);
    ++harts_[hart].l1d.stats().invalidations;
    ++coherence_.back_invalidations;
  }
  for (std::uint64_t sharers = entry.l1i_sharers; sharers != 0; sharers &= sharers - 1) {
    const auto hart = static_cast<unsigned>(std::countr_zero(sharers));
    drop_from_l1i(hart, line, entry);
    ++harts_[hart].l1i.stats().invalidations;
    ++coherence_.back_invalidations;
  }
}

void Hierarchy::evict_from_home(std::uint32_t slot) {
  const LineNumber number = home_.line_in(slot);
  for (LineNumber line = number << home_shift_; line < (number + 1) << home_shift_; ++line)
    drop_copies(line, entry_at(slot, line));
  if (config_.has_l2) {
    ++home_.stats().evictions;
    if (home_dirty_[slot] != 0) {
      ++home_.stats().writebacks;
      write_behind_home(number);
    }
  }
  home_dirty_[slot] = 0;
  home_.remove(slot);
}

isa::Cycles Hierarchy::manage(isa::BlockOperation operation, isa::Hpa address, isa::Cycles at) {
  const LineNumber line = address.value >> line_shift_;
  now_ = at;
  const isa::Cycles looked_up = at + (config_.has_l2 ? config_.l2.hit_latency : 0);
  const std::uint32_t slot = home_.find(home_line(line));
  if (slot == Cache::kAbsent) return looked_up;  // nor in any L1: home is inclusive
  DirectoryEntry& entry = entry_at(slot, line);
  bool newer = home_dirty_[slot] != 0;
  if (entry.owner != kNobody) {
    newer |= entry.modified && !writes_through();
    downgrade_owner(line, entry);
  }
  if (operation != isa::BlockOperation::clean) {
    evict_from_home(slot);
  } else if (home_dirty_[slot] != 0) {
    ++home_.stats().writebacks;
    write_behind_home(home_line(line));
    home_dirty_[slot] = 0;
  }
  return newer ? looked_up + config_.memory_write_latency : looked_up;
}

// Lines of the range that home, and so perhaps an L1, holds.
template <class Visit>
void Hierarchy::for_each_held(isa::Hpa address, std::uint64_t bytes, Visit visit) {
  if (bytes == 0) return;
  const LineNumber last = (address.value + bytes - 1) >> line_shift_;
  for (LineNumber line = address.value >> line_shift_; line <= last; ++line)
    if (DirectoryEntry* entry = find_entry(line)) visit(line, *entry);
}

void Hierarchy::device_read(isa::Hpa address, std::uint64_t bytes) {
  for_each_held(address, bytes, [this](LineNumber line, DirectoryEntry& entry) {
    if (entry.owner != kNobody && entry.modified) downgrade_owner(line, entry);
  });
}

// The L2's copy takes the new data.
void Hierarchy::device_write(isa::Hpa address, std::uint64_t bytes) {
  for_each_held(address, bytes, [this](LineNumber line, DirectoryEntry& entry) {
    invalidate_copies(line, entry, entry.l1d_sharers);
    if (config_.has_l2) write_home(line);
    forget_unused(line);
  });
}

void Hierarchy::flush() {
  for (std::uint32_t slot = 0; slot < home_.slots(); ++slot)
    if (home_.occupied(slot)) evict_from_home(slot);
  if (!config_.has_llc) return;
  for (std::uint32_t slot = 0; slot < llc_.slots(); ++slot) {
    if (!llc_.occupied(slot)) continue;
    llc_.stats().writebacks += llc_dirty_[slot];
    llc_dirty_[slot] = 0;
    llc_.remove(slot);
  }
}

}  // namespace hvsim::mem
