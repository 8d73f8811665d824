// What an access finds in the caches, what it moves up, and what that costs.
#include "models/mem/hierarchy.h"

#include <algorithm>
#include <bit>

namespace hvsim::mem {

namespace {

constexpr std::uint64_t bit_of(unsigned hart) { return std::uint64_t{1} << hart; }

unsigned shift_of(unsigned line_bytes) { return static_cast<unsigned>(std::countr_zero(line_bytes)); }

std::optional<std::string> problem_of(const std::string& name, const CacheConfig& cache,
                                      const std::string& above_name, unsigned above_line_bytes) {
  if (auto found = problem(cache)) return name + "." + *found;
  if (cache.line_bytes < above_line_bytes)
    return name + ".line_bytes: " + std::to_string(cache.line_bytes) + " is smaller than " + above_name +
           ".line_bytes " + std::to_string(above_line_bytes);
  return std::nullopt;
}

std::optional<std::string> only_l1d_chooses(const std::string& name, const CacheConfig& cache) {
  if (cache.write_policy != WritePolicy::write_back)
    return name + ".write_policy: expected write_back, only the l1d can write through";
  if (!cache.write_allocate) return name + ".write_allocate: expected true, only the l1d can do without";
  return std::nullopt;
}

// Without an L2, the directory keeps a tag for every line that L1s can hold: sets as in the L1 with fewer.
CacheConfig duplicate_tags(const HierarchyConfig& config, unsigned harts) {
  const auto sets = [](const CacheConfig& l1) { return l1.size_bytes / l1.line_bytes / l1.ways; };
  const std::uint64_t fewest = std::min(sets(config.l1i), sets(config.l1d));
  const std::uint64_t lines = (config.l1i.size_bytes + config.l1d.size_bytes) / config.l1d.line_bytes * harts;
  return {.size_bytes = lines * config.l1d.line_bytes,
          .ways = static_cast<unsigned>(lines / fewest),
          .line_bytes = config.l1d.line_bytes,
          .replacement = Replacement::fifo};
}

}  // namespace

std::optional<std::string> problem(const HierarchyConfig& config) {
  if (auto found = problem(config.l1i)) return "l1i." + *found;
  if (auto found = problem(config.l1d)) return "l1d." + *found;
  if (config.l1i.line_bytes != config.l1d.line_bytes)
    return "l1i.line_bytes: " + std::to_string(config.l1i.line_bytes) + " differs from l1d.line_bytes " +
           std::to_string(config.l1d.line_bytes);
  if (auto found = only_l1d_chooses("l1i", config.l1i)) return found;
  std::string above = "l1d";
  unsigned line_bytes = config.l1d.line_bytes;
  if (config.has_l2) {
    if (auto found = problem_of("l2", config.l2, above, line_bytes)) return found;
    if (auto found = only_l1d_chooses("l2", config.l2)) return found;
    above = "l2";
    line_bytes = config.l2.line_bytes;
  }
  if (!config.has_llc) return std::nullopt;
  if (auto found = problem_of("llc", config.llc, above, line_bytes)) return found;
  return only_l1d_chooses("llc", config.llc);
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
      line_shift_(shift_of(config.l1d.line_bytes)),
      home_shift_(config.has_l2 ? shift_of(config.l2.line_bytes) - line_shift_ : 0),
      harts_(std::move(harts)),
      home_(config.has_l2 ? config.l2 : duplicate_tags(config, static_cast<unsigned>(harts_.size())), seed),
      directory_(std::size_t{home_.slots()} << home_shift_),
      home_dirty_(home_.slots(), 0),
      llc_(config.llc, seed + 1),
      llc_dirty_(config.has_llc ? llc_.slots() : 0, 0),
      llc_shift_(config.has_llc ? shift_of(config.llc.line_bytes) - line_shift_ - home_shift_ : 0) {}

Hierarchy::Outcome Hierarchy::access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
  const LineNumber line = address.value >> line_shift_;
  Cache& l1 = kind == Kind::fetch ? harts_[hart].l1i : harts_[hart].l1d;
  ++l1.stats().accesses;
  const isa::Cycles looked_up = at + l1.config().hit_latency;
  if (kind == Kind::atomic) {
    if (config_.atomics_in_memory) return atomic_in_memory(hart, line, looked_up);
    kind = Kind::store;
  }
  if (const std::uint32_t slot = l1.find(line); slot != Cache::kAbsent)
    return hit(hart, kind, line, slot, looked_up);

  ++l1.stats().misses;
  if (kind == Kind::store && !config_.l1d.write_allocate) return write_around(hart, line, looked_up);
  Found found = bring_home(line, looked_up + l1.config().miss_latency);
  found.ready += take_from_others(hart, kind, line, found.by);
  fill_l1(hart, kind, line);
  const bool passed_on = kind == Kind::store && writes_through();
  return {found.ready, found.by, passed_on ? found.ready + write_latency() : 0};
}

Hierarchy::Outcome Hierarchy::hit(unsigned hart, Kind kind, LineNumber line, std::uint32_t slot,
                                  isa::Cycles at) {
  const bool fetch = kind == Kind::fetch;
  Cache& l1 = fetch ? harts_[hart].l1i : harts_[hart].l1d;
  const Ways disturbed = l1.touch(slot);
  if (fetch) {
    use(hart, fetch, slot, disturbed, false);
    return {at, Served::l1};
  }
  DirectoryEntry& entry = *find_entry(line);  // there: home is inclusive
  isa::Cycles delay = 0;
  const bool owned = entry.owner == hart && entry.modified;
  if (kind == Kind::store && !owned) delay = become_owner(hart, line, entry);
  use(hart, fetch, slot, disturbed, entry.owner == hart && entry.modified);
  if (kind != Kind::store || !writes_through()) return {at + delay, Served::l1};
  return {at, Served::l1, at + delay + write_latency()};
}

// A store to a line that this L1D holds, but not yet modified: what that costs.
isa::Cycles Hierarchy::become_owner(unsigned hart, LineNumber line, DirectoryEntry& entry) {
  const bool exclusive = entry.owner == hart;
  ++(exclusive ? coherence_.exclusive_writes : coherence_.upgrades);
  const std::uint64_t removed = invalidate_copies(line, entry, entry.l1d_sharers & ~bit_of(hart));
  entry.owner = static_cast<std::uint8_t>(hart);
  entry.modified = true;
  if (writes_through()) {
    write_home(line);
    return removed > 0 ? config_.coherence_latency : 0;
  }
  return exclusive ? 0 : config_.coherence_latency;
}

// A store that misses and brings nothing: the L1D passes it on and is done.
Hierarchy::Outcome Hierarchy::write_around(unsigned hart, LineNumber line, isa::Cycles at) {
  Served by = Served::memory;
  isa::Cycles written = at + write_latency();
  if (config_.has_l2) {
    const Found found = bring_home(line, at);
    written = found.ready;
    by = found.by;
  }
  write_home(line);
  if (DirectoryEntry* entry = find_entry(line)) {
    if (invalidate_copies(line, *entry, entry->l1d_sharers & ~bit_of(hart)) > 0)
      written += config_.coherence_latency;
    forget_unused(line);
  }
  return {at, by, written};
}

Hierarchy::Outcome Hierarchy::atomic_in_memory(unsigned hart, LineNumber line, isa::Cycles at) {
  if (DirectoryEntry* entry = find_entry(line)) {
    if ((entry->l1d_sharers & bit_of(hart)) != 0) drop_from_l1d(hart, line, *entry);
    if (invalidate_copies(line, *entry, entry->l1d_sharers) > 0) at += config_.coherence_latency;
    forget_unused(line);
  }
  Found found{at, Served::memory};
  if (config_.has_l2)
    found = bring_home(line, at);
  else
    found.ready = read_behind_home(line, at, found.by);
  write_home(line);
  return {found.ready, found.by};
}

// Makes the line one that the L2 has and the directory knows.
Hierarchy::Found Hierarchy::bring_home(LineNumber line, isa::Cycles at) {
  std::uint32_t slot = home_.find(home_line(line));
  if (config_.has_l2) {
    at += config_.l2.hit_latency;
    ++home_.stats().accesses;
    home_.stats().misses += slot == Cache::kAbsent;
  }
  Found found{at, Served::l2};
  if (slot != Cache::kAbsent && config_.has_l2) {
    home_.touch(slot);
    return found;
  }
  found.ready = read_behind_home(line, at + (config_.has_l2 ? config_.l2.miss_latency : 0), found.by);
  if (slot == Cache::kAbsent) make_room_for(line);
  return found;
}

void Hierarchy::make_room_for(LineNumber line) {
  const std::uint32_t slot = home_.choose_victim(home_line(line));
  if (home_.occupied(slot)) evict_from_home(slot);  // never without an L2: there is room for all
  home_.fill(slot, home_line(line));
}

// The last-level cache, or memory.
isa::Cycles Hierarchy::read_behind_home(LineNumber line, isa::Cycles at, Served& by) {
  by = Served::memory;
  if (!config_.has_llc) return at + config_.memory_latency;
  const LineNumber number = home_line(line) >> llc_shift_;
  ++llc_.stats().accesses;
  at += config_.llc.hit_latency;
  if (const std::uint32_t slot = llc_.find(number); slot != Cache::kAbsent) {
    llc_.touch(slot);
    by = Served::llc;
    return at;
  }
  ++llc_.stats().misses;
  fill_llc(number, false);
  return at + config_.llc.miss_latency + config_.memory_latency;
}

void Hierarchy::fill_llc(LineNumber number, bool dirty) {
  const std::uint32_t slot = llc_.choose_victim(number);
  if (llc_.occupied(slot)) {
    ++llc_.stats().evictions;
    llc_.stats().writebacks += llc_dirty_[slot];
  }
  llc_.fill(slot, number);
  llc_dirty_[slot] = dirty;
}

// Coherence between L1s for a line that this L1 lacks: the extra latency. An owner of an exclusive copy must
// be asked too: it may have modified it, and only its own hart knows whether it has. With write-through,
// whatever is below is up to date.
isa::Cycles Hierarchy::take_from_others(unsigned hart, Kind kind, LineNumber line, Served& by) {
  DirectoryEntry& entry = *find_entry(line);
  if (kind == Kind::fetch && entry.owner == hart && !entry.modified) return 0;
  const bool owned = entry.owner != kNobody && !writes_through();  // for a fetch, perhaps by the own L1D
  if (owned && entry.modified) by = Served::other_l1;
  if (kind == Kind::store) {
    const std::uint64_t removed = invalidate_copies(line, entry, entry.l1d_sharers & ~bit_of(hart));
    return removed > 0 && !writes_through() ? config_.coherence_latency : 0;
  }
  if (entry.owner != kNobody) downgrade_owner(line, entry);
  return owned ? config_.coherence_latency : 0;
}

void Hierarchy::fill_l1(unsigned hart, Kind kind, LineNumber line) {
  const bool fetch = kind == Kind::fetch;
  Cache& l1 = fetch ? harts_[hart].l1i : harts_[hart].l1d;
  const std::uint32_t slot = l1.choose_victim(line);
  if (l1.occupied(slot)) {
    drop_victim(hart, fetch, l1.line_in(slot));
    ++l1.stats().evictions;
  }
  const Ways disturbed = l1.fill(slot, line);

  DirectoryEntry& entry = *find_entry(line);
  if (fetch) {
    entry.l1i_sharers |= bit_of(hart);
  } else {
    const bool alone = entry.l1d_sharers == 0 && !writes_through() && config_.coherence == Coherence::mesi;
    entry.l1d_sharers |= bit_of(hart);
    if (kind == Kind::store || alone) entry.owner = static_cast<std::uint8_t>(hart);
    entry.modified = kind == Kind::store;
    if (kind == Kind::store && writes_through()) write_home(line);
  }
  use(hart, fetch, slot, disturbed, kind == Kind::store);
}

}  // namespace hvsim::mem
