// Takes traces of walks apart.
#include "models/statistics/walk_statistics.h"

#include <algorithm>

#include "models/cpu/isa/paging.h"
#include "models/mmu/walk.h"

namespace hvsim::statistics {
namespace {

using mmu::Stage;

WalkKind kind_of(const mmu::AddressSpace& space) {
  if (!space.virtualized || space.g_stage.scheme == nullptr) return WalkKind::one_stage;
  return space.first.scheme == nullptr ? WalkKind::g_stage_only : WalkKind::two_stage;
}

std::size_t size_index(unsigned level, std::uint64_t leaf) {
  if (leaf == 0) return 0;
  const unsigned shift = isa::leaf_shift(level, leaf);
  return static_cast<std::size_t>(std::ranges::find(kPageShifts, shift) - kPageShifts.begin());
}

// What the G-stage's accesses at the end of a trace were for, when no guest PTE was read after them.
std::uint8_t last_purpose(const mmu::WalkTrace& trace, const mmu::AddressSpace& space) {
  for (unsigned i = trace.count; i-- > 0;) {
    const mmu::PteRead& access = trace.reads[i];
    if (access.stage != Stage::first) continue;
    const bool pointer = !mmu::points_to_leaf(access.value) && access.level > 0;
    return pointer ? static_cast<std::uint8_t>(access.level - 1) : kForPage;
  }
  return space.first.scheme != nullptr ? static_cast<std::uint8_t>(space.first.scheme->levels - 1) : kForPage;
}

}  // namespace

SpaceTally& SpaceTally::operator+=(const SpaceTally& other) {
  walks += other.walks;
  faults += other.faults;
  reads_first += other.reads_first;
  reads_g += other.reads_g;
  cycles += other.cycles;
  return *this;
}

inline std::size_t WalkStatistics::row_of(const PteKey& key) {
  const std::size_t write = key.write ? 2 * kLevels : 0;
  const std::size_t access = static_cast<std::size_t>(key.stage) * kLevels + key.level + write;
  return (access * (kLevels + 1) + key.purpose) * kSourceRows + key.source;
}
std::size_t WalkStatistics::row(const PteKey& key) { return row_of(key); }

// From the last access to the first: G-stage accesses come before the guest PTE that they are for, except
// that the walker sets A and D for its own write right after it has read that PTE.
template <bool timed>
WalkStatistics::Reads WalkStatistics::add_ptes(const WalkSeen& walk) {
  constexpr auto kKnown = static_cast<std::uint8_t>(mem::Served::walker);
  const mmu::PteRead* const begin = walk.trace.reads.data();
  const mmu::PteRead* access = begin + walk.trace.count;
  const PteCost* cost = walk.costs.data() + walk.costs.size();
  std::uint8_t purpose = last_purpose(walk.trace, walk.space);
  std::array<std::uint64_t, 2> reads{}, known{};  // by stage
  const auto stage_of = [](const mmu::PteRead& read) { return static_cast<std::size_t>(read.stage); };
  while (access != begin) {
    --access;
    PteCost spent{static_cast<mem::Served>(kUntimed), 0};
    if constexpr (timed) spent = *--cost;
    const auto source = static_cast<std::uint8_t>(spent.by);
    const bool first = access->stage == Stage::first;
    purpose = first ? access->level : purpose;
    if (access->write) [[unlikely]] {
      const bool for_pte = !first && access != begin && access[-1].stage == Stage::first && !access[-1].write;
      ptes_[row_of({access->stage, access->level, for_pte ? access[-1].level : purpose, true, source})].add(
          spent.cycles);
      continue;
    }
    ptes_[row_of({access->stage, access->level, purpose, false, source})].add(spent.cycles);
    ++reads[stage_of(*access)];
    if (source == kKnown) [[unlikely]]
      ++known[stage_of(*access)];
  }
  return {reads[0] - known[0], reads[1] - known[1]};
}

WalkStatistics::Reads WalkStatistics::add(const WalkSeen& walk) {
  const Reads reads = walk.costs.empty() ? add_ptes<false>(walk) : add_ptes<true>(walk);
  const auto [first, second] = reads;
  const bool fault = walk.found == nullptr;
  Kind& kind = kinds_[static_cast<std::size_t>(kind_of(walk.space))];
  kind.cycles.add(walk.cycles);
  kind.reads += first + second;
  kind.faults += fault ? 1 : 0;
  if (!fault)
    pages_[size_index(walk.found->first_level, walk.found->first_pte)]
          [size_index(walk.found->g_level, walk.found->g_pte)]
              .add(walk.cycles);
  space({walk.space.virtualized, walk.space.virtualized ? walk.space.g_stage.space : std::uint16_t{0},
         walk.space.first.space}) += SpaceTally{1, fault ? 1U : 0U, first, second, walk.cycles};
  return reads;
}

SpaceTally& WalkStatistics::space(const SpaceKey& key) {
  if (last_ != nullptr && last_key_ == key) return *last_;
  auto found = spaces_.find(key);
  if (found == spaces_.end()) {
    if (spaces_.size() >= kSpaces) return other_spaces_;
    found = spaces_.emplace(key, SpaceTally{}).first;
  }
  last_key_ = key;
  last_ = &found->second;
  return *last_;
}

void WalkStatistics::reset() {
  kinds_ = {};
  ptes_ = {};
  pages_ = {};
  spaces_.clear();
  other_spaces_ = {};
  last_ = nullptr;
}

void WalkStatistics::merge(const WalkStatistics& other) {
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    kinds_[i].cycles.merge(other.kinds_[i].cycles);
    kinds_[i].faults += other.kinds_[i].faults;
    kinds_[i].reads += other.kinds_[i].reads;
  }
  for (std::size_t i = 0; i < ptes_.size(); ++i) ptes_[i] += other.ptes_[i];
  for (std::size_t i = 0; i < pages_.size(); ++i)
    for (std::size_t j = 0; j < pages_[i].size(); ++j) pages_[i][j] += other.pages_[i][j];
  for (const auto& [key, tally] : other.spaces_) space(key) += tally;
  other_spaces_ += other.other_spaces_;
}

}  // namespace hvsim::statistics
