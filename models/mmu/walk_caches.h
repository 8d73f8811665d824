// What a page-table walker remembers between walks: pointers to tables (walk caches, one for each stage), and
// where guest-physical pages are (the G-stage TLB). They shorten walks; what a walk finds is Mmu's business.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mmu/mmu.h"
#include "models/mmu/tlb.h"
#include "models/mmu/translation_config.h"
#include "models/state/archive_forward.h"

namespace hvsim::mmu {

std::optional<std::string> problem(const WalkCachesConfig& config);

// Pointer PTEs of one stage: fully associative, the least recently used leaves.
class WalkCache {
 public:
  explicit WalkCache(unsigned entries) : entries_(entries) {}

  // The lowest level whose pointer for this address is here, among `levels` (a bit each).
  std::optional<unsigned> deepest(std::uint64_t context, std::uint64_t address, unsigned levels);
  void insert(std::uint64_t context, std::uint64_t address, unsigned level, bool global);
  // Takes the entries whose (context, global) satisfy the condition.
  template <class Matches>
  void fence(Matches matches) {
    ++stats_.fences;
    for (Entry& entry : entries_) {
      if (!entry.valid || !matches(entry.context, entry.global)) continue;
      entry.valid = false;
      ++stats_.fenced_entries;
    }
  }
  const TlbStats& stats() const { return stats_; }
  void persist(state::Archive& archive);

 private:
  struct Entry {
    bool valid = false, global = false;
    std::uint8_t level = 0;
    std::uint64_t context = 0, prefix = 0;
    std::uint64_t used = 0;
    void persist(state::Archive& archive);
  };
  Entry* find(std::uint64_t context, std::uint64_t address, unsigned level);

  std::vector<Entry> entries_;
  std::uint64_t clock_ = 0;
  TlbStats stats_;
};

// Which accesses of a walk happen, and how often a cache was found to save some.
struct WalkPlan {
  std::uint64_t accesses = 0;  // bit i: WalkTrace::reads[i] goes to memory
  unsigned first_hits = 0, g_stage_hits = 0, g_tlb_hits = 0;
  unsigned g_hits() const { return g_stage_hits + g_tlb_hits; }
  bool happens(unsigned access) const { return (accesses >> access & 1) != 0; }
};

class WalkCaches {
 public:
  explicit WalkCaches(const WalkCachesConfig& config, std::uint64_t seed = 1);

  // Decides about a walk that Mmu has made, and remembers what it saw. `result` is null if the walk failed.
  WalkPlan plan(const WalkTrace& trace, isa::Gva address, const AddressSpace& space,
                const Translation* result);

  // As in Tlb. A fence by address orders leaf PTEs only (manual, SFENCE.VMA): pointers stay.
  void fence_first_stage(std::optional<std::uint16_t> vmid, std::optional<isa::Gva> address,
                         std::optional<std::uint16_t> asid);
  void fence_g_stage(std::optional<isa::Gpa> address, std::optional<std::uint16_t> vmid);
  void flush();

  const TlbStats& first_stats() const { return first_.stats(); }
  const TlbStats& g_stage_stats() const { return g_stage_.stats(); }
  const TlbStats& g_tlb_stats() const { return g_tlb_.stats(); }
  void persist(state::Archive& archive);

 private:
  // A guest-physical address on its way to memory, then (but for the last) the guest's PTE there; without a
  // G-stage the PTE alone.
  struct Segment {
    std::uint64_t g_reads = 0;    // bits of the trace's accesses
    bool g_writes = false;        // the walker set A or D in the G-stage on the way
    std::optional<unsigned> pte;  // the first stage's read, if it came to that
  };
  using Segments = std::array<Segment, 6>;  // five levels and the final address
  static unsigned parse(const WalkTrace& trace, Segments& segments);
  unsigned skip_known_tables(const WalkTrace& trace, const Segments& segments, unsigned count,
                             isa::Gva address, std::uint64_t context, WalkPlan& plan);
  void plan_g_stage(const WalkTrace& trace, const Segment& segment, isa::Gpa address,
                    std::optional<isa::Hpa> found, const AddressSpace& space, WalkPlan& plan);

  WalkCachesConfig config_;
  bool nothing_;  // to look into
  WalkCache first_, g_stage_;
  Tlb g_tlb_;
};

}  // namespace hvsim::mmu
