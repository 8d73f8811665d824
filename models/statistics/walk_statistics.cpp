// Takes traces of walks apart.
#include "models/statistics/walk_statistics.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

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

// Stage, level and whether it wrote.
std::uint32_t kind_of_access(const mmu::PteRead& access) {
  constexpr std::size_t at = offsetof(mmu::PteRead, stage);
  static_assert(offsetof(mmu::PteRead, level) == at + 1 && offsetof(mmu::PteRead, write) == at + 2);
  static_assert(std::endian::native == std::endian::little &&
                sizeof(mmu::PteRead) >= at + sizeof(std::uint32_t));
  std::uint32_t kind = 0;
  std::memcpy(&kind, reinterpret_cast<const std::uint8_t*>(&access) + at, sizeof kind);
  return kind & 0xFF'FFFF;  // behind them there is nothing
}

// What the G-stage's accesses at the end of a trace were for, when no guest PTE was read after them.
std::uint8_t last_purpose(const WalkSeen& walk) {
  if (walk.found != nullptr) return kForPage;
  const mmu::WalkTrace& trace = walk.trace;
  const mmu::AddressSpace& space = walk.space;
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
WalkStatistics::Shape WalkStatistics::shape_of(const mmu::WalkTrace& trace, std::uint8_t last_purpose) {
  Shape shape{.count = trace.count, .last_purpose = last_purpose, .kinds_of_trace = trace.kinds};
  std::uint8_t purpose = last_purpose;
  for (unsigned i = trace.count; i-- > 0;) {
    const mmu::PteRead& access = trace.reads[i];
    const bool first = access.stage == Stage::first;
    shape.wrote |= access.write;
    shape.kinds[i] = kind_of_access(access);
    purpose = first ? access.level : purpose;
    std::uint8_t what_for = purpose;
    if (access.write) {
      const mmu::PteRead* const before = i != 0 ? &trace.reads[i - 1] : nullptr;
      if (!first && before != nullptr && before->stage == Stage::first && !before->write)
        what_for = before->level;
    } else {
      ++(first ? shape.reads.first : shape.reads.g_stage);
    }
    shape.rows[i] =
        static_cast<std::uint16_t>(row_of({access.stage, access.level, what_for, access.write, 0}));
  }
  return shape;
}

WalkStatistics::Shape& WalkStatistics::find_shape(const mmu::WalkTrace& trace, std::uint8_t last_purpose) {
  Shape& known = shapes_[trace.count % kShapes];
  bool same = known.count == trace.count && known.last_purpose == last_purpose;
  if (!trace.wrote && trace.count <= mmu::WalkTrace::kKinds)
    same &= known.kinds_of_trace == trace.kinds && !known.wrote;
  else
    for (unsigned i = 0; same && i < trace.count; ++i)
      same = known.kinds[i] == kind_of_access(trace.reads[i]);
  if (!same) [[unlikely]] {
    settle(known, ptes_);
    known = shape_of(trace, last_purpose);
  }
  return known;
}

// Another walk of this shape, all of whose accesses came from there.
inline void WalkStatistics::count(Shape& shape, unsigned source, isa::Cycles takes) {
  if (shape.source != source || shape.takes != takes) [[unlikely]] {
    settle(shape, ptes_);
    shape.source = source;
    shape.takes = takes;
  }
  ++shape.seen;
}

void WalkStatistics::settle(Shape& shape, std::span<Tally> ptes) {
  for (unsigned i = 0; i < shape.count; ++i)
    ptes[shape.rows[i] + shape.source] += {shape.seen, shape.seen * shape.takes};
  shape.seen = 0;
}

std::vector<Tally> WalkStatistics::settled() const {
  std::vector<Tally> ptes(ptes_.begin(), ptes_.end());
  for (Shape shape : shapes_) settle(shape, ptes);
  return ptes;
}

WalkStatistics::Reads WalkStatistics::add_ptes(const WalkSeen& walk) {
  constexpr auto kKnown = static_cast<std::uint8_t>(mem::Served::walker);
  constexpr auto kAtOnce = static_cast<std::uint8_t>(mem::Served::l1);
  Shape& shape = find_shape(walk.trace, last_purpose(walk));
  Reads reads = shape.reads;
  if (walk.costs.empty()) {
    count(shape, kUntimed, 0);
    return reads;
  }
  // Mostly most of them come at once: as if all did, and then the others.
  const bool mostly = walk.at_once != 0;
  if (mostly) count(shape, kAtOnce, walk.at_once_takes);
  const std::uint64_t all = (std::uint64_t{1} << shape.count) - 1;
  for (std::uint64_t others = all & ~walk.at_once; others != 0; others &= others - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(others));
    if (mostly) ptes_[shape.rows[i] + kAtOnce] += {~std::uint64_t{0}, -walk.at_once_takes};
    const auto source = static_cast<std::uint8_t>(walk.costs[i].by);
    ptes_[shape.rows[i] + source].add(walk.costs[i].cycles);
    if (source == kKnown) [[unlikely]]
      if (const mmu::PteRead& access = walk.trace.reads[i]; !access.write)
        --(access.stage == Stage::first ? reads.first : reads.g_stage);
  }
  return reads;
}

WalkStatistics::Reads WalkStatistics::add(const WalkSeen& walk) {
  const Reads reads = add_ptes(walk);
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
  for (Shape& shape : shapes_) shape.seen = 0;
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
  const std::vector<Tally> ptes = other.settled();
  for (std::size_t i = 0; i < ptes_.size(); ++i) ptes_[i] += ptes[i];
  for (std::size_t i = 0; i < pages_.size(); ++i)
    for (std::size_t j = 0; j < pages_[i].size(); ++j) pages_[i][j] += other.pages_[i][j];
  for (const auto& [key, tally] : other.spaces_) space(key) += tally;
  other_spaces_ += other.other_spaces_;
}

}  // namespace hvsim::statistics
