// TLBs: tagged with VMID and ASID, pages of every size in one structure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/mem/replacement.h"
#include "models/mmu/mmu.h"
#include "models/state/archive_forward.h"

namespace hvsim::mmu {

// What tells the entries of one address space from those of another, in one word: G-stage mode 39:36,
// first-stage mode 35:32, V 31, VMID 30:16, ASID 15:0. The modes are in it because switching between Bare and
// a paging scheme takes effect without a fence (manual, "satp").
std::uint64_t tlb_context(const AddressSpace& space);
inline constexpr std::uint64_t kTlbAsidMask = 0xFFFF, kTlbVmidMask = 0x7FFF;
inline bool virtualized_of(std::uint64_t context) { return (context >> 31 & 1) != 0; }
inline std::uint16_t asid_of(std::uint64_t context) {
  return static_cast<std::uint16_t>(context & kTlbAsidMask);
}
inline std::uint16_t vmid_of(std::uint64_t context) {
  return static_cast<std::uint16_t>(context >> 16 & kTlbVmidMask);
}
// Global entries serve every ASID.
inline bool same_context(std::uint64_t a, std::uint64_t b, bool global) {
  return ((a ^ b) & (global ? ~kTlbAsidMask : ~std::uint64_t{0})) == 0;
}

struct TlbConfig {
  unsigned entries = 16;
  unsigned ways = 16;           // ways == entries: fully associative
  isa::Cycles hit_latency = 0;  // added cycles on a hit in this level
  // In a first level, lru, plru and nru cost host time: hits must then be seen.
  mem::Replacement replacement = mem::Replacement::fifo;
};

struct TlbStats {
  std::uint64_t lookups = 0, misses = 0, evictions = 0, fences = 0, fenced_entries = 0;
};

// What is impossible about a geometry, in words; empty if nothing is.
std::optional<std::string> problem(const TlbConfig& config);

// A translation that left a TLB, or whose next use the replacement policy must see; whoever kept a shortcut
// to it must forget it.
struct Evicted {
  isa::Gva page{};  // its first byte
  std::uint8_t page_shift = 12;
  bool virtualized = false;
  bool global = false;
  std::uint16_t asid = 0, vmid = 0;
};

// Holds translations of spaces that translate() (see mmu.h); PMP is not part of an entry. An entry's
// Translation is that of the first byte of its page; at() moves it to the byte wanted.
class Tlb {
 public:
  // The config must have no problem(). The seed is that of random replacement.
  explicit Tlb(const TlbConfig& config, std::uint64_t seed = 1);

  // The page's translation or nullptr; the caller checks rights with leaf_allows(). Valid until the next
  // insert or fence. disturbed() tells of entries that are still here but must be looked up again.
  const Translation* lookup(isa::Gva address, std::uint64_t context);
  const Translation* lookup(isa::Gva address, const AddressSpace& space) {
    return lookup(address, tlb_context(space));
  }
  std::span<const Evicted> disturbed() const {  // by the last lookup, if it hit
    return replacement_.minds_hits() ? std::span<const Evicted>(left_) : std::span<const Evicted>();
  }
  // Enters what translate() said of `address`. Tells which entries left to make room or were replaced by a
  // different mapping of the same address, and which are disturbed; the span is valid until the next lookup,
  // insert or fence.
  std::span<const Evicted> insert(isa::Gva address, std::uint64_t context, const Translation& translation);
  // The same where nobody wants to know who left.
  void insert_untold(isa::Gva address, std::uint64_t context, const Translation& translation);
  std::span<const Evicted> insert(isa::Gva address, const AddressSpace& space,
                                  const Translation& translation) {
    return insert(address, tlb_context(space), translation);
  }

  // SFENCE.VMA with V=0 (`vmid` empty), SFENCE.VMA with V=1 and HFENCE.VVMA (of that VMID). Fences by
  // ASID spare global entries; fences by address take every page of the leaf PTE that maps it.
  std::span<const Evicted> fence_first_stage(std::optional<std::uint16_t> vmid,
                                             std::optional<isa::Gva> address,
                                             std::optional<std::uint16_t> asid);
  // HFENCE.GVMA.
  std::span<const Evicted> fence_g_stage(std::optional<isa::Gpa> address, std::optional<std::uint16_t> vmid);
  std::span<const Evicted> flush();

  // Hits served by a shortcut, which this TLB did not see.
  void count_hits(std::uint64_t n) { stats_.lookups += n; }
  const TlbConfig& config() const { return config_; }
  const TlbStats& stats() const { return stats_; }
  void persist(state::Archive& archive);

 private:
  static constexpr unsigned kSizes = 6;  // 4 KiB, 64 KiB (NAPOT), 2 MiB, 1 GiB, 512 GiB, 256 TiB

  struct Tag {
    std::uint64_t page_number = kNoPage;  // address >> shift
    std::uint64_t context = 0;            // modes, V, VMID, ASID
    std::uint64_t context_mask = 0;       // without the ASID for global pages
    std::uint64_t shift = 12;
    void persist(state::Archive& archive);
  };
  static constexpr std::uint64_t kNoPage = ~std::uint64_t{0};

  static bool covers(const Tag& tag, std::uint64_t address, std::uint64_t context) {
    return address >> tag.shift == tag.page_number && ((tag.context ^ context) & tag.context_mask) == 0;
  }
  unsigned first_slot(std::uint64_t address, unsigned shift) const {
    return static_cast<unsigned>((address >> shift) & set_mask_) * config_.ways;
  }
  // Entries per size and low bits of the page's number: where there are none, none needs to be looked at.
  static constexpr unsigned kBuckets = 256;
  std::uint32_t& bucket(std::uint64_t page_number, unsigned size) {
    return buckets_[size * kBuckets + page_number % kBuckets];
  }
  bool may_hold(std::uint64_t address, unsigned size) const;
  std::optional<unsigned> find(std::uint64_t address, std::uint64_t context) const;
  template <bool told>
  void enter(isa::Gva address, std::uint64_t context, const Translation& translation);
  unsigned choose_victim(unsigned set);
  void leave(unsigned slot);
  void remove(unsigned slot);
  void tell(unsigned slot);
  void disturb(unsigned slot, mem::Ways ways);
  template <class Matches>
  std::span<const Evicted> fence(Matches matches);

  TlbConfig config_;
  unsigned set_mask_;
  std::vector<Tag> tags_;
  std::vector<Translation> translations_;
  std::array<unsigned, kSizes> population_{};  // entries per page size: absent sizes are not probed
  unsigned occupied_ = 0;                      // the sum of them
  std::vector<std::uint32_t> buckets_ = std::vector<std::uint32_t>(kSizes * kBuckets);
  // What the last lookup did not find, until anything changes: entering it replaces nothing.
  struct Absent {
    std::uint64_t address = 0, context = 0;
    bool known = false;
  } absent_;
  mem::ReplacementState replacement_;
  std::vector<Evicted> left_;
  TlbStats stats_;
};

// The translation of one byte of a TLB entry's page.
inline Translation at(const Translation& page, isa::Gva address) {
  const std::uint64_t offset = address.value & ((std::uint64_t{1} << page.page_shift) - 1);
  Translation moved = page;
  moved.address = page.address + offset;
  moved.guest_physical = page.guest_physical + offset;
  return moved;
}

}  // namespace hvsim::mmu
