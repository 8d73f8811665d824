// From tables by number to rows by name.
#include "sim/walk_results.h"

namespace hvsim::sim {
namespace {

using statistics::WalkStatistics;

constexpr const char* kKinds[] = {"one-stage", "G-stage", "two-stage"};
static_assert(std::size(kKinds) == statistics::kWalkKinds);
constexpr const char* kSources[] = {"L1D", "L2", "other L1D", "LLC", "memory", "walker", "-"};
static_assert(std::size(kSources) == statistics::kSources);
constexpr const char* kPages[] = {"-", "4 KiB", "64 KiB", "2 MiB", "1 GiB", "512 GiB", "256 TiB"};
static_assert(std::size(kPages) == statistics::kPageShifts.size());

PteRow make_row(const statistics::PteKey& key, const statistics::Tally& tally) {
  const bool first = key.stage == mmu::Stage::first;
  return {.stage = first ? "first" : "G",
          .level = key.level,
          .serves = first                                 ? "-"
                    : key.purpose == statistics::kForPage ? "page"
                                                          : "level " + std::to_string(key.purpose),
          .access = key.write ? "write" : "read",
          .source = kSources[key.source],
          .count = tally.count,
          .cycles = tally.cycles};
}

WalkSpaceRow make_row(const char* virtualized, const statistics::SpaceKey& key,
                      const statistics::SpaceTally& tally) {
  return {.virtualized = virtualized,
          .vmid = key.vmid,
          .asid = key.asid,
          .walks = tally.walks,
          .faults = tally.faults,
          .pte_reads_first = tally.reads_first,
          .pte_reads_g = tally.reads_g,
          .cycles = tally.cycles};
}

}  // namespace

WalkResults walk_results(const WalkStatistics& walks) {
  WalkResults result;
  for (std::size_t i = 0; i < walks.kinds().size(); ++i) {
    const WalkStatistics::Kind& kind = walks.kinds()[i];
    if (kind.cycles.count() != 0)
      result.kinds.push_back({kKinds[i], kind.faults, kind.reads, distribution(kind.cycles)});
  }
  walks.for_each_pte(
      [&](const auto& key, const auto& tally) { result.ptes.push_back(make_row(key, tally)); });
  for (std::size_t first = 0; first < std::size(kPages); ++first)
    for (std::size_t second = 0; second < std::size(kPages); ++second)
      if (const auto& tally = walks.pages()[first][second]; tally.count != 0)
        result.pages.push_back({kPages[first], kPages[second], tally.count, tally.cycles});
  for (const auto& [key, tally] : walks.spaces())
    result.spaces.push_back(make_row(key.virtualized ? "yes" : "no", key, tally));
  if (walks.other_spaces().walks != 0) result.spaces.push_back(make_row("other", {}, walks.other_spaces()));
  return result;
}

}  // namespace hvsim::sim
