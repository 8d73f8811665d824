// Fetches of code that the L1I lacks and FENCE.I. Of the usual caches, one piece of code for what mostly
// happens: the L2 has the line, no L1D does, and the L1Is have just what their masks say, of RAM.
#include <bit>

#include "models/mem/hierarchy_inline.h"

namespace hvsim::mem {

bool Hierarchy::fetches_lean() const {
  return plain_ && home_shift_ == 0 && !harts_[0].l1i.minds_hits() && presence().lines_per_page >= 64;
}

// Of a line of RAM that the L1I lacks. False: nothing has been done, it is another case. Otherwise the caller
// counts it; `leaves` is who had to leave for it, if anybody.
inline bool Hierarchy::fetch_lean(HartCaches& caches, unsigned hart, LineNumber line, LineNumber& leaves) {
  const std::uint32_t home = find_code(line);
  if (home == Cache::kAbsent) return false;
  DirectoryEntry& entry = directory_[home];
  if (entry.owner != kNobody || entry.l1d_sharers != 0) return false;
  home_.touch(home);
  CacheLevel& l1 = caches.l1i;
  const std::uint32_t slot = l1.choose_victim(line);
  if (l1.occupied(slot)) {
    leaves = l1.line_in(slot);
    release_l1i(hart, slot, leaves, directory_[caches.l1i_homes[slot]]);
    ++l1.stats().evictions;
  }
  l1.fill(slot, line);
  caches.l1i_homes[slot] = home;
  entry.l1i_sharers |= bit_of(hart);
  PresenceMask::set_bit(caches.fetchable.words(), line - first_line_);
  return true;
}

void Hierarchy::count_lean_fetches(HartCaches& caches, std::uint64_t count) {
  caches.l1i.stats().accesses += count;
  caches.l1i.stats().misses += count;
  home_.stats().accesses += count;
  caches.shared.l2_accesses += count;
}

Hierarchy::Outcome Hierarchy::fetch_one(unsigned hart, isa::Hpa address, isa::Cycles at) {
  HartCaches& caches = harts_[hart];
  const LineNumber line = address.value >> line_shift_;
  LineNumber leaves = 0;
  if (!lean_code_ || !caches.fetchable.has_bit_of(line) || caches.fetchable.test(line) ||
      !fetch_lean(caches, hart, line, leaves))
    return look_up_any(hart, Kind::fetch, address, at);
  count_lean_fetches(caches, 1);
  return {at + code_takes_, Served::l2};
}

// A line that comes may drive out another one of them.
Hierarchy::FetchedCode Hierarchy::fetch_code(unsigned hart, isa::Hpa first, unsigned lines, isa::Cycles at) {
  HartCaches& caches = harts_[hart];
  const PresenceMask& present = caches.fetchable;
  const LineNumber first_of_all = first.value >> line_shift_;
  FetchedCode fetched{.ready = at};
  unsigned lean = 0;
  for (std::uint64_t absent = present.absent(first, lines); absent != 0;) {
    const auto number = static_cast<unsigned>(std::countr_zero(absent));
    const LineNumber line = first_of_all + number;
    const std::uint64_t behind = ~std::uint64_t{0} << number << 1;
    LineNumber leaves = ~LineNumber{0};
    if (lean_code_ && present.has_bit_of(line) && fetch_lean(caches, hart, line, leaves)) [[likely]] {
      ++lean;
      fetched.ready += code_takes_;
      absent &= behind;
      if (leaves - first_of_all < lines) absent |= std::uint64_t{1} << (leaves - first_of_all) & behind;
      continue;
    }
    const Outcome done =
        look_up_any(hart, Kind::fetch, first + (std::uint64_t{number} << line_shift_), fetched.ready);
    fetched.missing += done.by != Served::l1;
    fetched.ready = done.ready;
    absent = present.absent(first, lines) & behind;
  }
  count_lean_fetches(caches, lean);
  fetched.missing += lean;
  return fetched;
}

void Hierarchy::fence_instruction(unsigned hart) {
  HartCaches& caches = harts_[hart];
  CacheLevel& l1i = caches.l1i;
  if (!lean_code_) {
    for (std::uint32_t slot = 0; slot < l1i.slots(); ++slot) {
      if (!l1i.occupied(slot)) continue;
      drop_victim(hart, true, slot);
      ++l1i.stats().invalidations;
    }
    return;
  }
  l1i.remove_all([&](std::uint32_t slot, LineNumber line) {
    directory_[caches.l1i_homes[slot]].l1i_sharers &= ~bit_of(hart);
    caches.fetchable.clear(line);
    ++l1i.stats().invalidations;
  });
}

}  // namespace hvsim::mem
