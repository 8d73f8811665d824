// A VM's guest-physical pages: where each lies, what the guest may do there, and who else has the frame.
#include <algorithm>
#include <map>

#include "hypervisor/abi/hypercall.h"
#include "models/cpu/isa/paging.h"
#include "sim/session/inspector.h"

namespace hvsim::session {
namespace {

namespace pte = isa::pte;

constexpr std::uint64_t kFrameMask = ~isa::kPageMask;

}  // namespace

// The hypervisor's tables are Sv39x4: the root's index has two bits more (privileged manual, "Guest Physical
// Addresses").
void Inspector::walk_table(std::uint64_t table, unsigned level, std::uint64_t base,
                           const std::function<void(const Leaf&)>& visit) const {
  const std::uint64_t entries = level == 2 ? 2048 : 512, reach = std::uint64_t{1} << (12 + 9 * level);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const isa::Hpa at{table + 8 * i};
    std::uint64_t entry = 0;
    if (!machine_.memory().read(at, entry) || (entry & pte::v) == 0) continue;
    const std::uint64_t target = (entry & pte::ppn_mask) >> pte::ppn_shift << isa::kPageShift;
    if ((entry & (pte::r | pte::w | pte::x)) != 0)
      visit({.guest = base + i * reach, .physical = target, .bytes = reach, .pte = entry});
    else if (level > 0)
      walk_table(target, level - 1, base + i * reach, visit);
  }
}

void Inspector::for_each_leaf(std::uint32_t vm, const std::function<void(const Leaf&)>& visit) const {
  const hv::Inspection seen = hypervisor_->inspection();
  const std::uint64_t root = value_at<std::uint64_t>(seen.vm_roots.at(vm));
  if (value_at<std::uint8_t>(seen.vm_states.at(vm)) == 1) walk_table(root, 2, 0, visit);
}

// Outside of RAM: nothing is there.
std::uint64_t Inspector::physical_of(std::uint32_t vm, std::uint64_t guest) const {
  std::uint64_t physical = 0;
  for_each_leaf(vm, [&](const Leaf& leaf) {
    if (guest - leaf.guest < leaf.bytes) physical = leaf.physical + (guest - leaf.guest);
  });
  return physical;
}

const char* Inspector::page_state(const Leaf& leaf, const hv::Inspection& seen) {
  if ((leaf.pte & pte::w) != 0) return "own";
  if (leaf.physical - seen.zero_block < seen.zero_bytes) return "shared";
  return (leaf.pte & hv::kSharedLeaf) != 0 ? "merged" : "marked";
}

// Leaves that go on where the one before ends, with the same rights, are one row.
auto Inspector::get_stage_two(const Json& request) -> Answer {
  const auto vm = this->vm(request);
  if (!vm) return isa::Failure{vm.error()};
  if (auto why = no_vcpus(); !why.empty()) return isa::Failure{why};
  const hv::Inspection seen = hypervisor_->inspection();
  Json rows = Json::array();
  Leaf last{};
  Leaf first{};
  std::uint64_t length = 0;
  const auto finish = [&] {
    if (length == 0) return;
    std::string rights;
    for (const auto& [bit, letter] : {std::pair{pte::r, 'r'}, std::pair{pte::w, 'w'}, std::pair{pte::x, 'x'}})
      rights += (last.pte & bit) != 0 ? letter : '-';
    rows.push_back({{"guest_physical", first.guest},
                    {"physical", first.physical},
                    {"bytes", length},
                    {"page_bytes", last.bytes},
                    {"rights", rights},
                    {"state", page_state(last, seen)}});
  };
  for_each_leaf(*vm, [&](const Leaf& leaf) {
    const std::string state = page_state(leaf, seen);
    const bool follows = length != 0 && leaf.guest == last.guest + last.bytes && leaf.bytes == last.bytes &&
                         state == page_state(last, seen) && (leaf.pte & 0xF) == (last.pte & 0xF) &&
                         (state == "shared" || leaf.physical == last.physical + last.bytes);
    if (!follows) {
      finish();
      first = leaf;
      length = 0;
    }
    length += leaf.bytes;
    last = leaf;
  });
  finish();
  return rows;
}

// How many pages are in which state, and who has the merged ones.
auto Inspector::get_memory_map(const Json& request) -> Answer {
  const auto vm = this->vm(request);
  if (!vm) return isa::Failure{vm.error()};
  if (auto why = no_vcpus(); !why.empty()) return isa::Failure{why};
  const hv::Inspection seen = hypervisor_->inspection();
  std::map<std::string, std::uint64_t> pages{{"own", 0}, {"marked", 0}, {"shared", 0}, {"merged", 0}};
  std::map<std::uint64_t, Json> merged;  // frame: the pages that it is behind
  for (std::uint32_t other = 0; other < config_.vms.size(); ++other)
    for_each_leaf(other, [&](const Leaf& leaf) {
      const std::string state = page_state(leaf, seen);
      if (other == *vm) pages[state] += leaf.bytes / isa::kPageBytes;
      if (state == "merged")
        merged[leaf.physical & kFrameMask].push_back(
            {{"vm", config_.vms[other].name}, {"guest_physical", leaf.guest}, {"bytes", leaf.bytes}});
    });
  Json frames = Json::array();
  for (const auto& [frame, sharers] : merged) {
    const bool ours = std::ranges::any_of(
        sharers, [&](const Json& each) { return each.at("vm") == config_.vms[*vm].name; });
    if (ours) frames.push_back({{"physical", frame}, {"pages", sharers}});
  }
  std::uint64_t mapped = 0;
  for (const auto& [state, count] : pages) mapped += count;
  const std::uint64_t all = config_.vms[*vm].memory_bytes / isa::kPageBytes;
  return Json{{"memory_base", hv::abi::kGuestMemoryBase},
              {"memory_bytes", config_.vms[*vm].memory_bytes},
              {"pages", pages},
              {"unmapped", all > mapped ? all - mapped : 0},
              {"merged_frames", std::move(frames)}};
}

}  // namespace hvsim::session
