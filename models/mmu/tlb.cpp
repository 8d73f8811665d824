// TLBs: tags, replacement and the scope of fences.
#include "models/mmu/tlb.h"

#include <algorithm>
#include <bit>

namespace hvsim::mmu {

namespace {

constexpr std::uint64_t kVirtualized = std::uint64_t{1} << 31;
constexpr unsigned kVmidShift = 16, kModeShift = 32, kGStageModeShift = 36;

constexpr std::array<unsigned, 6> kShifts{12, 16, 21, 30, 39, 48};
constexpr unsigned size_index(std::uint64_t shift) {
  return static_cast<unsigned>(shift - isa::kPageShift) / 9 + (shift > isa::kPageShift ? 1 : 0);
}
static_assert([] {
  for (unsigned size = 0; size < kShifts.size(); ++size)
    if (size_index(kShifts[size]) != size) return false;
  return true;
}());

bool same_page(std::uint64_t a, std::uint64_t b, unsigned shift) { return (a ^ b) >> shift == 0; }

}  // namespace

std::optional<std::string> problem(const TlbConfig& config) {
  const std::string entries = std::to_string(config.entries), ways = std::to_string(config.ways);
  if (config.entries == 0 || config.entries > 65536) return "entries: " + entries + " is not from 1 to 65536";
  if (config.ways == 0 || config.ways > config.entries)
    return "ways: " + ways + " is not from 1 to entries (" + entries + ")";
  if (config.entries % config.ways != 0)
    return "entries: " + entries + " is not a multiple of ways (" + ways + ")";
  if (!std::has_single_bit(config.entries / config.ways))
    return "entries: " + entries + " makes " + std::to_string(config.entries / config.ways) + " sets of " +
           ways + " ways; the number of sets must be a power of two";
  if (auto found = mem::problem(config.replacement, config.ways)) return "replacement: " + *found;
  return std::nullopt;
}

Tlb::Tlb(const TlbConfig& config, std::uint64_t seed)
    : config_(config),
      set_mask_(config.entries / config.ways - 1),
      tags_(config.entries),
      translations_(config.entries),
      replacement_(config.replacement, config.entries / config.ways, config.ways, seed) {}

std::uint64_t tlb_context(const AddressSpace& space) {
  std::uint64_t context = 0;
  if (space.first.scheme != nullptr)
    context = std::uint64_t{space.first.scheme->atp_mode} << kModeShift | space.first.space;
  if (space.virtualized) context |= kVirtualized | (space.g_stage.space & kTlbVmidMask) << kVmidShift;
  if (space.virtualized && space.g_stage.scheme != nullptr)
    context |= std::uint64_t{space.g_stage.scheme->atp_mode} << kGStageModeShift;
  return context;
}

inline bool Tlb::may_hold(std::uint64_t address, unsigned size) const {
  return population_[size] != 0 && buckets_[size * kBuckets + (address >> kShifts[size]) % kBuckets] != 0;
}

std::optional<unsigned> Tlb::find(std::uint64_t address, std::uint64_t context) const {
  if (set_mask_ == 0) {  // fully associative: one scan finds pages of every size
    bool any = false;
    for (unsigned size = 0, seen = 0; seen != occupied_; ++size) {
      any |= may_hold(address, size);
      seen += population_[size];
    }
    if (!any) return std::nullopt;
    for (unsigned slot = 0; slot < config_.entries; ++slot)
      if (covers(tags_[slot], address, context)) return slot;
    return std::nullopt;
  }
  for (unsigned size = 0, seen = 0; seen != occupied_; ++size) {
    seen += population_[size];
    if (!may_hold(address, size)) continue;
    const unsigned shift = kShifts[size], first = first_slot(address, shift);
    for (unsigned slot = first; slot < first + config_.ways; ++slot)
      if (tags_[slot].shift == shift && covers(tags_[slot], address, context)) return slot;
  }
  return std::nullopt;
}

const Translation* Tlb::lookup(isa::Gva address, std::uint64_t context) {
  ++stats_.lookups;
  const auto slot = find(address.value, context);
  if (!slot) {
    ++stats_.misses;
    absent_ = {address.value, context, true};
    return nullptr;
  }
  if (replacement_.minds_hits()) {
    left_.clear();
    disturb(*slot, replacement_.used(*slot / config_.ways, *slot % config_.ways));
  }
  return &translations_[*slot];
}

template <bool told>
inline void Tlb::enter(isa::Gva address, std::uint64_t context, const Translation& translation) {
  const unsigned shift = translation.page_shift;
  const std::uint64_t offset_mask = (std::uint64_t{1} << shift) - 1;
  const std::uint64_t page_number = address.value >> shift;

  // What mapped this very address is out of date: it must not be found before the new entry.
  const bool absent = absent_.known && absent_.address == address.value && absent_.context == context;
  if (!absent)
    while (const auto stale = find(address.value, context)) told ? leave(*stale) : remove(*stale);
  absent_.known = false;

  const auto set = static_cast<unsigned>(page_number & set_mask_);
  const unsigned way = choose_victim(set), slot = set * config_.ways + way;
  if (tags_[slot].page_number != kNoPage) {
    told ? leave(slot) : remove(slot);
    ++stats_.evictions;
  }
  const bool global = (translation.first_pte & isa::pte::g) != 0;
  tags_[slot] = {.page_number = page_number,
                 .context = context,
                 .context_mask = global ? ~kTlbAsidMask : ~std::uint64_t{0},
                 .shift = shift};
  Translation& page = translations_[slot];
  page = translation;
  page.address.value &= ~offset_mask;
  page.guest_physical.value &= ~offset_mask;
  const mem::Ways disturbed = replacement_.filled(set, way);
  if (told) disturb(slot, disturbed);
  const unsigned size = size_index(shift);
  ++population_[size];
  ++bucket(page_number, size);
  ++occupied_;
}

std::span<const Evicted> Tlb::insert(isa::Gva address, std::uint64_t context,
                                     const Translation& translation) {
  left_.clear();
  enter<true>(address, context, translation);
  return left_;
}

void Tlb::insert_untold(isa::Gva address, std::uint64_t context, const Translation& translation) {
  enter<false>(address, context, translation);
}

// The way.
inline unsigned Tlb::choose_victim(unsigned set) {
  if (occupied_ != config_.entries)
    for (unsigned way = 0; way < config_.ways; ++way)
      if (tags_[set * config_.ways + way].page_number == kNoPage) return way;
  return replacement_.victim(set);
}

// Neighbours of a slot that were used or filled.
void Tlb::disturb(unsigned slot, mem::Ways ways) {
  for (; ways != 0; ways &= ways - 1) {
    const unsigned neighbour = slot - slot % config_.ways + static_cast<unsigned>(std::countr_zero(ways));
    if (tags_[neighbour].page_number != kNoPage) tell(neighbour);
  }
}

void Tlb::tell(unsigned slot) {
  const Tag& tag = tags_[slot];
  left_.push_back({.page = isa::Gva{tag.page_number << tag.shift},
                   .page_shift = static_cast<std::uint8_t>(tag.shift),
                   .virtualized = (tag.context & kVirtualized) != 0,
                   .global = (tag.context_mask & kTlbAsidMask) == 0,
                   .asid = asid_of(tag.context),
                   .vmid = vmid_of(tag.context)});
}

void Tlb::leave(unsigned slot) {
  tell(slot);
  remove(slot);
}

inline void Tlb::remove(unsigned slot) {
  const unsigned size = size_index(tags_[slot].shift);
  --population_[size];
  --bucket(tags_[slot].page_number, size);
  --occupied_;
  tags_[slot] = {};
}

template <class Matches>
std::span<const Evicted> Tlb::fence(Matches matches) {
  left_.clear();
  ++stats_.fences;
  for (unsigned slot = 0; slot < config_.entries; ++slot)
    if (tags_[slot].page_number != kNoPage && matches(tags_[slot], translations_[slot])) leave(slot);
  stats_.fenced_entries += left_.size();
  return left_;
}

// A leaf PTE may have been entered in pieces when the other stage's pages are smaller; a fence for an address
// covers the whole leaf PTE, or NAPOT range of PTEs, hence the leaf's width instead of the entry's own page
// size.
std::span<const Evicted> Tlb::fence_first_stage(std::optional<std::uint16_t> vmid,
                                                std::optional<isa::Gva> address,
                                                std::optional<std::uint16_t> asid) {
  return fence([&](const Tag& tag, const Translation& entry) {
    const bool virtualized = (tag.context & kVirtualized) != 0;
    if (virtualized != vmid.has_value() || (vmid && vmid_of(tag.context) != (*vmid & kTlbVmidMask)))
      return false;
    const bool global = (tag.context_mask & kTlbAsidMask) == 0;
    if (asid && (global || asid_of(tag.context) != *asid)) return false;
    const unsigned shift =
        std::max(isa::leaf_shift(entry.first_level, entry.first_pte), static_cast<unsigned>(tag.shift));
    return !address || same_page(tag.page_number << tag.shift, address->value, shift);
  });
}

std::span<const Evicted> Tlb::fence_g_stage(std::optional<isa::Gpa> address,
                                            std::optional<std::uint16_t> vmid) {
  return fence([&](const Tag& tag, const Translation& entry) {
    if ((tag.context & kVirtualized) == 0) return false;
    if (vmid && vmid_of(tag.context) != (*vmid & kTlbVmidMask)) return false;
    const unsigned shift =
        std::max(isa::leaf_shift(entry.g_level, entry.g_pte), static_cast<unsigned>(tag.shift));
    return !address || same_page(entry.guest_physical.value, address->value, shift);
  });
}

std::span<const Evicted> Tlb::flush() {
  return fence([](const Tag&, const Translation&) { return true; });
}

}  // namespace hvsim::mmu
