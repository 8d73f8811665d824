// What an access finds in the caches, what it moves up, and what that costs.
#include "models/mem/hierarchy.h"

#include <algorithm>
#include <bit>

#include "models/mem/hierarchy_inline.h"

namespace hvsim::mem {

namespace {

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
  if (cache.mshrs != 1) return name + ".mshrs: expected 1, only the l1d counts misses in flight";
  return std::nullopt;
}

unsigned last_line_bytes(const HierarchyConfig& config) {
  return config.has_llc  ? config.llc.line_bytes
         : config.has_l2 ? config.l2.line_bytes
                         : config.l1d.line_bytes;
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
  if (auto found = problem(config.dram)) return "dram." + *found;
  if (!config.has_llc) return std::nullopt;
  if (config.llc.prefetch != Prefetch::off) return "llc.prefetch: expected off, L1s and the L2 fetch ahead";
  if (auto found = problem_of("llc", config.llc, above, line_bytes)) return found;
  return only_l1d_chooses("llc", config.llc);
}

isa::Result<std::unique_ptr<Hierarchy>, std::string> Hierarchy::create(const HierarchyConfig& config,
                                                                       unsigned harts, MemoryRange ram,
                                                                       std::uint64_t seed,
                                                                       InterconnectConfig interconnect) {
  if (auto found = problem(config)) return isa::Failure{*found};
  if (harts == 0 || harts > kMaxHarts)
    return isa::Failure{"harts: " + std::to_string(harts) + " is not from 1 to " + std::to_string(kMaxHarts)};
  if ((ram.base + ram.bytes).value / config.l1d.line_bytes >= kMostLines)
    return isa::Failure{"l1d.line_bytes: " + std::to_string(config.l1d.line_bytes) +
                        " makes too many lines of a memory that ends at " +
                        std::to_string((ram.base + ram.bytes).value) + ", expected less than 2^32 - 1"};
  std::vector<HartCaches> caches;
  caches.reserve(harts);
  for (unsigned hart = 0; hart < harts; ++hart) {
    auto readable = PresenceMask::create(ram, config.l1d.line_bytes);
    auto writable = PresenceMask::create(ram, config.l1d.line_bytes);
    auto fetchable = PresenceMask::create(ram, config.l1i.line_bytes);
    for (const auto* mask : {&readable, &writable, &fetchable})
      if (!mask->ok()) return isa::Failure{mask->error()};
    CacheLevel l1i(config.l1i, seed + 2 * hart), l1d(config.l1d, seed + 2 * hart + 1);
    std::vector<std::uint32_t> l1i_homes(l1i.slots()), l1d_homes(l1d.slots());
    caches.push_back({std::move(l1i), std::move(l1d), std::move(readable.value()),
                      std::move(writable.value()), std::move(fetchable.value()), std::move(l1i_homes),
                      std::move(l1d_homes), SharedUse{}});
  }
  return std::unique_ptr<Hierarchy>(new Hierarchy(config, std::move(caches), ram,
                                                  seed + std::uint64_t{2} * harts, std::move(interconnect)));
}

Hierarchy::Hierarchy(const HierarchyConfig& config, std::vector<HartCaches> harts, MemoryRange ram,
                     std::uint64_t seed, InterconnectConfig interconnect)
    : config_(config),
      line_shift_(shift_of(config.l1d.line_bytes)),
      home_shift_(config.has_l2 ? shift_of(config.l2.line_bytes) - line_shift_ : 0),
      home_mask_((LineNumber{1} << home_shift_) - 1),
      harts_(std::move(harts)),
      home_(config.has_l2 ? config.l2 : duplicate_tags(config, static_cast<unsigned>(harts_.size())), seed),
      directory_(std::size_t{home_.slots()} << home_shift_),
      home_dirty_(home_.slots(), 0),
      llc_(config.llc, seed + 1),
      llc_dirty_(config.has_llc ? llc_.slots() : 0, 0),
      llc_shift_(config.has_llc ? shift_of(config.llc.line_bytes) - line_shift_ - home_shift_ : 0),
      dram_(config.dram, last_line_bytes(config)),
      interconnect_(std::move(interconnect), ram.base.value),
      plain_memory_(!config.has_llc && !config.dram.banked && interconnect_.ideal()),
      plain_(config.has_l2 && harts_[0].l1i.plain() && harts_[0].l1d.plain() && home_.plain() &&
             interconnect_.ideal()),
      lean_(is_lean()),
      lean_code_(fetches_lean()),
      usual_(is_usual()),
      first_line_(harts_[0].readable.first_line()),
      lines_(harts_[0].readable.lines()),
      lean_lines_(lean_ ? lines_ : 0),
      l2_takes_(config.l1d.hit_latency + config.l1d.miss_latency + config.l2.hit_latency),
      memory_takes_(config.l2.miss_latency + config.memory_latency),
      code_takes_(config.l1i.hit_latency + config.l1i.miss_latency + config.l2.hit_latency) {}

template <bool fetch>
Hierarchy::Outcome Hierarchy::hit(unsigned hart, Kind kind, LineNumber line, std::uint32_t slot,
                                  isa::Cycles at) {
  HartCaches& caches = harts_[hart];
  CacheLevel& l1 = fetch ? caches.l1i : caches.l1d;
  disturb(caches, fetch, slot, l1.touch(slot));
  const CacheLevel::Use use = l1.use(slot, at);
  const bool settled = use.settled || !l1.non_blocking();  // a blocking hart waits until it is
  isa::Cycles delay = 0;
  bool writable = false;
  if (!fetch) {
    DirectoryEntry& entry = entry_of(hart, false, slot, line);
    const bool owned = entry.owner == hart && entry.modified;
    if (kind == Kind::store && !owned) delay = become_owner(hart, line, entry, use.ready);
    writable = entry.owner == hart && entry.modified;
  }
  if (settled) settle(caches, fetch, line, writable);
  if (use.first_of_prefetch) prefetch_into_l1(hart, fetch, line, at);
  if (kind != Kind::store || !writes_through()) return {use.ready + delay, Served::l1};
  return {use.ready, Served::l1, use.ready + delay + write_latency()};
}

// Makes the line one that the L2 has and the directory knows. `slot`: where home has it now, if anywhere.
template <bool plain>
[[gnu::always_inline]] inline Hierarchy::Found Hierarchy::bring_home(LineNumber line, std::uint32_t slot,
                                                                     isa::Cycles at) {
  Found found{.ready = at, .by = Served::l2, .slot = slot};
  const bool present = slot != Cache::kAbsent;
  if (plain || config_.has_l2) {
    found.ready = found.asked = at + config_.l2.hit_latency;
    ++home_.stats().accesses;
    ++use_->l2_accesses;
    if (present) {
      home_.touch(slot);
      if (plain) return found;
      const CacheLevel::Use use = home_.use(slot, found.ready);
      found.ready = use.ready;
      found.look_ahead = use.first_of_prefetch;
      return found;
    }
  }
  bring_from_behind_home(line, present, found);
  return found;
}

Hierarchy::Found Hierarchy::bring_home(LineNumber line, isa::Cycles at) {
  return bring_home<false>(line, home_.find(home_line(line)), at);
}

void Hierarchy::bring_from_behind_home(LineNumber line, bool present, Found& found) {
  if (config_.has_l2) {
    ++home_.stats().misses;
    ++use_->l2_misses;
    found.look_ahead = !home_.plain();
    found.ready += config_.l2.miss_latency;
  }
  found.ready = read_behind_home(line, found.ready, found.by);
  if (!present) found.slot = make_room_for(line);
}

template <bool fetch, bool plain>
inline void Hierarchy::fill_l1(unsigned hart, Kind kind, LineNumber line, const Found& found, isa::Cycles out,
                               bool prefetched) {
  HartCaches& caches = harts_[hart];
  CacheLevel& l1 = fetch ? caches.l1i : caches.l1d;
  const std::uint32_t slot = l1.choose_victim(line);
  if (l1.occupied(slot)) {
    drop_victim(hart, fetch, slot);
    ++l1.stats().evictions;
  }
  disturb(caches, fetch, slot, l1.fill(slot, line));
  (fetch ? caches.l1i_homes : caches.l1d_homes)[slot] = found.slot;
  if (!plain) l1.expect(slot, out, found.ready, prefetched);

  DirectoryEntry& entry = entry_at(found.slot, line);
  if (fetch) {
    entry.l1i_sharers |= bit_of(hart);
  } else {
    const bool alone = entry.l1d_sharers == 0 && !writes_through() && config_.coherence == Coherence::mesi;
    entry.l1d_sharers |= bit_of(hart);
    if (kind == Kind::store || alone) entry.owner = static_cast<std::uint8_t>(hart);
    entry.modified = kind == Kind::store;
    if (kind == Kind::store && writes_through()) write_home(line);
  }
  // Otherwise the next use must be seen: it may come too early, or show that the guess was good.
  if (plain || (!l1.non_blocking() && !prefetched)) settle(caches, fetch, line, kind == Kind::store);
}

// A miss of data touches tags, directory and masks here and there, which have left the host's nearest caches:
// all are asked for at once. Code is less, and what is known of it stays near.
inline void Hierarchy::fetch_ahead_on_host(HartCaches& caches, LineNumber line) const {
  home_.fetch_ahead(home_line(line));
  __builtin_prefetch(&directory_[entry_number(home_.likely_victim(home_line(line)), line)]);
  const Cache& l1d = caches.l1d;
  const std::uint32_t slot = l1d.likely_victim(line);
  if (!l1d.occupied(slot)) return;
  const LineNumber victim = l1d.line_in(slot);
  __builtin_prefetch(&directory_[entry_number(caches.l1d_homes[slot], victim)]);
  caches.readable.fetch_ahead(victim);
  caches.readable.fetch_ahead(line);
}

template <bool fetch, bool plain>
inline Hierarchy::Outcome Hierarchy::look_up(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
  const LineNumber line = address.value >> line_shift_;
  HartCaches& caches = harts_[hart];
  CacheLevel& l1 = fetch ? caches.l1i : caches.l1d;
  ++l1.stats().accesses;
  const isa::Cycles looked_up = at + l1.config().hit_latency;
  const bool reads = kind == Kind::load || kind == Kind::walk;
  if (!fetch && reads && (plain || l1.plain()) && caches.readable.test(address))
    return {looked_up, Served::l1};  // changes nothing
  now_ = at;
  use_ = &caches.shared;
  if (!fetch && kind == Kind::atomic) {
    if (config_.atomics_in_memory) return atomic_in_memory(hart, line, looked_up);
    kind = Kind::store;
  }
  if (const std::uint32_t slot = l1.find(line); slot != Cache::kAbsent)
    return hit<fetch>(hart, kind, line, slot, looked_up);

  ++l1.stats().misses;
  if (!fetch) fetch_ahead_on_host(caches, line);
  if (!fetch && kind == Kind::store && !config_.l1d.write_allocate)
    return write_around(hart, line, looked_up);
  isa::Cycles out = looked_up + l1.config().miss_latency;
  if (!plain) out = l1.start_miss(out);
  const isa::Cycles asked = plain ? out : to_home(hart, line, Interconnect::kRequestBytes, out);
  Found found = bring_home<plain>(line, fetch ? find_code(line) : home_.find(home_line(line)), asked);
  DirectoryEntry& entry = entry_at(found.slot, line);
  if (entry.owner != kNobody || entry.l1d_sharers != 0)
    found.ready += take_from_others(hart, kind, line, entry, found);
  if (!plain) {
    found.ready = from_home(hart, line, found.ready);
    l1.miss_goes_out(found.ready);
  }
  fill_l1<fetch, plain>(hart, kind, line, found, out, false);
  if (!plain) {
    prefetch_home(found, line);
    if (!l1.plain()) prefetch_into_l1(hart, fetch, line, looked_up);
  }
  const bool passed_on = !fetch && kind == Kind::store && writes_through();
  return {found.ready, found.by, passed_on ? found.ready + write_latency() : 0};
}

Hierarchy::Outcome Hierarchy::look_up_any(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
  if (kind == Kind::fetch)
    return plain_ ? look_up<true, true>(hart, Kind::fetch, address, at)
                  : look_up<true, false>(hart, Kind::fetch, address, at);
  return plain_ ? look_up<false, true>(hart, kind, address, at)
                : look_up<false, false>(hart, kind, address, at);
}

// A store to a line that this L1D holds, but not yet modified: what that costs.
isa::Cycles Hierarchy::become_owner(unsigned hart, LineNumber line, DirectoryEntry& entry, isa::Cycles at) {
  const bool exclusive = entry.owner == hart;
  ++(exclusive ? coherence_.exclusive_writes : coherence_.upgrades);
  const std::uint64_t others = entry.l1d_sharers & ~bit_of(hart);
  invalidate_copies(line, entry, others);
  entry.owner = static_cast<std::uint8_t>(hart);
  entry.modified = true;
  if (writes_through()) {
    write_home(line);
    return others != 0 ? config_.coherence_latency : 0;
  }
  if (exclusive) return 0;
  const isa::Cycles home = to_home(hart, line, Interconnect::kRequestBytes, at);
  return to_home(hart, line, Interconnect::kRequestBytes, ask(others, line, home)) - at;
}

// A store that misses and brings nothing: the L1D passes it on and is done.
Hierarchy::Outcome Hierarchy::write_around(unsigned hart, LineNumber line, isa::Cycles at) {
  constexpr unsigned kLongestStore = 8;
  const isa::Cycles home = to_home(hart, line, Interconnect::kRequestBytes + kLongestStore, at);
  Found found{.ready = home + write_latency()};
  if (config_.has_l2) found = bring_home(line, home);
  write_home(line);
  if (DirectoryEntry* entry = find_entry(line)) {
    if (invalidate_copies(line, *entry, entry->l1d_sharers & ~bit_of(hart)) > 0)
      found.ready += config_.coherence_latency;
    forget_unused(line);
  }
  prefetch_home(found, line);
  return {at, found.by, found.ready};
}

Hierarchy::Outcome Hierarchy::atomic_in_memory(unsigned hart, LineNumber line, isa::Cycles at) {
  at = to_home(hart, line, Interconnect::kRequestBytes, at);
  if (DirectoryEntry* entry = find_entry(line)) {
    if ((entry->l1d_sharers & bit_of(hart)) != 0) drop_from_l1d(hart, line, *entry);
    if (invalidate_copies(line, *entry, entry->l1d_sharers) > 0) at += config_.coherence_latency;
    forget_unused(line);
  }
  Found found;
  if (config_.has_l2)
    found = bring_home(line, at);
  else
    found.ready = read_behind_home(line, at, found.by);
  write_home(line);
  prefetch_home(found, line);
  return {to_home(hart, line, Interconnect::kRequestBytes, found.ready), found.by};
}

std::uint32_t Hierarchy::make_room_for(LineNumber line) {
  const std::uint32_t slot = home_.choose_victim(home_line(line));
  if (home_.occupied(slot)) evict_from_home(slot);  // never without an L2: there is room for all
  home_.fill(slot, home_line(line));
  return slot;
}

// The last-level cache, or memory.
isa::Cycles Hierarchy::read_llc_or_memory(LineNumber line, isa::Cycles at, Served& by) {
  if (!config_.has_llc) return read_memory(line, at);
  const LineNumber number = home_line(line) >> llc_shift_;
  ++llc_.stats().accesses;
  ++use_->llc_accesses;
  at += config_.llc.hit_latency;
  if (const std::uint32_t slot = llc_.find(number); slot != Cache::kAbsent) {
    llc_.touch(slot);
    by = Served::llc;
    return at;
  }
  ++llc_.stats().misses;
  ++use_->llc_misses;
  fill_llc(number, false);
  return read_memory(line, at + config_.llc.miss_latency);
}

void Hierarchy::fill_llc(LineNumber number, bool dirty) {
  const std::uint32_t slot = llc_.choose_victim(number);
  if (llc_.occupied(slot)) {
    ++llc_.stats().evictions;
    if (llc_dirty_[slot] != 0) {
      ++llc_.stats().writebacks;
      write_memory(llc_.line_in(slot) << (llc_shift_ + home_shift_));
    }
  }
  llc_.fill(slot, number);
  llc_dirty_[slot] = dirty;
}

isa::Cycles Hierarchy::read_memory(LineNumber line, isa::Cycles at) {
  const isa::Hpa address = address_of(line);
  const auto serve = [&](isa::Cycles when) {
    return config_.dram.banked ? dram_.read(address.value, when) : when + config_.memory_latency;
  };
  if (interconnect_.ideal()) return serve(at);
  const unsigned home = home_node(line), memory = memory_node(line);
  const isa::Cycles there = interconnect_.send(home, memory, Interconnect::kRequestBytes, at);
  return interconnect_.send(memory, home, last_line_bytes(config_), serve(there));
}

// Nobody waits, but others find the banks and the links taken.
void Hierarchy::write_memory(LineNumber line) {
  const isa::Hpa address = address_of(line);
  isa::Cycles at = now_;
  if (!interconnect_.ideal())
    at = interconnect_.send(home_node(line), memory_node(line),
                            Interconnect::kRequestBytes + last_line_bytes(config_), at);
  if (config_.dram.banked) dram_.write(address.value, at);
}

// Home asks all of them at once, and waits for the last answer, which may bring the line.
isa::Cycles Hierarchy::ask(std::uint64_t sharers, LineNumber line, isa::Cycles at) {
  const isa::Cycles asked = at + config_.coherence_latency;
  if (interconnect_.ideal()) return asked;
  isa::Cycles last = asked;
  const unsigned home = home_node(line);
  for (; sharers != 0; sharers &= sharers - 1) {
    const unsigned other = interconnect_.node_of_hart(static_cast<unsigned>(std::countr_zero(sharers)));
    last = std::max(last, interconnect_.round_trip(home, other, 0, config_.l1d.line_bytes, asked));
  }
  return last;
}

// Coherence between L1s for a line that this L1 lacks: the extra latency. An owner of an exclusive copy must
// be asked too: it may have modified it, and only its own hart knows whether it has. With write-through,
// whatever is below is up to date.
isa::Cycles Hierarchy::take_from_others(unsigned hart, Kind kind, LineNumber line, DirectoryEntry& entry,
                                        Found& found) {
  const isa::Cycles at = found.ready;
  if (kind == Kind::fetch && entry.owner == hart && !entry.modified) return 0;
  const bool owned = entry.owner != kNobody && !writes_through();  // for a fetch, perhaps by the own L1D
  if (owned && entry.modified) found.by = Served::other_l1;
  if (kind == Kind::store) {
    const std::uint64_t others = entry.l1d_sharers & ~bit_of(hart);
    if (others == 0) return 0;
    invalidate_copies(line, entry, others);
    return writes_through() ? 0 : ask(others, line, at) - at;
  }
  const std::uint64_t asked = owned ? bit_of(entry.owner) : 0;
  if (entry.owner != kNobody) downgrade_owner(line, entry);
  return owned ? ask(asked, line, at) - at : 0;
}

// A line that somebody else has written is left to him.
void Hierarchy::prefetch_into_l1(unsigned hart, bool fetch, LineNumber line, isa::Cycles at) {
  CacheLevel& l1 = fetch ? harts_[hart].l1i : harts_[hart].l1d;
  for (const LineNumber next : l1.prefetcher().after(line)) {
    if (l1.find(next) != Cache::kAbsent) continue;
    const DirectoryEntry* entry = find_entry(next);
    if (entry != nullptr && entry->owner != kNobody) continue;
    Found found = bring_home(next, to_home(hart, next, Interconnect::kRequestBytes, at));
    found.ready = from_home(hart, next, found.ready);
    if (fetch)
      fill_l1<true, false>(hart, Kind::fetch, next, found, at, true);
    else
      fill_l1<false, false>(hart, Kind::load, next, found, at, true);
    prefetch_home(found, next);
  }
}

void Hierarchy::fetch_ahead_of_home(LineNumber number, isa::Cycles at) {
  for (const LineNumber next : home_.prefetcher().after(number)) {
    if (home_.find(next) != Cache::kAbsent) continue;
    const LineNumber line = next << home_shift_;
    Served by{};
    const isa::Cycles ready = read_behind_home(line, at, by);
    home_.expect(make_room_for(line), at, ready, true);
  }
}

}  // namespace hvsim::mem
