// The protocol's invariants, looked at from outside: every tag, every directory entry, every mask bit.
#include <bit>

#include "models/mem/hierarchy.h"

namespace hvsim::mem {

namespace {

std::string at_line(const char* what, LineNumber line, unsigned hart) {
  return std::string(what) + ": line " + std::to_string(line) + ", hart " + std::to_string(hart);
}

}  // namespace

std::optional<std::string> Hierarchy::incoherence() const {
  const auto entry_of = [this](LineNumber line) -> const DirectoryEntry* {
    return const_cast<Hierarchy*>(this)->find_entry(line);
  };
  for (unsigned hart = 0; hart < harts_.size(); ++hart) {
    const HartCaches& caches = harts_[hart];
    const std::uint64_t own = std::uint64_t{1} << hart;
    for (std::uint32_t slot = 0; slot < caches.l1d.slots(); ++slot) {
      if (!caches.l1d.occupied(slot)) continue;
      const LineNumber line = caches.l1d.line_in(slot);
      const DirectoryEntry* entry = entry_of(line);
      if (entry == nullptr || (entry->l1d_sharers & own) == 0)
        return at_line("an L1D line that the directory does not know", line, hart);
      const bool writer = caches.writable.test(address_of(line));
      if (writer && entry->owner != hart) return at_line("a writer that is no owner", line, hart);
      if (writer && !entry->modified) return at_line("a writer of a line that is not modified", line, hart);
      if (writer && !caches.readable.test(address_of(line)))
        return at_line("a writer that may not read", line, hart);
    }
    for (std::uint32_t slot = 0; slot < caches.l1i.slots(); ++slot) {
      if (!caches.l1i.occupied(slot)) continue;
      const DirectoryEntry* entry = entry_of(caches.l1i.line_in(slot));
      if (entry == nullptr || (entry->l1i_sharers & own) == 0)
        return at_line("an L1I line that the directory does not know", caches.l1i.line_in(slot), hart);
    }
  }
  for (std::uint32_t slot = 0; slot < home_.slots(); ++slot) {
    if (!home_.occupied(slot)) continue;
    const LineNumber first = home_.line_in(slot) << home_shift_;
    for (LineNumber line = first; line < first + (LineNumber{1} << home_shift_); ++line) {
      const DirectoryEntry& entry = *entry_of(line);
      if (entry.owner != kNobody && entry.l1d_sharers != std::uint64_t{1} << entry.owner)
        return at_line("an owner beside other copies", line, entry.owner);
      if (entry.owner == kNobody && entry.modified) return at_line("modified by nobody", line, entry.owner);
      for (unsigned hart = 0; hart < harts_.size(); ++hart) {
        const HartCaches& caches = harts_[hart];
        const bool data = (entry.l1d_sharers >> hart & 1) != 0, code = (entry.l1i_sharers >> hart & 1) != 0;
        if (data != (caches.l1d.find(line) != Cache::kAbsent) ||
            code != (caches.l1i.find(line) != Cache::kAbsent))
          return at_line("a directory entry that is wrong about a copy", line, hart);
        if (!data && (caches.readable.test(address_of(line)) || caches.writable.test(address_of(line))))
          return at_line("a mask that promises a line that is not there", line, hart);
        if (!code && caches.fetchable.test(address_of(line)))
          return at_line("a mask that promises code that is not there", line, hart);
      }
    }
  }
  return std::nullopt;
}

}  // namespace hvsim::mem
