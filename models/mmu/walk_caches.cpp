// Walk caches: which accesses of a walk they save. The order is the walker's own: known tables of the first
// stage first, then each guest-physical address through the G-stage TLB or its known tables.
#include "models/mmu/walk_caches.h"

#include <algorithm>
#include <bit>

#include "models/mmu/walk.h"

namespace hvsim::mmu {

namespace {

constexpr unsigned kIndexBits = 9;
constexpr unsigned table_shift(unsigned level) { return isa::kPageShift + kIndexBits * level; }
constexpr std::uint64_t bit(unsigned index) { return std::uint64_t{1} << index; }

bool is_pointer(std::uint64_t pte) { return (pte & isa::pte::v) != 0 && !points_to_leaf(pte); }

// A guest-physical address is looked up as if by a guest without paging of its own.
AddressSpace g_stage_of(const AddressSpace& space) {
  return {.g_stage = space.g_stage, .virtualized = true, .privilege = isa::Privilege::user};
}

}  // namespace

std::optional<std::string> problem(const WalkCachesConfig& config) {
  for (const auto& [name, cache] : {std::pair{"first", config.first}, std::pair{"g_stage", config.g_stage}})
    if (cache.entries > 1024)
      return std::string(name) + ".entries: " + std::to_string(cache.entries) + " is not from 0 to 1024";
  if (!config.has_g_tlb) return std::nullopt;
  if (auto found = problem(config.g_tlb)) return "g_tlb." + *found;
  return std::nullopt;
}

auto WalkCache::find(std::uint64_t context, std::uint64_t address, unsigned level) -> Entry* {
  for (Entry& entry : entries_)
    if (entry.valid && entry.level == level && entry.prefix == address >> table_shift(level) &&
        same_context(entry.context, context, entry.global))
      return &entry;
  return nullptr;
}

std::optional<unsigned> WalkCache::deepest(std::uint64_t context, std::uint64_t address, unsigned levels) {
  if (entries_.empty() || levels == 0) return std::nullopt;
  ++stats_.lookups;
  for (; levels != 0; levels &= levels - 1) {
    const auto level = static_cast<unsigned>(std::countr_zero(levels));
    Entry* entry = find(context, address, level);
    if (entry == nullptr) continue;
    entry->used = ++clock_;
    return level;
  }
  ++stats_.misses;
  return std::nullopt;
}

void WalkCache::insert(std::uint64_t context, std::uint64_t address, unsigned level, bool global) {
  if (entries_.empty()) return;
  Entry* place = find(context, address, level);
  if (place == nullptr)
    place = &*std::ranges::min_element(entries_, {},
                                       [](const Entry& entry) { return entry.valid ? entry.used : 0; });
  else
    place->valid = false;  // the same, perhaps with another G
  stats_.evictions += place->valid;
  *place = {.valid = true,
            .global = global,
            .level = static_cast<std::uint8_t>(level),
            .context = context,
            .prefix = address >> table_shift(level),
            .used = ++clock_};
}

WalkCaches::WalkCaches(const WalkCachesConfig& config, std::uint64_t seed)
    : config_(config),
      nothing_(config.first.entries == 0 && config.g_stage.entries == 0 && !config.has_g_tlb),
      first_(config.first.entries),
      g_stage_(config.g_stage.entries),
      g_tlb_(config.has_g_tlb ? config.g_tlb : TlbConfig{.entries = 1, .ways = 1}, seed) {}

unsigned WalkCaches::parse(const WalkTrace& trace, Segments& segments) {
  unsigned count = 0;
  bool open = false;
  for (unsigned i = 0; i < trace.count; ++i) {
    const PteRead& access = trace.reads[i];
    if (access.write) {  // after the guest's PTE, a G-stage write is about storing to that PTE
      if (open) segments[count - 1].g_writes = true;
      continue;
    }
    if (!open) segments[count++] = {};
    Segment& segment = segments[count - 1];
    open = access.stage == Stage::g_stage;
    if (open)
      segment.g_reads |= bit(i);
    else
      segment.pte = i;
  }
  return count;
}

WalkPlan WalkCaches::plan(const WalkTrace& trace, isa::Gva address, const AddressSpace& space,
                          const Translation* result) {
  WalkPlan plan{.accesses = bit(trace.count) - 1};
  if (nothing_) return plan;
  Segments segments;
  const unsigned count = parse(trace, segments);
  const std::uint64_t context = tlb_context(space);
  bool global = false;
  unsigned next = skip_known_tables(trace, segments, count, address, context, plan);
  for (unsigned i = 0; i < next; ++i) global |= (trace.reads[*segments[i].pte].value & isa::pte::g) != 0;
  for (; next < count; ++next) {
    const Segment& segment = segments[next];
    if (!segment.pte) {
      const isa::Gpa last = result != nullptr ? result->guest_physical : isa::Gpa{};
      plan_g_stage(trace, segment, last, result != nullptr ? std::optional(result->address) : std::nullopt,
                   space, plan);
      break;
    }
    const PteRead& read = trace.reads[*segment.pte];
    if (segment.g_reads != 0) plan_g_stage(trace, segment, read.guest_physical, read.address, space, plan);
    global |= (read.value & isa::pte::g) != 0;
    if (is_pointer(read.value)) first_.insert(context, address.value, read.level, global);
  }
  return plan;
}

// How many segments the first stage's walk cache saves.
unsigned WalkCaches::skip_known_tables(const WalkTrace& trace, const Segments& segments, unsigned count,
                                       isa::Gva address, std::uint64_t context, WalkPlan& plan) {
  unsigned levels = 0;
  for (unsigned i = 0; i < count; ++i)
    if (segments[i].pte && is_pointer(trace.reads[*segments[i].pte].value))
      levels |= 1U << trace.reads[*segments[i].pte].level;
  const auto known = first_.deepest(context, address.value, levels);
  if (!known) return 0;
  ++plan.first_hits;
  unsigned skipped = 0;
  for (; skipped < count && trace.reads[*segments[skipped].pte].level >= *known; ++skipped)
    plan.accesses &= ~(segments[skipped].g_reads | bit(*segments[skipped].pte));
  return skipped;
}

// `found` is where the address is, if the G-stage said so.
void WalkCaches::plan_g_stage(const WalkTrace& trace, const Segment& segment, isa::Gpa address,
                              std::optional<isa::Hpa> found, const AddressSpace& space, WalkPlan& plan) {
  const AddressSpace g_space = g_stage_of(space);
  if (config_.has_g_tlb && found) {
    const bool hit = g_tlb_.lookup(isa::Gva{address.value}, g_space) != nullptr;
    plan.g_tlb_hits += hit;
    if (hit && !segment.g_writes) {
      plan.accesses &= ~segment.g_reads;
      return;
    }
  }
  // For a walk that failed, the address is not at hand, and the walker learns nothing.
  if (!found) return;
  const std::uint64_t context = tlb_context(g_space);
  unsigned levels = 0;
  const PteRead* leaf = nullptr;
  for (std::uint64_t reads = segment.g_reads; reads != 0; reads &= reads - 1) {
    const PteRead& read = trace.reads[static_cast<unsigned>(std::countr_zero(reads))];
    if (is_pointer(read.value))
      levels |= 1U << read.level;
    else
      leaf = &read;
  }
  if (const auto known = g_stage_.deepest(context, address.value, levels)) {
    ++plan.g_stage_hits;
    for (std::uint64_t reads = segment.g_reads; reads != 0; reads &= reads - 1) {
      const auto index = static_cast<unsigned>(std::countr_zero(reads));
      if (trace.reads[index].level >= *known) plan.accesses &= ~bit(index);
    }
    levels &= (1U << *known) - 1;  // those above are known or were not read
  }
  for (; levels != 0; levels &= levels - 1)
    g_stage_.insert(context, address.value, static_cast<unsigned>(std::countr_zero(levels)), false);
  if (!config_.has_g_tlb || leaf == nullptr) return;
  g_tlb_.insert(isa::Gva{address.value}, g_space,
                {.address = *found,
                 .guest_physical = address,
                 .page_shift = static_cast<std::uint8_t>(isa::leaf_shift(leaf->level, leaf->value)),
                 .g_pte = leaf->value,
                 .g_level = leaf->level});
}

void WalkCaches::fence_first_stage(std::optional<std::uint16_t> vmid, std::optional<isa::Gva> address,
                                   std::optional<std::uint16_t> asid) {
  if (address) return;
  first_.fence([&](std::uint64_t context, bool global) {
    if (virtualized_of(context) != vmid.has_value() || (vmid && vmid_of(context) != (*vmid & kTlbVmidMask)))
      return false;
    return !asid || (!global && asid_of(context) == *asid);
  });
}

void WalkCaches::fence_g_stage(std::optional<isa::Gpa> address, std::optional<std::uint16_t> vmid) {
  if (config_.has_g_tlb) g_tlb_.fence_g_stage(address, vmid);
  if (address) return;
  g_stage_.fence(
      [&](std::uint64_t context, bool) { return !vmid || vmid_of(context) == (*vmid & kTlbVmidMask); });
}

void WalkCaches::flush() {
  const auto all = [](std::uint64_t, bool) { return true; };
  first_.fence(all);
  g_stage_.fence(all);
  if (config_.has_g_tlb) g_tlb_.flush();
}

}  // namespace hvsim::mmu
