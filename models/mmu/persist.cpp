// What TLBs and walk caches hold, for checkpoints.
#include "models/mmu/persist.h"

#include <algorithm>
#include <array>

#include "models/cpu/isa/paging.h"
#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::mmu {

namespace {

constexpr std::string_view kImpossible = "has TLBs in an impossible state";

// As Tlb counts its population: by page size. None: the number of sizes.
unsigned size_of(std::uint64_t shift) {
  constexpr std::array<std::uint64_t, 6> shifts{12, 16, 21, 30, 39, 48};
  return static_cast<unsigned>(std::ranges::find(shifts, shift) - shifts.begin());
}

// Which of the tables in the manual, or Bare.
void persist_scheme(state::Archive& archive, const isa::PagingScheme*& scheme) {
  std::uint8_t number = 0;
  const isa::PagingScheme* known[1 + isa::kFirstStageSchemes.size() + isa::kGStageSchemes.size()] = {};
  std::uint8_t count = 1;
  for (const auto* schemes : {&isa::kFirstStageSchemes, &isa::kGStageSchemes})
    for (const isa::PagingScheme& each : *schemes) known[count++] = &each;
  if (archive.saving()) number = static_cast<std::uint8_t>(std::find(known, known + count, scheme) - known);
  archive.below(number, count);
  scheme = known[number];
}

}  // namespace

void persist(state::Archive& archive, TlbStats& stats) {
  auto& [lookups, misses, evictions, fences, fenced_entries] = stats;
  archive(lookups, misses, evictions, fences, fenced_entries);
}

static void persist(state::Archive& archive, Translation& translation) {
  auto& [address, guest_physical, page_shift, first_pte, g_pte, first_level, g_level] = translation;
  archive(address, guest_physical, page_shift, first_pte, g_pte, first_level, g_level);
  archive.require(page_shift < 64 && first_level < 5 && g_level < 5, kImpossible);
}

void persist(state::Archive& archive, Root& root) {
  auto& [scheme, table, space] = root;
  persist_scheme(archive, scheme);
  archive(table, space);
}

void persist(state::Archive& archive, AddressSpace& space) {
  auto& [first, g_stage, virtualized, privilege, sum, mxr_first, mxr_g_stage, hardware_ad_first,
         hardware_ad_g_stage, napot, pbmt_first, pbmt_g_stage] = space;
  archive(first, g_stage, virtualized, privilege, sum, mxr_first, mxr_g_stage, hardware_ad_first,
          hardware_ad_g_stage, napot, pbmt_first, pbmt_g_stage);
}

void Tlb::Tag::persist(state::Archive& archive) {
  auto& [number, space, space_mask, page_shift] = *this;
  archive(number, space, space_mask, page_shift);
}

void Tlb::persist(state::Archive& archive) {
  auto& [config, set_mask, tags, translations, population, occupied, buckets, absent, replacement, left,
         stats] = *this;
  archive(tags, translations, replacement, stats);
  if (!archive.loading()) return;
  population = {};
  occupied = 0;
  std::ranges::fill(buckets, 0);
  absent = {};
  for (unsigned slot = 0; slot < tags.size(); ++slot) {
    Tag& tag = tags[slot];
    const unsigned size = size_of(tag.shift);
    if (!archive.require(size < kSizes, kImpossible)) tag = {};
    if (tag.page_number == kNoPage) continue;
    ++population[size];
    ++bucket(tag.page_number, size);
    ++occupied;
    archive.require(
        translations[slot].page_shift == tag.shift && slot / config.ways == (tag.page_number & set_mask),
        kImpossible);
  }
}

void WalkCache::Entry::persist(state::Archive& archive) {
  auto& [is_valid, is_global, of_level, space, first_bits, last_used] = *this;
  archive(is_valid, is_global, of_level, space, first_bits, last_used);
  archive.require(of_level < 6, kImpossible);
}

void WalkCache::persist(state::Archive& archive) {
  auto& [entries, clock, stats] = *this;
  archive(entries, clock, stats);
}

void WalkCaches::persist(state::Archive& archive) {
  auto& [config, nothing, first, g_stage, g_tlb] = *this;
  archive(first, g_stage, g_tlb);
}

void TlbHierarchy::Owner::persist(state::Archive& archive) {
  auto& [first_root, g_root, guest] = *this;
  archive(first_root, g_root, guest);
}

void TlbHierarchy::persist(state::Archive& archive) {
  auto& [config, itlb, dtlb, l2, walk_caches, owner, switch_flushes] = *this;
  archive(itlb, dtlb, l2, walk_caches, owner, switch_flushes);
}

}  // namespace hvsim::mmu
