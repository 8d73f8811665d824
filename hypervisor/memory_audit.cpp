// Whether every frame of the pool is in one place, and shared ones are read-only and counted: for soak tests.
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

struct Pages {
  std::uint64_t own = 0, zero = 0, merged = 0;
};

// The locks of all VMs, so that nothing is mapped and no frame changes hands meanwhile.
class AllLocked {
 public:
  AllLocked(Arch& arch, std::span<Vm> vms) : arch_(arch), vms_(vms) {
    for (Vm& vm : vms_) arch_.lock(vm.sharing.lock);
  }
  ~AllLocked() {
    for (Vm& vm : vms_) arch_.unlock(vm.sharing.lock);
  }
  AllLocked(const AllLocked&) = delete;
  AllLocked& operator=(const AllLocked&) = delete;

 private:
  Arch& arch_;
  std::span<Vm> vms_;
};

}  // namespace

// By the hart that scans: it alone may hold several of these locks at once.
bool Hypervisor::audit_memory(Arch& arch, Text& why) {
  const AllLocked locked(arch, {vms_.data(), vm_count_});
  Pages all;
  std::uint64_t taken = frames_.overhead_pages();
  bool sound = true;
  for (unsigned i = 0; i < vm_count_ && sound; ++i) {
    const Vm& vm = vms_[i];
    if (vm.state != Vm::State::alive) continue;
    Pages pages;
    vm.table.for_each_leaf(arch, [&](Gpa, const StageTwoTable::Leaf& leaf) {
      const auto count = static_cast<std::uint64_t>(leaf.run());
      const bool shared = leaf.right == LeafRight::shared;
      for (std::uint64_t n = 0; n < count; ++n)
        sound &= !pool_.is_free(leaf.frame + n * hvsim::isa::kPageBytes);
      if (frames_.is_zero(leaf.frame)) {
        sound &= shared;
        pages.zero += count;
      } else {
        (shared ? pages.merged : pages.own) += count;
      }
    });
    const VmSharing& counted = vm.sharing;
    sound &= pages.own == counted[SharingCounter::private_pages] &&
             pages.zero == counted[SharingCounter::shared_pages] &&
             pages.merged == counted[SharingCounter::merged_pages];
    if (!sound)
      why.add(vm.name()).add(": a page is mapped that is free or writable and shared, or counts are wrong");
    all.own += pages.own;
    all.merged += pages.merged;
    taken += vm.table.table_pages(arch) + vm.disk.pages(arch);
  }
  if (!sound) return false;
  std::uint64_t references = 0, frames = 0;
  if (frames_.records().exist())
    for (std::uint32_t number = 0; number < pool_.pages(); ++number) {
      const std::uint32_t count = frames_.records().read(arch, number).references;
      references += count;
      frames += count != 0 ? 1 : 0;
    }
  if (references != all.merged || frames != frames_.records().shared_frames()) {
    why.add("references to shared frames are not as many as pages that map them");
    return false;
  }
  if (pool_.free_pages() + all.own + frames + taken == pool_pages_) return true;
  why.add("frames were lost or given twice");
  return false;
}

}  // namespace hv
