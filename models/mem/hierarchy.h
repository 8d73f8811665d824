// L1I and L1D per hart over a shared inclusive L2 with a directory, and memory behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/cache_block.h"
#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/mem/cache.h"
#include "models/mem/cache_config.h"
#include "models/mem/physical_memory.h"
#include "models/mem/presence_mask.h"

namespace hvsim::mem {

inline constexpr unsigned kMaxHarts = 64;  // one bit each in a directory entry

std::optional<std::string> problem(const HierarchyConfig& config);

struct CoherenceStats {
  std::uint64_t upgrades = 0;            // stores to a line held shared
  std::uint64_t invalidations = 0;       // copies in other L1Ds that a store removed
  std::uint64_t downgrades = 0;          // modified lines that became shared because another hart read them
  std::uint64_t back_invalidations = 0;  // L1 lines removed because the L2 evicted theirs
};

// Coherence is MSI between the L1Ds. An upgrade of the only copy is free, as with MESI's E state. L1Is are
// not kept coherent with stores (that is FENCE.I's job) but the inclusive L2 takes their lines along.
class Hierarchy {
 public:
  enum class Kind : std::uint8_t { fetch, load, store, walk };
  struct Outcome {
    isa::Cycles ready = 0;  // when the data are there; for a store, when the line is writable
    Served by = Served::l1;
  };

  // Presence masks cover `ram`; the seed is that of random replacement. The error names what is wrong with
  // the config, or that host memory ran out.
  static isa::Result<std::unique_ptr<Hierarchy>, std::string> create(const HierarchyConfig& config,
                                                                     unsigned harts, MemoryRange ram,
                                                                     std::uint64_t seed = 1);

  // One access within one line. Stores include AMO, SC and the walker's A/D updates.
  Outcome access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at);

  // Accesses found present by mask, which the caches did not see: keeps CacheStats::accesses exact.
  void count_hits(unsigned hart, Kind kind, std::uint64_t n) {
    (kind == Kind::fetch ? harts_[hart].l1i : harts_[hart].l1d).stats().accesses += n;
  }
  // CBO.*: what the caches do about the line with `address`, and when they have done it. An invalidation also
  // writes back, as it may.
  isa::Cycles manage(isa::BlockOperation operation, isa::Hpa address, isa::Cycles at);
  void fence_instruction(unsigned hart);  // FENCE.I: empties the hart's L1I
  void flush();                           // empties every cache; dirty lines count as written back

  // A device's direct accesses, coherent with the L1Ds as another hart's would be. Reading makes owners give
  // up what they modified; writing removes all copies from the L1Ds, and L1Is keep theirs until FENCE.I.
  void device_read(isa::Hpa address, std::uint64_t bytes);
  void device_write(isa::Hpa address, std::uint64_t bytes);

  // Bits per line of RAM (see PresenceGeometry); they change in place and the pointers never do.
  const std::uint64_t* readable_words(unsigned hart) const { return harts_[hart].readable.words(); }
  const std::uint64_t* writable_words(unsigned hart) const { return harts_[hart].writable.words(); }
  const std::uint64_t* fetchable_words(unsigned hart) const { return harts_[hart].fetchable.words(); }
  const PresenceGeometry& presence() const { return harts_[0].readable.geometry(); }

  const HierarchyConfig& config() const { return config_; }
  const CacheStats& l1i_stats(unsigned hart) const { return harts_[hart].l1i.stats(); }
  const CacheStats& l1d_stats(unsigned hart) const { return harts_[hart].l1d.stats(); }
  const CacheStats& l2_stats() const { return l2_.stats(); }
  const CoherenceStats& coherence_stats() const { return coherence_; }

 private:
  static constexpr std::uint8_t kNobody = 0xFF;

  struct HartCaches {
    Cache l1i, l1d;
    PresenceMask readable, writable, fetchable;
  };
  // Beside each L2 slot: who has the line above, and whether memory is stale.
  struct DirectoryEntry {
    std::uint64_t l1d_sharers = 0, l1i_sharers = 0;  // a bit per hart
    std::uint8_t owner = kNobody;                    // whose L1D holds it modified
    bool dirty = false;                              // the L2's copy is newer than memory
  };
  struct Found {
    std::uint32_t slot;  // in the L2
    isa::Cycles ready;
    Served by;
  };

  Hierarchy(const HierarchyConfig& config, std::vector<HartCaches> harts, std::uint64_t seed);

  Outcome hit(unsigned hart, Kind kind, LineNumber line, isa::Cycles at);
  Found bring_into_l2(LineNumber line, isa::Cycles at);
  void evict_from_l2(std::uint32_t slot);
  isa::Cycles take_from_others(unsigned hart, Kind kind, std::uint32_t slot, Served& by);
  void fill_l1(unsigned hart, Kind kind, LineNumber line, std::uint32_t l2_slot);
  void drop_from_l1d(unsigned hart, LineNumber line, DirectoryEntry& entry);
  void drop_from_l1i(unsigned hart, LineNumber line, DirectoryEntry& entry);
  void downgrade_owner(LineNumber line, DirectoryEntry& entry);
  std::uint64_t invalidate_copies(LineNumber line, DirectoryEntry& entry, std::uint64_t sharers);
  template <class Visit>
  void for_each_held(isa::Hpa address, std::uint64_t bytes, Visit visit);
  isa::Hpa address_of(LineNumber line) const { return isa::Hpa{line << line_shift_}; }

  HierarchyConfig config_;
  unsigned line_shift_;
  std::vector<HartCaches> harts_;
  Cache l2_;
  std::vector<DirectoryEntry> directory_;  // by L2 slot
  CoherenceStats coherence_;
};

}  // namespace hvsim::mem
