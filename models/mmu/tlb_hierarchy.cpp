// A hart's TLBs together: the order of lookups, refills and fences.
#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::mmu {

std::optional<std::string> problem(const TlbHierarchyConfig& config) {
  if (auto found = problem(config.itlb)) return "itlb." + *found;
  if (auto found = problem(config.dtlb)) return "dtlb." + *found;
  if (config.has_l2)
    if (auto found = problem(config.l2)) return "l2." + *found;
  if (auto found = problem(config.walk_caches)) return "walk_caches." + *found;
  return std::nullopt;
}

TlbHierarchy::TlbHierarchy(const TlbHierarchyConfig& config, std::uint64_t seed)
    : config_(config),
      itlb_(config.itlb, seed),
      dtlb_(config.dtlb, seed + 1),
      l2_(config.has_l2 ? config.l2 : TlbConfig{}, seed + 2),
      walk_caches_(config.walk_caches, seed + 3) {}

// True if entries had to leave.
bool TlbHierarchy::change_owner(const AddressSpace& space) {
  const Owner owner{space.first, space.virtualized ? space.g_stage : Root{}, space.virtualized};
  if (owner == owner_) return false;
  owner_ = owner;
  ++switch_flushes_;
  flush();
  return true;
}

TlbHierarchy::Lookup TlbHierarchy::lookup(Side which, isa::Gva address, const AddressSpace& space) {
  Tlb& l1 = side(which);
  Lookup result;
  result.flushed = !config_.tagged && change_owner(space);
  result.latency = l1.config().hit_latency;
  const std::uint64_t context = tlb_context(space);
  result.translation = l1.lookup(address, context);
  if (result.translation != nullptr) {
    result.level = Level::l1;
    result.left = l1.disturbed();
    return result;
  }
  if (!config_.has_l2) return result;
  result.latency += config_.l2.hit_latency;
  result.translation = l2_.lookup(address, context);
  if (result.translation == nullptr) return result;
  result.level = Level::l2;
  result.left = l1.insert(address, context, at(*result.translation, address));
  return result;
}

std::span<const Evicted> TlbHierarchy::insert(Side which, isa::Gva address, const AddressSpace& space,
                                              const Translation& translation) {
  const std::uint64_t context = tlb_context(space);
  if (config_.has_l2) l2_.insert_untold(address, context, translation);
  return side(which).insert(address, context, translation);
}

TlbHierarchy::Left TlbHierarchy::fence_first_stage(std::optional<std::uint16_t> vmid,
                                                   std::optional<isa::Gva> address,
                                                   std::optional<std::uint16_t> asid) {
  l2_.fence_first_stage(vmid, address, asid);
  walk_caches_.fence_first_stage(vmid, address, asid);
  return {itlb_.fence_first_stage(vmid, address, asid), dtlb_.fence_first_stage(vmid, address, asid)};
}

TlbHierarchy::Left TlbHierarchy::fence_g_stage(std::optional<isa::Gpa> address,
                                               std::optional<std::uint16_t> vmid) {
  l2_.fence_g_stage(address, vmid);
  walk_caches_.fence_g_stage(address, vmid);
  return {itlb_.fence_g_stage(address, vmid), dtlb_.fence_g_stage(address, vmid)};
}

TlbHierarchy::Left TlbHierarchy::flush() {
  l2_.flush();
  walk_caches_.flush();
  return {itlb_.flush(), dtlb_.flush()};
}

}  // namespace hvsim::mmu
