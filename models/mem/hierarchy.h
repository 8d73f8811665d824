// The machine's caches: L1I and L1D per hart, a directory that keeps the L1Ds coherent, behind them an L2 and
// a last-level cache shared by all harts (both optional), and memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/cache_block.h"
#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/mem/cache_config.h"
#include "models/mem/cache_level.h"
#include "models/mem/dram.h"
#include "models/mem/interconnect.h"
#include "models/mem/physical_memory.h"
#include "models/mem/presence_mask.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

inline constexpr unsigned kMaxHarts = 64;  // one bit each in a directory entry

std::optional<std::string> problem(const HierarchyConfig& config);

struct CoherenceStats {
  std::uint64_t upgrades = 0;            // stores to a line held shared
  std::uint64_t exclusive_writes = 0;    // first stores to a line held exclusive (mesi), free
  std::uint64_t invalidations = 0;       // copies in other L1Ds that a store removed
  std::uint64_t downgrades = 0;          // modified lines that became shared because another hart read them
  std::uint64_t back_invalidations = 0;  // L1 lines removed because the L2 evicted theirs
};

// What one hart's accesses, walks and prefetches asked of the caches that all harts share: the parts of their
// CacheStats.
struct SharedUse {
  std::uint64_t l2_accesses = 0, l2_misses = 0, llc_accesses = 0, llc_misses = 0;
};

// Coherence is between the L1Ds. L1Is are not kept coherent with stores (that is FENCE.I's job) but the
// inclusive L2 takes their lines along. Line sizes may grow from level to level.
class Hierarchy {
 public:
  // atomic: LR, SC and AMO where they go past the L1D (atomics_in_memory); as a store otherwise.
  enum class Kind : std::uint8_t { fetch, load, store, walk, atomic };
  struct Outcome {
    isa::Cycles ready = 0;  // when the data are there; for a store, when the L1D is done with it
    Served by = Served::l1;
    isa::Cycles written = 0;  // of stores that went past the L1D: when the next level has them; else 0
  };

  // Presence masks cover `ram`; the seed is that of random replacement. An interconnect without links takes
  // no time. The error names what is wrong with the config, or that host memory ran out.
  static isa::Result<std::unique_ptr<Hierarchy>, std::string> create(const HierarchyConfig& config,
                                                                     unsigned harts, MemoryRange ram,
                                                                     std::uint64_t seed = 1,
                                                                     InterconnectConfig interconnect = {});

  // One access within one line of the L1s. Stores include the walker's A/D updates.
  Outcome access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
    const LineNumber number = (address.value >> line_shift_) - first_line_;
    const bool past_l1d = kind == Kind::fetch || (kind == Kind::atomic && config_.atomics_in_memory);
    if (number < lean_lines_ && !past_l1d) [[likely]] {
      const bool stores = kind == Kind::store || kind == Kind::atomic;
      const Reply reply =
          stores ? look_up_lean<true>(hart, number, at) : look_up_lean<false>(hart, number, at);
      return {reply.ready, reply.by};
    }
    return kind == Kind::fetch ? fetch_one(hart, address, at) : look_up_any(hart, kind, address, at);
  }
  // The same of a load, a store or a walk's read, without what nobody asks of them. In registers.
  struct Reply {
    isa::Cycles ready = 0;
    Served by = Served::l1;
  };
  template <Kind kind>
  Reply data(unsigned hart, isa::Hpa address, isa::Cycles at) {
    static_assert(kind != Kind::fetch && kind != Kind::atomic);
    const LineNumber number = (address.value >> line_shift_) - first_line_;
    if (number < lean_lines_) [[likely]]
      return look_up_lean<kind == Kind::store>(hart, number, at);
    const Outcome outcome = look_up_any(hart, kind, address, at);
    return {outcome.ready, outcome.by};
  }

  // Lines whose reads change nothing in here, and take the L1D's hit latency; whoever does not ask for them
  // counts them, by count_hits(). What it does not know may be such a line nevertheless.
  struct Present {
    const std::uint64_t* words;
    LineNumber first, count;
    unsigned line_shift;
    bool holds(isa::Hpa address) const {
      const LineNumber number = (address.value >> line_shift) - first;
      return number < count && PresenceMask::test_bit(words, number);
    }
  };
  Present present(unsigned hart) const {
    const bool known = harts_[hart].l1d.plain() && presence().lines_per_page >= 64;
    return {readable_words(hart), first_line_, known ? lines_ : 0, line_shift_};
  }

  // Whether lines of code in a row are in the L1I; false where it takes longer to say, too. Those that are not
  // are fetched, one after the other (fetch_code).
  bool surely_fetchable(unsigned hart, isa::Hpa first, unsigned lines) const {
    return harts_[hart].fetchable.surely_covers(first, std::uint64_t{lines} << line_shift_);
  }
  struct FetchedCode {
    isa::Cycles ready = 0;
    unsigned missing = 0;  // lines that were not in the L1I
  };
  FetchedCode fetch_code(unsigned hart, isa::Hpa first, unsigned lines, isa::Cycles at);

  // Accesses found present by mask, which the caches did not see: keeps CacheStats::accesses exact.
  void count_hits(unsigned hart, Kind kind, std::uint64_t n) {
    (kind == Kind::fetch ? harts_[hart].l1i : harts_[hart].l1d).stats().accesses += n;
  }
  // What a store that goes past the L1D takes at the next level.
  isa::Cycles write_latency() const { return next_level_latency(config_.memory_write_latency); }
  // What the refill of a line of code takes that the next level has.
  isa::Cycles refill_latency() const {
    return config_.l1i.miss_latency + next_level_latency(config_.memory_latency);
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

  // Bits per line of RAM (see PresenceGeometry); they change in place and the pointers never do. A bit that
  // is set says: such an access hits, costs nothing beyond the pipelined hit, and changes nothing in here.
  const std::uint64_t* readable_words(unsigned hart) const { return harts_[hart].readable.words(); }
  const std::uint64_t* writable_words(unsigned hart) const { return harts_[hart].writable.words(); }
  const std::uint64_t* fetchable_words(unsigned hart) const { return harts_[hart].fetchable.words(); }
  bool fetchable(unsigned hart, isa::Hpa at) const { return harts_[hart].fetchable.test(at); }
  bool settled(unsigned hart, isa::Hpa at, bool write) const {
    return (write ? harts_[hart].writable : harts_[hart].readable).test(at);
  }
  bool settled(unsigned hart, isa::Hpa at, std::uint64_t bytes, bool write) const {
    return (write ? harts_[hart].writable : harts_[hart].readable).covers(at, bytes);
  }
  // False where it takes longer to say, too.
  bool surely_settled(unsigned hart, isa::Hpa at, std::uint64_t bytes, bool write) const {
    return (write ? harts_[hart].writable : harts_[hart].readable).surely_covers(at, bytes);
  }
  const PresenceGeometry& presence() const { return harts_[0].readable.geometry(); }

  const HierarchyConfig& config() const { return config_; }
  const CacheStats& l1i_stats(unsigned hart) const { return harts_[hart].l1i.stats(); }
  const CacheStats& l1d_stats(unsigned hart) const { return harts_[hart].l1d.stats(); }
  const CacheStats& l2_stats() const { return home_.stats(); }  // zero if there is none
  const CacheStats& llc_stats() const { return llc_.stats(); }
  const SharedUse& shared_use(unsigned hart) const { return harts_[hart].shared; }
  const CoherenceStats& coherence_stats() const { return coherence_; }
  const PrefetchStats& l1i_prefetches(unsigned hart) const { return harts_[hart].l1i.prefetch_stats(); }
  const PrefetchStats& l1d_prefetches(unsigned hart) const { return harts_[hart].l1d.prefetch_stats(); }
  const PrefetchStats& l2_prefetches() const { return home_.prefetch_stats(); }
  const DramStats& dram_stats() const { return dram_.stats(); }
  const Interconnect& interconnect() const { return interconnect_; }

  // What is wrong with the protocol's state (two writers, a writer beside readers, a line above that the
  // directory does not know, a mask that promises too much), if anything. Slow: for tests.
  std::optional<std::string> incoherence() const;

  // Into a fresh hierarchy of the same config.
  void persist(state::Archive& archive);

 private:
  static constexpr std::uint8_t kNobody = 0xFF;

  struct HartCaches {
    CacheLevel l1i, l1d;
    PresenceMask readable, writable, fetchable;
    std::vector<std::uint32_t> l1i_homes, l1d_homes;  // by slot of a line: its slot at home
    SharedUse shared{};
    void persist(state::Archive& archive);
  };
  // Of a line of L1 size. The owner's copy is exclusive or modified (write-back), or the only one and known
  // to be newer than memory below (write-through).
  struct DirectoryEntry {
    std::uint64_t l1d_sharers = 0, l1i_sharers = 0;  // a bit per hart
    std::uint8_t owner = kNobody;
    bool modified = false;  // the owner's copy
    void persist(state::Archive& archive);
  };
  struct Found {
    isa::Cycles ready = 0;
    Served by = Served::memory;
    std::uint32_t slot = 0;   // at home
    bool look_ahead = false;  // the L2 may prefetch
    isa::Cycles asked = 0;    // when it was asked
  };

  Hierarchy(const HierarchyConfig& config, std::vector<HartCaches> harts, MemoryRange ram, std::uint64_t seed,
            InterconnectConfig interconnect);

  Outcome look_up_any(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at);
  bool fetches_lean() const;  // hierarchy_code.cpp
  bool fetch_lean(HartCaches& caches, unsigned hart, LineNumber line, LineNumber& leaves);
  void count_lean_fetches(HartCaches& caches, std::uint64_t count);
  Outcome fetch_one(unsigned hart, isa::Hpa address, isa::Cycles at);
  // `plain`: plain_ is known.
  template <bool fetch, bool plain>
  Outcome look_up(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at);
  // hierarchy_lean.cpp
  bool is_lean() const;
  static constexpr unsigned kUsualWays = 8;
  bool is_usual() const;  // an L1D of random replacement, an L2 of LRU, of so many ways
  template <bool store, bool usual>
  Reply look_up_in(unsigned hart, LineNumber number, isa::Cycles at);
  template <bool store>
  Reply look_up_lean(unsigned hart, LineNumber number, isa::Cycles at);
  std::uint32_t place_in_l1d(HartCaches& caches, unsigned hart, LineNumber line);
  isa::Cycles take_lean(unsigned hart, bool store, LineNumber line, DirectoryEntry& entry, isa::Cycles at,
                        Served& by);
  template <bool usual>
  std::uint32_t replace_at_home(LineNumber line);
  isa::Cycles write_lean(HartCaches& caches, unsigned hart, LineNumber line);
  template <bool usual>
  void replace_in_l1d(HartCaches& caches, unsigned hart, LineNumber line, std::uint32_t home);

  template <bool fetch>
  Outcome hit(unsigned hart, Kind kind, LineNumber line, std::uint32_t slot, isa::Cycles at);
  Outcome write_around(unsigned hart, LineNumber line, isa::Cycles at);
  Outcome atomic_in_memory(unsigned hart, LineNumber line, isa::Cycles at);
  template <bool plain>
  Found bring_home(LineNumber line, std::uint32_t slot, isa::Cycles at);
  Found bring_home(LineNumber line, isa::Cycles at);
  std::uint32_t find_code(LineNumber line);
  void bring_from_behind_home(LineNumber line, bool present, Found& found);
  isa::Cycles read_behind_home(LineNumber line, isa::Cycles at, Served& by);
  isa::Cycles read_llc_or_memory(LineNumber line, isa::Cycles at, Served& by);
  void write_behind_home(LineNumber number);  // a home line's
  void write_llc_or_memory(LineNumber number);
  void fill_llc(LineNumber number, bool dirty);
  std::uint32_t make_room_for(LineNumber line);  // the slot that it has then
  isa::Cycles read_memory(LineNumber line, isa::Cycles at);
  void write_memory(LineNumber line);
  isa::Cycles take_from_others(unsigned hart, Kind kind, LineNumber line, DirectoryEntry& entry,
                               Found& found);
  void fetch_ahead_on_host(HartCaches& caches, LineNumber line) const;
  template <bool fetch, bool plain>
  void fill_l1(unsigned hart, Kind kind, LineNumber line, const Found& found, isa::Cycles out,
               bool prefetched);
  isa::Cycles become_owner(unsigned hart, LineNumber line, DirectoryEntry& entry, isa::Cycles at);
  void prefetch_into_l1(unsigned hart, bool fetch, LineNumber line, isa::Cycles at);
  void prefetch_home(const Found& found, LineNumber line) {
    if (found.look_ahead) fetch_ahead_of_home(home_line(line), found.asked);
  }
  void fetch_ahead_of_home(LineNumber number, isa::Cycles at);

  // The way between a hart and home, and from home to the L1Ds of others and back.
  isa::Cycles to_home(unsigned hart, LineNumber line, unsigned bytes, isa::Cycles at);
  isa::Cycles from_home(unsigned hart, LineNumber line, isa::Cycles at);
  isa::Cycles ask(std::uint64_t sharers, LineNumber line, isa::Cycles at);

  void check_homes(state::Archive& archive, const Cache& lines,
                   const std::vector<std::uint32_t>& homes) const;

  // hierarchy_lines.cpp: lines that move down or away
  void forget(HartCaches& caches, bool fetch, LineNumber line);
  void disturb(HartCaches& caches, bool fetch, std::uint32_t slot, Ways disturbed);
  void settle(HartCaches& caches, bool fetch, LineNumber line, bool writable);
  void drop_from_l1d(unsigned hart, LineNumber line, DirectoryEntry& entry);
  void drop_from_l1i(unsigned hart, LineNumber line, DirectoryEntry& entry);
  void release_l1d(unsigned hart, std::uint32_t slot, LineNumber line, DirectoryEntry& entry);
  void release_l1i(unsigned hart, std::uint32_t slot, LineNumber line, DirectoryEntry& entry);
  void drop_victim(unsigned hart, bool fetch, std::uint32_t slot);
  void downgrade_owner(LineNumber line, DirectoryEntry& entry);
  std::uint64_t invalidate_copies(LineNumber line, DirectoryEntry& entry, std::uint64_t sharers);
  void write_home(LineNumber line);
  void write_back(LineNumber line, DirectoryEntry& entry);
  void evict_from_home(std::uint32_t slot);
  void drop_copies(LineNumber line, DirectoryEntry& entry);  // of L1s
  void forget_unused(LineNumber line);
  template <class Visit>
  void for_each_held(isa::Hpa address, std::uint64_t bytes, Visit visit);

  isa::Cycles next_level_latency(isa::Cycles of_memory) const {
    if (config_.has_l2) return config_.l2.hit_latency;
    return config_.has_llc ? config_.llc.hit_latency : of_memory;
  }
  bool writes_through() const { return config_.l1d.write_policy == WritePolicy::write_through; }
  // Shared caches and memories take turns by their own lines.
  unsigned home_node(LineNumber line) const {
    return interconnect_.home_of(address_of(line).value, home_line(line));
  }
  unsigned memory_node(LineNumber line) const {
    return interconnect_.memory_of(address_of(line).value, home_line(line) >> llc_shift_);
  }
  isa::Hpa address_of(LineNumber line) const { return isa::Hpa{line << line_shift_}; }
  LineNumber home_line(LineNumber line) const { return line >> home_shift_; }
  DirectoryEntry* find_entry(LineNumber line) {
    const std::uint32_t slot = home_.find(home_line(line));
    return slot == Cache::kAbsent ? nullptr : &entry_at(slot, line);
  }
  // Of a line that an L1 holds in a slot: home is inclusive, and lines do not move there.
  DirectoryEntry& entry_of(unsigned hart, bool fetch, std::uint32_t slot, LineNumber line) {
    return entry_at((fetch ? harts_[hart].l1i_homes : harts_[hart].l1d_homes)[slot], line);
  }
  std::size_t entry_number(std::uint32_t slot, LineNumber line) const {
    return (std::size_t{slot} << home_shift_) + (line & home_mask_);
  }
  DirectoryEntry& entry_at(std::uint32_t slot, LineNumber line) {
    return directory_[entry_number(slot, line)];
  }

  HierarchyConfig config_;
  unsigned line_shift_;   // of L1 lines
  unsigned home_shift_;   // from an L1 line's number to that of its home line
  LineNumber home_mask_;  // of L1 lines in a home line
  std::vector<HartCaches> harts_;
  // Where the directory is: the L2, inclusive of the L1s; without an L2, copies of the L1s' tags, with room
  // for all of them.
  CacheLevel home_;
  std::vector<DirectoryEntry> directory_;  // by home slot, an entry per L1 line
  std::vector<std::uint8_t> home_dirty_;   // by home slot: the L2's copy is newer than what is behind it
  Cache llc_;                              // on the memory's side: neither inclusive nor exclusive
  std::vector<std::uint8_t> llc_dirty_;
  unsigned llc_shift_;  // from a home line's number to that of its LLC line
  Dram dram_;
  Interconnect interconnect_;
  bool plain_memory_;  // behind home there is a latency and nothing else
  bool plain_;         // there is an L2, nothing is in flight or fetched ahead, and ways take no time
  bool lean_;          // see hierarchy_lean.cpp; then the L1Ds have just what the masks say, of RAM
  bool lean_code_;     // the same of L1Is, see hierarchy_code.cpp
  bool usual_;         // is_usual()
  LineNumber first_line_, lines_, lean_lines_;  // of RAM; all of them if lean_, else none
  isa::Cycles l2_takes_, memory_takes_;         // an access that misses in the L1D; beyond that, in the L2
  isa::Cycles code_takes_;                      // a fetch that misses in the L1I
  // Where lines of code were found at home last, by their numbers: they come back to the L1I again and again.
  static constexpr std::size_t kCodeHomes = 1024;
  std::vector<std::uint32_t> code_homes_ = std::vector<std::uint32_t>(kCodeHomes);
  // Of the access at work: when what it writes back sets out, and what its hart has asked of shared caches.
  isa::Cycles now_ = 0;
  SharedUse* use_ = nullptr;
  CoherenceStats coherence_;
};

}  // namespace hvsim::mem
