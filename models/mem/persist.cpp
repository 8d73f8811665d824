// What caches, memory and what is between them hold, for checkpoints.
#include "models/mem/persist.h"

#include <algorithm>

#include "models/mem/hierarchy.h"

namespace hvsim::mem {

namespace {

constexpr std::string_view kImpossible = "has caches in an impossible state";
constexpr std::string_view kOtherMemory = "is of memory of another size";

// Four bits a way, each of them once.
bool permutes(std::uint64_t order, unsigned ways) {
  std::uint64_t seen = 0;
  for (unsigned place = 0; place < ways; ++place) seen |= std::uint64_t{1} << (order >> 4 * place & 15);
  return seen == (std::uint64_t{1} << ways) - 1;
}

bool zero(const std::uint8_t* page) {
  return std::all_of(page, page + isa::kPageBytes, [](std::uint8_t byte) { return byte == 0; });
}

// The mask's bit of each line in a cache: it has no others.
void persist_mask(state::Archive& archive, PresenceMask& mask, const Cache& lines, unsigned line_shift) {
  for (std::uint32_t slot = 0; slot < lines.slots(); ++slot) {
    if (!lines.occupied(slot)) continue;
    const isa::Hpa address{lines.line_in(slot) << line_shift};
    bool present = mask.test(address);
    archive(present);
    if (archive.loading() && present) mask.set(address);
  }
}

}  // namespace

void persist(state::Archive& archive, CacheStats& stats) {
  auto& [accesses, misses, evictions, writebacks, invalidations, hits_in_flight] = stats;
  archive(accesses, misses, evictions, writebacks, invalidations, hits_in_flight);
}

void persist(state::Archive& archive, PrefetchStats& stats) {
  auto& [issued, useful, late, useless] = stats;
  archive(issued, useful, late, useless);
}

void persist(state::Archive& archive, SharedUse& use) {
  auto& [l2_accesses, l2_misses, llc_accesses, llc_misses] = use;
  archive(l2_accesses, l2_misses, llc_accesses, llc_misses);
}

void persist(state::Archive& archive, CoherenceStats& stats) {
  auto& [upgrades, exclusive_writes, invalidations, downgrades, back_invalidations] = stats;
  archive(upgrades, exclusive_writes, invalidations, downgrades, back_invalidations);
}

void persist(state::Archive& archive, DramStats& stats) {
  auto& [reads, writes, row_hits, row_misses, row_conflicts, bank_wait, bus_wait] = stats;
  archive(reads, writes, row_hits, row_misses, row_conflicts, bank_wait, bus_wait);
}

void persist(state::Archive& archive, LinkStats& stats) {
  auto& [messages, bytes, wait] = stats;
  archive(messages, bytes, wait);
}

void Lfsr::persist(state::Archive& archive) {
  auto& [state] = *this;
  archive(state);
}

void ReplacementState::persist(state::Archive& archive) {
  auto& [policy, ways, minds_hits, orders, stamps, turns, clock, bits, recent, random, shift_register] =
      *this;
  archive(orders, stamps, clock, bits, recent, random, shift_register);
  if (archive.loading()) std::ranges::fill(turns, kNoTurn);
  for (const std::uint8_t way : recent) archive.require(way < ways_ || way == kNone, kImpossible);
  const Ways all = ways_ == 64 ? ~Ways{0} : (Ways{1} << ways_) - 1;
  if (policy == Replacement::nru)
    for (const std::uint64_t set : bits) archive.require(ways_ == 1 || set < all, kImpossible);
  for (const std::uint64_t order : orders) archive.require(order == 0 || permutes(order, ways_), kImpossible);
}

void Cache::persist(state::Archive& archive) {
  auto& [config, set_mask, lines, slots_of, occupied, replacement, stats] = *this;
  archive(lines, replacement, stats);
  for (std::uint32_t slot = 0; archive.loading() && slot < slots(); ++slot)
    archive.require(lines[slot] == kNoLine || slot / config.ways == set_of(lines[slot]), kImpossible);
  occupied = static_cast<std::uint32_t>(slots() - std::ranges::count(lines, kNoLine));
}

void Prefetcher::Stream::persist(state::Archive& archive) {
  auto& [page_number, line_number, distance, is_confirmed, last_used] = *this;
  archive(page_number, line_number, distance, is_confirmed, last_used);
}

void Prefetcher::persist(state::Archive& archive) {
  auto& [kind, degree, page_shift, streams, clock, lines] = *this;
  archive(streams, clock);
}

void CacheLevel::Arrival::persist(state::Archive& archive) {
  auto& [when, duration, guessed] = *this;
  archive(when, duration, guessed);
}

void CacheLevel::persist(state::Archive& archive) {
  Cache::persist(archive);
  archive(prefetcher_, misses_in_flight_, arrivals_, prefetches_);
}

void Bandwidth::Window::persist(state::Archive& archive) {
  auto& [which, bytes] = *this;
  archive(which, bytes);
}

void Bandwidth::persist(state::Archive& archive) {
  auto& [budget, windows] = *this;
  archive(windows);
}

void Dram::Bank::persist(state::Archive& archive) {
  auto& [open_row, free_at] = *this;
  archive(open_row, free_at);
}

void Dram::persist(state::Archive& archive) {
  auto& [config, line_bytes, transfer, row_cycle, banks, buses, stats] = *this;
  archive(banks, buses, stats);
}

void Interconnect::persist(state::Archive& archive) {
  auto& [config, ideal, ram_base, bandwidths, stats] = *this;
  archive(bandwidths, stats);
}

void Hierarchy::DirectoryEntry::persist(state::Archive& archive) {
  auto& [data, code, owned_by, is_modified] = *this;
  archive(data, code, owned_by, is_modified);
}

void Hierarchy::HartCaches::persist(state::Archive& archive) {
  auto& [code, data, may_read, may_write, may_fetch, code_homes, data_homes, of_shared] = *this;
  archive(code, data, code_homes, data_homes, of_shared);
  const unsigned shift = may_read.geometry().line_shift;
  persist_mask(archive, may_read, data, shift);
  persist_mask(archive, may_write, data, shift);
  persist_mask(archive, may_fetch, code, shift);
}

void Hierarchy::check_homes(state::Archive& archive, const Cache& lines,
                            const std::vector<std::uint32_t>& homes) const {
  for (std::uint32_t slot = 0; slot < lines.slots(); ++slot)
    archive.require(homes[slot] < home_.slots(), kImpossible);  // a guess, for fetching ahead
}

void Hierarchy::persist(state::Archive& archive) {
  auto& [config, line_shift, home_shift, home_mask, harts, home, directory, home_dirty, llc, llc_dirty,
         llc_shift, dram, interconnect, plain_memory, plain, lean, lean_code, usual, first_line, lines,
         lean_lines, l2_takes, memory_takes, code_takes, code_homes, now, use, coherence] = *this;
  archive(harts, home, directory, home_dirty, llc, llc_dirty, dram, interconnect, now, coherence);
  if (!archive.loading() || archive.failed()) return;
  for (const DirectoryEntry& entry : directory_)
    archive.require(entry.owner == kNobody || entry.owner < harts_.size(), kImpossible);
  for (const HartCaches& caches : harts_) {
    check_homes(archive, caches.l1i, caches.l1i_homes);
    check_homes(archive, caches.l1d, caches.l1d_homes);
    const auto mask_has_all = [&archive](const Cache& l1, const PresenceMask& mask) {
      for (std::uint32_t slot = 0; slot < l1.slots(); ++slot)
        if (const LineNumber line = l1.line_in(slot); l1.occupied(slot))
          archive.require(!mask.has_bit_of(line) || mask.test(line), kImpossible);
    };
    if (lean) mask_has_all(caches.l1d, caches.readable);
    if (lean_code) mask_has_all(caches.l1i, caches.fetchable);
  }
  if (!archive.failed()) archive.require(!incoherence(), kImpossible);
}

void PhysicalMemory::persist(state::Archive& archive) {
  auto& [main, main_host, ram, rom] = *this;
  constexpr std::uint64_t most_roms = 16, most_rom_bytes = std::uint64_t{16} << 20;
  for (auto* regions : {&ram, &rom}) {
    std::uint64_t count = regions->size();
    archive(count);
    if (!archive.require(regions == &rom ? count <= most_roms : count == ram.size(), kOtherMemory)) return;
    for (std::size_t i = 0; i < count; ++i) {
      MemoryRange range = i < regions->size() ? (*regions)[i].range : MemoryRange{};
      const MemoryRange known = range;
      archive(range.base, range.bytes);
      if (archive.loading() && i == regions->size()) {  // a ROM that booting would have placed
        if (!archive.require(range.bytes <= most_rom_bytes, kOtherMemory)) return;
        const std::vector<std::uint8_t> empty(range.bytes);
        if (!archive.require(!add_rom(range.base, empty), kOtherMemory)) return;
      } else if (!archive.require(range == known, kOtherMemory)) {
        return;
      }
      persist_pages(archive, (*regions)[i]);
    }
  }
}

// Numbers of pages that are not zero, ascending, each with its content; then one that is none.
void PhysicalMemory::persist_pages(state::Archive& archive, Region& region) {
  const std::uint64_t pages = region.range.bytes >> isa::kPageShift;
  std::uint8_t* host = region.memory.data();
  for (std::uint64_t page = 0;; ++page) {
    while (archive.saving() && page < pages && zero(host + (page << isa::kPageShift))) ++page;
    const std::uint64_t least = page;
    archive(page);
    if (!archive.require(page >= least && page <= pages, kOtherMemory) || page == pages) return;
    archive.bytes({host + (page << isa::kPageShift), isa::kPageBytes});
  }
}

}  // namespace hvsim::mem
