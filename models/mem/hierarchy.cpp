// L1s over a shared inclusive L2 with a directory: what an access finds, moves and costs.
#include "models/mem/hierarchy.h"

#include <bit>

namespace hvsim::mem {

namespace {

constexpr std::uint64_t bit_of(unsigned hart) { return std::uint64_t{1} << hart; }

std::optional<std::string> problem_of_l1(const std::string& name, const CacheConfig& l1,
                                         const CacheConfig& l2) {
  if (auto found = problem(l1)) return name + "." + *found;
  if (l1.replacement == Replacement::lru)
    return name + ".replacement: lru would have to see every hit; use fifo or random";
  if (l1.line_bytes != l2.line_bytes)
    return name + ".line_bytes: " + std::to_string(l1.line_bytes) + " differs from l2.line_bytes " +
           std::to_string(l2.line_bytes);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> problem(const HierarchyConfig& config) {
  if (auto found = problem(config.l2)) return "l2." + *found;
  if (auto found = problem_of_l1("l1i", config.l1i, config.l2)) return found;
  return problem_of_l1("l1d", config.l1d, config.l2);
}

isa::Result<std::unique_ptr<Hierarchy>, std::string> Hierarchy::create(const HierarchyConfig& config,
                                                                       unsigned harts, MemoryRange ram,
                                                                       std::uint64_t seed) {
  if (auto found = problem(config)) return isa::Failure{*found};
  if (harts == 0 || harts > kMaxHarts)
    return isa::Failure{"harts: " + std::to_string(harts) + " is not from 1 to " + std::to_string(kMaxHarts)};
  std::vector<HartCaches> caches;
  caches.reserve(harts);
  for (unsigned hart = 0; hart < harts; ++hart) {
    auto readable = PresenceMask::create(ram, config.l1d.line_bytes);
    auto writable = PresenceMask::create(ram, config.l1d.line_bytes);
    auto fetchable = PresenceMask::create(ram, config.l1i.line_bytes);
    for (const auto* mask : {&readable, &writable, &fetchable})
      if (!mask->ok()) return isa::Failure{mask->error()};
    caches.push_back({Cache(config.l1i, seed + 2 * hart), Cache(config.l1d, seed + 2 * hart + 1),
                      std::move(readable.value()), std::move(writable.value()),
                      std::move(fetchable.value())});
  }
  return std::unique_ptr<Hierarchy>(
      new Hierarchy(config, std::move(caches), seed + std::uint64_t{2} * harts));
}

Hierarchy::Hierarchy(const HierarchyConfig& config, std::vector<HartCaches> harts, std::uint64_t seed)
    : config_(config),
      line_shift_(static_cast<unsigned>(std::countr_zero(config.l2.line_bytes))),
      harts_(std::move(harts)),
      l2_(config.l2, seed),
      directory_(l2_.slots()) {}

Hierarchy::Outcome Hierarchy::access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
  const LineNumber line = address.value >> line_shift_;
  Cache& l1 = kind == Kind::fetch ? harts_[hart].l1i : harts_[hart].l1d;
  ++l1.stats().accesses;
  const isa::Cycles looked_up = at + l1.config().hit_latency;
  if (l1.find(line) != Cache::kAbsent) return hit(hart, kind, line, looked_up);

  ++l1.stats().misses;
  Found found = bring_into_l2(line, looked_up);
  found.ready += take_from_others(hart, kind, found.slot, found.by);
  fill_l1(hart, kind, line, found.slot);
  return {found.ready, found.by};
}

Hierarchy::Outcome Hierarchy::hit(unsigned hart, Kind kind, LineNumber line, isa::Cycles at) {
  if (kind != Kind::store) return {at, Served::l1};
  DirectoryEntry& entry = directory_[l2_.find(line)];  // there: the L2 is inclusive
  if (entry.owner == hart) return {at, Served::l1};

  ++coherence_.upgrades;
  const std::uint64_t removed = invalidate_copies(line, entry, entry.l1d_sharers & ~bit_of(hart));
  entry.owner = static_cast<std::uint8_t>(hart);
  harts_[hart].writable.set(address_of(line));
  return {removed > 0 ? at + config_.coherence_latency : at, Served::l1};
}

Hierarchy::Found Hierarchy::bring_into_l2(LineNumber line, isa::Cycles at) {
  ++l2_.stats().accesses;
  std::uint32_t slot = l2_.find(line);
  if (slot != Cache::kAbsent) {
    l2_.touch(slot);
    return {slot, at + config_.l2.hit_latency, Served::l2};
  }
  ++l2_.stats().misses;
  slot = l2_.choose_victim(line);
  if (l2_.occupied(slot)) evict_from_l2(slot);
  l2_.fill(slot, line);
  return {slot, at + config_.l2.hit_latency + config_.memory_latency, Served::memory};
}

// Coherence between L1s for a line that this L1 lacks: the extra latency.
isa::Cycles Hierarchy::take_from_others(unsigned hart, Kind kind, std::uint32_t slot, Served& by) {
  DirectoryEntry& entry = directory_[slot];
  const LineNumber line = l2_.line_in(slot);
  const bool modified_elsewhere = entry.owner != kNobody;  // for a fetch, perhaps in the hart's own L1D
  if (modified_elsewhere) by = Served::other_l1;
  if (kind == Kind::store) {
    const std::uint64_t removed = invalidate_copies(line, entry, entry.l1d_sharers & ~bit_of(hart));
    return removed > 0 ? config_.coherence_latency : 0;
  }
  if (!modified_elsewhere) return 0;
  downgrade_owner(line, entry);
  return config_.coherence_latency;
}

void Hierarchy::fill_l1(unsigned hart, Kind kind, LineNumber line, std::uint32_t l2_slot) {
  HartCaches& caches = harts_[hart];
  const bool fetch = kind == Kind::fetch;
  Cache& l1 = fetch ? caches.l1i : caches.l1d;
  const std::uint32_t slot = l1.choose_victim(line);
  if (l1.occupied(slot)) {
    const LineNumber victim = l1.line_in(slot);
    DirectoryEntry& victim_entry = directory_[l2_.find(victim)];
    if (fetch) {
      drop_from_l1i(hart, victim, victim_entry);
    } else {
      drop_from_l1d(hart, victim, victim_entry);
    }
    ++l1.stats().evictions;
  }
  l1.fill(slot, line);

  DirectoryEntry& entry = directory_[l2_slot];
  (fetch ? entry.l1i_sharers : entry.l1d_sharers) |= bit_of(hart);
  (fetch ? caches.fetchable : caches.readable).set(address_of(line));
  if (kind == Kind::store) {
    entry.owner = static_cast<std::uint8_t>(hart);
    caches.writable.set(address_of(line));
  }
}

void Hierarchy::drop_from_l1d(unsigned hart, LineNumber line, DirectoryEntry& entry) {
  HartCaches& caches = harts_[hart];
  caches.l1d.remove(caches.l1d.find(line));
  caches.readable.clear(address_of(line));
  entry.l1d_sharers &= ~bit_of(hart);
  if (entry.owner != hart) return;
  ++caches.l1d.stats().writebacks;
  caches.writable.clear(address_of(line));
  entry.owner = kNobody;
  entry.dirty = true;
}

void Hierarchy::drop_from_l1i(unsigned hart, LineNumber line, DirectoryEntry& entry) {
  HartCaches& caches = harts_[hart];
  caches.l1i.remove(caches.l1i.find(line));
  caches.fetchable.clear(address_of(line));
  entry.l1i_sharers &= ~bit_of(hart);
}

void Hierarchy::downgrade_owner(LineNumber line, DirectoryEntry& entry) {
  HartCaches& owner = harts_[entry.owner];
  ++owner.l1d.stats().writebacks;
  ++coherence_.downgrades;
  owner.writable.clear(address_of(line));
  entry.owner = kNobody;
  entry.dirty = true;
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

void Hierarchy::evict_from_l2(std::uint32_t slot) {
  DirectoryEntry& entry = directory_[slot];
  const LineNumber line = l2_.line_in(slot);
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
  ++l2_.stats().evictions;
  l2_.stats().writebacks += entry.dirty;
  l2_.remove(slot);
  entry = {};
}

isa::Cycles Hierarchy::manage(isa::BlockOperation operation, isa::Hpa address, isa::Cycles at) {
  const isa::Cycles looked_up = at + config_.l2.hit_latency;
  const std::uint32_t slot = l2_.find(address.value >> line_shift_);
  if (slot == Cache::kAbsent) return looked_up;  // nor in any L1: the L2 is inclusive
  DirectoryEntry& entry = directory_[slot];
  if (entry.owner != kNobody) downgrade_owner(l2_.line_in(slot), entry);
  const isa::Cycles done = entry.dirty ? looked_up + config_.memory_latency : looked_up;
  if (operation != isa::BlockOperation::clean) {
    evict_from_l2(slot);
  } else if (entry.dirty) {
    ++l2_.stats().writebacks;
    entry.dirty = false;
  }
  return done;
}

void Hierarchy::fence_instruction(unsigned hart) {
  Cache& l1i = harts_[hart].l1i;
  for (std::uint32_t slot = 0; slot < l1i.slots(); ++slot) {
    if (!l1i.occupied(slot)) continue;
    const LineNumber line = l1i.line_in(slot);
    drop_from_l1i(hart, line, directory_[l2_.find(line)]);
    ++l1i.stats().invalidations;
  }
}

// Lines of the range that the L2, and so perhaps an L1, holds.
template <class Visit>
void Hierarchy::for_each_held(isa::Hpa address, std::uint64_t bytes, Visit visit) {
  if (bytes == 0) return;
  const LineNumber last = (address.value + bytes - 1) >> line_shift_;
  for (LineNumber line = address.value >> line_shift_; line <= last; ++line)
    if (const std::uint32_t slot = l2_.find(line); slot != Cache::kAbsent) visit(line, directory_[slot]);
}

void Hierarchy::device_read(isa::Hpa address, std::uint64_t bytes) {
  for_each_held(address, bytes, [this](LineNumber line, DirectoryEntry& entry) {
    if (entry.owner != kNobody) downgrade_owner(line, entry);
  });
}

// The L2's copy takes the new data.
void Hierarchy::device_write(isa::Hpa address, std::uint64_t bytes) {
  for_each_held(address, bytes, [this](LineNumber line, DirectoryEntry& entry) {
    invalidate_copies(line, entry, entry.l1d_sharers);
    entry.dirty = true;
  });
}

void Hierarchy::flush() {
  for (std::uint32_t slot = 0; slot < l2_.slots(); ++slot)
    if (l2_.occupied(slot)) evict_from_l2(slot);
}

}  // namespace hvsim::mem
