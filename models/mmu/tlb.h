// TLBs: tagged with VMID and ASID, pages of every size in one structure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/mem/lfsr.h"
#include "models/mmu/mmu.h"

namespace hvsim::mmu {

enum class TlbReplacement : std::uint8_t { fifo, random, lru };

struct TlbConfig {
  unsigned entries = 16;
  unsigned ways = 16;                                 // ways == entries: fully associative
  isa::Cycles hit_latency = 0;                        // added cycles on a hit in this level
  TlbReplacement replacement = TlbReplacement::fifo;  // lru only where every access is seen (L2)
};

struct TlbStats {
  std::uint64_t lookups = 0, misses = 0, evictions = 0, fences = 0, fenced_entries = 0;
};

// What is impossible about a geometry, in words; empty if nothing is.
std::optional<std::string> problem(const TlbConfig& config);

// A translation that left a TLB; whoever kept a shortcut to it must forget it.
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
  // insert or fence.
  const Translation* lookup(isa::Gva address, const AddressSpace& space);
  // Enters what translate() said of `address`. Tells which entries left to make room or were replaced by a
  // different mapping of the same address; the span is valid until the next insert or fence.
  std::span<const Evicted> insert(isa::Gva address, const AddressSpace& space,
                                  const Translation& translation);

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

 private:
  static constexpr unsigned kSizes = 6;  // 4 KiB, 64 KiB (NAPOT), 2 MiB, 1 GiB, 512 GiB, 256 TiB

  struct Tag {
    std::uint64_t page_number = kNoPage;  // address >> shift
    std::uint64_t context = 0;            // modes, V, VMID, ASID
    std::uint64_t context_mask = 0;       // without the ASID for global pages
    std::uint64_t shift = 12;
  };
  static constexpr std::uint64_t kNoPage = ~std::uint64_t{0};

  static std::uint64_t context_of(const AddressSpace& space);
  static bool covers(const Tag& tag, std::uint64_t address, std::uint64_t context) {
    return address >> tag.shift == tag.page_number && ((tag.context ^ context) & tag.context_mask) == 0;
  }
  unsigned first_slot(std::uint64_t address, unsigned shift) const {
    return static_cast<unsigned>((address >> shift) & set_mask_) * config_.ways;
  }
  std::optional<unsigned> find(std::uint64_t address, std::uint64_t context) const;
  unsigned choose_victim(unsigned first);
  void leave(unsigned slot);
  template <class Matches>
  std::span<const Evicted> fence(Matches matches);

  TlbConfig config_;
  unsigned set_mask_;
  std::vector<Tag> tags_;
  std::vector<Translation> translations_;
  std::vector<std::uint64_t> stamps_;          // of the last use (lru) or the insertion (fifo)
  std::array<unsigned, kSizes> population_{};  // entries per page size: absent sizes are not probed
  std::uint64_t clock_ = 0;
  mem::Lfsr random_;
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
