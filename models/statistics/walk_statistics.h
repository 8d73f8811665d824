// Page walks, counted from their traces: by kind, by PTE and who served it, by page sizes, by address space.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/mem/cache_config.h"
#include "models/mmu/mmu.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"

namespace hvsim::statistics {

enum class WalkKind : std::uint8_t { one_stage, g_stage_only, two_stage };
inline constexpr unsigned kWalkKinds = 3;

// What a PTE access of the G-stage was for: the guest's PTE at a level, or the page itself.
inline constexpr unsigned kLevels = 5;
inline constexpr unsigned kForPage = kLevels;
// Who served an access: mem::Served, or nobody because the run has no time.
inline constexpr unsigned kUntimed = mem::kServed;
inline constexpr unsigned kSources = mem::kServed + 1;
// Page sizes: none (the stage is Bare), 4 KiB, 64 KiB, 2 MiB, 1 GiB, 512 GiB, 256 TiB.
inline constexpr std::array<std::uint8_t, 7> kPageShifts{0, 12, 16, 21, 30, 39, 48};

struct PteCost {
  mem::Served by{};
  isa::Cycles cycles = 0;
};

struct Tally {
  std::uint64_t count = 0;
  isa::Cycles cycles = 0;
  void add(isa::Cycles spent) {
    ++count;
    cycles += spent;
  }
  Tally& operator+=(const Tally& other) {
    count += other.count;
    cycles += other.cycles;
    return *this;
  }
};

// One kind of PTE access. `purpose`: a level, or kForPage; accesses of the first stage are for themselves.
struct PteKey {
  mmu::Stage stage{};
  std::uint8_t level = 0, purpose = 0;
  bool write = false;  // the walker set A or D
  std::uint8_t source = 0;
};

struct SpaceKey {
  bool virtualized = false;
  std::uint16_t vmid = 0, asid = 0;
  friend constexpr auto operator<=>(const SpaceKey&, const SpaceKey&) = default;
};

struct SpaceTally {
  std::uint64_t walks = 0, faults = 0, reads_first = 0, reads_g = 0;
  isa::Cycles cycles = 0;
  SpaceTally& operator+=(const SpaceTally& other);
};

// A walk that is over. `costs` has an element per access of the trace, or none in a run without time. Those
// of a bit in `at_once` were served by the L1D, each at the same cost, and have no element that counts.
struct WalkSeen {
  const mmu::WalkTrace& trace;
  std::span<const PteCost> costs;
  std::uint64_t at_once = 0;
  isa::Cycles at_once_takes = 0;
  const mmu::AddressSpace& space;
  const mmu::Translation* found;  // null: it ended in a fault
  isa::Cycles cycles;             // in all
};

class WalkStatistics {
 public:
  WalkStatistics() = default;
  WalkStatistics(const WalkStatistics&) = delete;  // keeps a pointer into itself
  WalkStatistics& operator=(const WalkStatistics&) = delete;

  // PTEs that were read from memory, not known to the walker.
  struct Reads {
    std::uint64_t first = 0, g_stage = 0;
  };
  Reads add(const WalkSeen& walk);
  void merge(const WalkStatistics& other);
  void reset();
  void persist(state::Archive& archive);

  struct Kind {
    Histogram cycles;
    std::uint64_t faults = 0, reads = 0;
    void persist(state::Archive& archive);
  };
  const std::array<Kind, kWalkKinds>& kinds() const { return kinds_; }
  template <class Visit>  // visit(const PteKey&, const Tally&), in a fixed order
  void for_each_pte(Visit visit) const;
  // Of walks that found a page: by the first stage's and the G-stage's page size (index in kPageShifts).
  const std::array<std::array<Tally, kPageShifts.size()>, kPageShifts.size()>& pages() const {
    return pages_;
  }
  // The first kSpaces that walked have a row each; all others share one.
  static constexpr std::size_t kSpaces = 256;
  const std::map<SpaceKey, SpaceTally>& spaces() const { return spaces_; }
  const SpaceTally& other_spaces() const { return other_spaces_; }

 private:
  static constexpr std::size_t kSourceRows = 8;  // a power of two: the index is worked out for each access
  static_assert(kSources <= kSourceRows);
  static constexpr std::size_t kPteRows = std::size_t{2} * kLevels * (kLevels + 1) * 2 * kSourceRows;
  static std::size_t row(const PteKey& key);
  static std::size_t row_of(const PteKey& key);  // the same, inlined
  // Walks mostly are like others before them: what each access was for is worked out once for all that read
  // and write the same levels in the same order.
  struct Shape {
    unsigned count = 0;  // 0: none yet
    std::uint8_t last_purpose = 0;
    bool wrote = false;
    std::uint64_t kinds_of_trace = 0;  // mmu::WalkTrace::kinds, if that says all; then how often it was seen,
    std::uint64_t seen = 0;            // and not counted in ptes_ yet: each access from a source at a cost
    unsigned source = 0;
    isa::Cycles takes = 0;
    Reads reads{};
    std::array<std::uint32_t, mmu::WalkTrace::kMax> kinds{};
    std::array<std::uint16_t, mmu::WalkTrace::kMax> rows{};  // of source 0
  };
  static constexpr std::size_t kShapes = 16;  // by the number of accesses
  static Shape shape_of(const mmu::WalkTrace& trace, std::uint8_t last_purpose);
  Shape& find_shape(const mmu::WalkTrace& trace, std::uint8_t last_purpose);
  void count(Shape& shape, unsigned source, isa::Cycles takes);
  static void settle(Shape& shape, std::span<Tally> ptes);
  std::vector<Tally> settled() const;
  Reads add_ptes(const WalkSeen& walk);
  SpaceTally& space(const SpaceKey& key);

  std::array<Kind, kWalkKinds> kinds_;
  std::array<Tally, kPteRows> ptes_{};
  std::array<std::array<Tally, kPageShifts.size()>, kPageShifts.size()> pages_{};
  std::map<SpaceKey, SpaceTally> spaces_;
  SpaceTally other_spaces_;
  SpaceKey last_key_;
  SpaceTally* last_ = nullptr;
  std::vector<Shape> shapes_ = std::vector<Shape>(kShapes);
};

template <class Visit>
void WalkStatistics::for_each_pte(Visit visit) const {
  const std::vector<Tally> ptes = settled();
  for (const mmu::Stage stage : {mmu::Stage::first, mmu::Stage::g_stage})
    for (unsigned purpose = kLevels + 1; purpose-- > 0;)
      for (unsigned level = kLevels; level-- > 0;)
        for (const bool write : {false, true})
          for (unsigned source = 0; source < kSources; ++source) {
            const PteKey key{stage, static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(purpose),
                             write, static_cast<std::uint8_t>(source)};
            if (const Tally& tally = ptes[row(key)]; tally.count != 0) visit(key, tally);
          }
}

}  // namespace hvsim::statistics
