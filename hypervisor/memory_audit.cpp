// Whether every frame of the pool is in one place, and shared ones are read-only and counted: for soak tests.
#include <array>

#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

struct Pages {
  std::uint64_t own = 0, zero = 0, merged = 0, blocks = 0;
};

// Sums of these are equal only if what they are summed over is: frames, each as often as it occurs.
std::uint64_t fingerprint(std::uint64_t frame) {
  frame = (frame ^ frame >> 30) * 0xBF58476D1CE4E5B9;
  frame = (frame ^ frame >> 27) * 0x94D049BB133111EB;
  return frame ^ frame >> 31;
}

// Some of the pool's frames, as many as there is room for on the stack of a hart.
class Frames {
 public:
  static constexpr std::uint64_t kCount = 16384;
  Frames(Hpa base, std::uint64_t first) : base_(base), first_(first) {}
  // As the pool's and leaves' are, the first is aligned to 2 MiB: a leaf lies inside or outside.
  bool cover(Hpa frame) const { return index(frame) < kCount; }
  // Of one that is covered. False: it was there.
  bool add(Hpa frame) {
    const std::uint64_t bit = index(frame);
    const bool added = !has(frame);
    words_[bit / 64 % words_.size()] |= std::uint64_t{1} << bit % 64;
    return added;
  }
  bool has(Hpa frame) const {
    const std::uint64_t bit = index(frame);
    return (words_[bit / 64 % words_.size()] >> bit % 64 & 1) != 0;
  }

 private:
  std::uint64_t index(Hpa frame) const { return (frame.value - base_.value) / kPageBytes - first_; }
  Hpa base_;
  std::uint64_t first_;
  std::array<std::uint64_t, kCount / 64> words_{};
};

bool all_zero(Arch& arch, Hpa page) {
  std::array<std::uint64_t, 32> words;
  std::uint64_t bits = 0;
  for (std::uint64_t done = 0; done < kPageBytes; done += sizeof words) {
    arch.copy_in(words.data(), page + done, sizeof words);
    for (const std::uint64_t word : words) bits |= word;
  }
  return bits == 0;
}

// Goes over all frames, as many at a time as there is room for: whether none has two owners.
bool owned_once(Arch& arch, const PagePool& pool, const GuestFrames& frames, std::span<const Vm> vms) {
  bool sound = true;
  for (std::uint64_t first = 0; first < pool.pages() && sound; first += Frames::kCount) {
    Frames own(pool.base(), first), merged(pool.base(), first);
    for (const Vm& vm : vms) {
      if (vm.state != Vm::State::alive) continue;
      vm.table.for_each_leaf(arch, [&](Gpa, const StageTwoTable::Leaf& leaf) {
        if (!own.cover(leaf.frame) || frames.is_zero(leaf.frame)) return;
        const bool shared = leaf.right == LeafRight::shared;
        for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(leaf.run()); ++n) {
          const Hpa frame = leaf.frame + n * kPageBytes;
          sound &= !(shared ? own : merged).has(frame);
          sound &= (shared ? merged : own).add(frame) || shared;
        }
      });
    }
  }
  return sound;
}

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
  Hpa zero{};  // one of the pages of zeroes that somebody sees
  std::uint64_t mapped = 0;
  std::uint64_t taken = frames_.overhead_pages();
  bool sound = true;
  for (unsigned i = 0; i < vm_count_ && sound; ++i) {
    const Vm& vm = vms_[i];
    if (vm.state != Vm::State::alive) continue;
    Pages pages;
    vm.table.for_each_leaf(arch, [&](Gpa, const StageTwoTable::Leaf& leaf) {
      const auto count = static_cast<std::uint64_t>(leaf.run());
      const bool shared = leaf.right == LeafRight::shared;
      all.blocks += leaf.run() == PageRun::block ? 1 : 0;
      for (std::uint64_t n = 0; n < count; ++n) sound &= !pool_.is_free(leaf.frame + n * kPageBytes);
      if (frames_.is_zero(leaf.frame)) {
        sound &= shared;
        pages.zero += count;
        zero = leaf.frame + scans_ % count * kPageBytes;
      } else {
        (shared ? pages.merged : pages.own) += count;
        if (shared) mapped += fingerprint(leaf.frame.value);
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
  if (zero.value != 0 && !all_zero(arch, zero)) {
    why.add("somebody has written to the page of zeroes");
    return false;
  }
  if (!owned_once(arch, pool_, frames_, {vms_.data(), vm_count_})) {
    why.add("a frame has two owners");
    return false;
  }
  std::uint64_t references = 0, frames = 0, recorded = 0;
  if (frames_.records().exist())
    for (std::uint32_t number = 0; number < pool_.pages(); ++number) {
      const std::uint32_t count = frames_.records().read(arch, number).references;
      references += count;
      frames += count != 0 ? 1 : 0;
      recorded += count * fingerprint(frames_.records().frame(number).value);
    }
  if (references != all.merged || recorded != mapped || frames != frames_.records().shared_frames()) {
    why.add("references to shared frames are not as many as pages that map them");
    return false;
  }
  if (settings_.sharing.shares() && pool_.kept_pages() != all.blocks) {
    why.add("pages kept for tables are not as many as 2 MiB leaves");
    return false;
  }
  if (pool_.free_pages() + all.own + frames + taken == pool_pages_) return true;
  why.add("frames were lost or given twice");
  return false;
}

}  // namespace hv
