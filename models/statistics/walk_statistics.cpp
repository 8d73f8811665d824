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

// In WalkStatistics::row() and, inlined, for each access of a walk.
constexpr std::size_t index_of(const PteKey& key) {
  std::size_t index = key.stage == Stage::first ? 0 : 1;
  index = index * kLevels + key.level;
  index = index * (kLevels + 1) + key.purpose;
  index = index * 2 + (key.write ? 1 : 0);
  return index * kSources + key.source;
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

std::size_t WalkStatistics::row(const PteKey& key) { return index_of(key); }

// From the last access to the first: G-stage accesses come before the guest PTE that they are for, except
// that the walker sets A and D for its own write right after it has read that PTE.
WalkStatistics::Reads WalkStatistics::add_ptes(const WalkSeen& walk) {
  Reads reads;
  const auto& accesses = walk.trace.reads;
  const bool timed = !walk.costs.empty();
  std::uint8_t purpose = last_purpose(walk.trace, walk.space);
  for (unsigned i = walk.trace.count; i-- > 0;) {
    const mmu::PteRead& access = accesses[i];
    const bool first = access.stage == Stage::first;
    if (first) purpose = access.level;
    const bool for_pte_write =
        access.write && !first && i > 0 && accesses[i - 1].stage == Stage::first && !accesses[i - 1].write;
    const std::uint8_t served = for_pte_write ? accesses[i - 1].level : purpose;
    const auto source = timed ? static_cast<std::uint8_t>(walk.costs[i].by) : std::uint8_t{kUntimed};
    ptes_[index_of({access.stage, access.level, served, access.write, source})].add(
        timed ? walk.costs[i].cycles : 0);
    const bool happened = !access.write && source != static_cast<std::uint8_t>(mem::Served::walker);
    (first ? reads.first : reads.second) += happened ? 1 : 0;
  }
  return reads;
}

void WalkStatistics::add(const WalkSeen& walk) {
  const auto [first, second] = add_ptes(walk);
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
