// A hart's TLBs together: the order of lookups, refills and fences.
#include "models/mmu/tlb_hierarchy.h"

namespace hvsim::mmu {

namespace {

std::optional<std::string> problem_of_l1(const std::string& name, const TlbConfig& config) {
  if (auto found = problem(config)) return name + "." + *found;
  if (config.replacement == TlbReplacement::lru)
    return name + ".replacement: lru would have to see every hit; use fifo or random";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> problem(const TlbHierarchyConfig& config) {
  if (auto found = problem_of_l1("itlb", config.itlb)) return found;
  if (auto found = problem_of_l1("dtlb", config.dtlb)) return found;
  if (!config.has_l2) return std::nullopt;
  if (auto found = problem(config.l2)) return "l2." + *found;
  return std::nullopt;
}

TlbHierarchy::TlbHierarchy(const TlbHierarchyConfig& config, std::uint64_t seed)
    : config_(config),
      itlb_(config.itlb, seed),
      dtlb_(config.dtlb, seed + 1),
      l2_(config.has_l2 ? config.l2 : TlbConfig{}, seed + 2) {}

TlbHierarchy::Lookup TlbHierarchy::lookup(Side which, isa::Gva address, const AddressSpace& space) {
  Tlb& l1 = side(which);
  Lookup result;
  result.latency = l1.config().hit_latency;
  result.translation = l1.lookup(address, space);
  if (result.translation != nullptr) {
    result.level = Level::l1;
    return result;
  }
  if (!config_.has_l2) return result;
  result.latency += config_.l2.hit_latency;
  result.translation = l2_.lookup(address, space);
  if (result.translation == nullptr) return result;
  result.level = Level::l2;
  result.left = l1.insert(address, space, at(*result.translation, address));
  return result;
}

std::span<const Evicted> TlbHierarchy::insert(Side which, isa::Gva address, const AddressSpace& space,
                                              const Translation& translation) {
  if (config_.has_l2) l2_.insert(address, space, translation);
  return side(which).insert(address, space, translation);
}

TlbHierarchy::Left TlbHierarchy::fence_first_stage(std::optional<std::uint16_t> vmid,
                                                   std::optional<isa::Gva> address,
                                                   std::optional<std::uint16_t> asid) {
  l2_.fence_first_stage(vmid, address, asid);
  return {itlb_.fence_first_stage(vmid, address, asid), dtlb_.fence_first_stage(vmid, address, asid)};
}

TlbHierarchy::Left TlbHierarchy::fence_g_stage(std::optional<isa::Gpa> address,
                                               std::optional<std::uint16_t> vmid) {
  l2_.fence_g_stage(address, vmid);
  return {itlb_.fence_g_stage(address, vmid), dtlb_.fence_g_stage(address, vmid)};
}

TlbHierarchy::Left TlbHierarchy::flush() {
  l2_.flush();
  return {itlb_.flush(), dtlb_.flush()};
}

}  // namespace hvsim::mmu
