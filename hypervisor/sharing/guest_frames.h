// Which frame lies behind each page of a VM: its own, the zero block that all shared pages map to, or one
// that pages of the same content share. A write to a shared page gets a frame of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "arch.h"
#include "hypervisor/page_pool.h"
#include "hypervisor/sharing/frame_records.h"
#include "hypervisor/sharing/settings.h"
#include "hypervisor/vm.h"

namespace hv {

class GuestFrames {
 public:
  enum class Outcome : std::uint8_t {
    writable,  // the access may be tried again
    starved,   // there is no frame; nothing has changed
    outside    // nothing is mapped there
  };

  // `pool` holds all memory that VMs will get. False: no memory for what sharing itself needs.
  bool create(Arch& arch, PagePool& pool, const SharingSettings& settings);
  const SharingSettings& settings() const { return settings_; }

  // Maps all memory of a VM whose table is empty: own zeroed frames, or on demand. False: not enough memory.
  bool populate(Arch& arch, PagePool& pool, Vm& vm);
  // After this the VM may write the page at `at`; its other VCPUs see the same frame.
  Outcome make_writable(Arch& arch, PagePool& pool, Vm& vm, Gpa at);
  Outcome make_writable_locked(Arch& arch, PagePool& pool, Vm& vm, Gpa at);  // by the lock's holder
  // Gives up all frames and tables of a VM that nobody runs any more.
  void release(Arch& arch, PagePool& pool, Vm& vm);

  // What the steps of a scan do, each for the 2 MiB of guest memory at `block`, of which a set bit in `pages`
  // names a page. All of them under vm.sharing.lock.
  using PageSet = std::array<std::uint64_t, 8>;
  // Makes own pages read-only; a block is splintered only if `may_splinter`. The result: pages now marked.
  PageSet mark(Arch& arch, PagePool& pool, Vm& vm, Gpa block, const PageSet& pages, bool may_splinter);
  // Pages that are marked now, or map to a frame shared by content.
  PageSet marked(Arch& arch, const Vm& vm, Gpa block) const;
  // Marked pages become writable again. No fence is needed: an old translation faults once more at most.
  void unmark(Arch& arch, Vm& vm, Gpa block, const PageSet& pages);
  // Those of `pages` that are marked still now map to the zero frame; then fences, then frees their frames.
  // All of the block at once becomes one 2 MiB leaf. The result: how many pages were shared.
  std::uint64_t share(Arch& arch, PagePool& pool, Vm& vm, Gpa block, const PageSet& pages);

  // The guest gives pages back and will not expect their content again: they are shared at once, whatever
  // the rights of their leaves. For 2^order pages at `at`, aligned to their size. False: not all of them are.
  bool give_back(Arch& arch, PagePool& pool, Vm& vm, Gpa at, unsigned order);
  // The pages, of one block, get frames of their own ahead of a write, kMostAhead of them at most. False: not
  // all of them have one now.
  static constexpr std::uint64_t kMostAhead = 32;
  bool own(Arch& arch, PagePool& pool, Vm& vm, Gpa at, std::uint64_t pages);

  // Sharing by content, under the locks of the VMs (content_scanner.cpp).
  FrameRecords& records() { return records_; }
  const FrameRecords& records() const { return records_; }
  // An own page is made read-only; if `agree(its frame)` then, it maps `frame` instead, which is shared.
  template <class Agree>
  bool merge(Arch& arch, PagePool& pool, Vm& vm, Gpa at, Hpa frame, Agree agree) {
    if (!begin_sharing(arch, pool, vm, at)) return false;
    const auto leaf = vm.table.leaf(arch, at);
    if (!agree(leaf->frame)) {
      end_sharing(arch, vm, at, false);
      return false;
    }
    vm.table.set(arch, *leaf, frame, LeafRight::shared);
    note_merged(arch, vm);
    fence_before_release(arch, vm, at.value);
    drop_reference(arch, pool, leaf->frame);
    return true;
  }
  // An own page gets a 4 KiB leaf that is read-only for everybody, until end_sharing() makes it shared or
  // writable. False: no memory for a table.
  bool begin_sharing(Arch& arch, PagePool& pool, Vm& vm, Gpa at);
  void end_sharing(Arch& arch, Vm& vm, Gpa at, bool shared);
  void drop_reference(Arch& arch, PagePool& pool, Hpa frame);

  // Every hart that may hold translations of the VM drops those of `page` (kWhole: all), and all that its
  // guest stored before is visible.
  void fence(Arch& arch, const Vm& vm, std::uint64_t page = GuestFence::kWhole) const;

  Hpa zero_block() const { return zero_block_; }
  bool has_zero() const { return has_zero_; }
  // 4 KiB pages that sharing itself takes: the zero block and the records.
  std::uint64_t overhead_pages() const {
    return (has_zero_ ? static_cast<std::uint64_t>(PageRun::block) : 0) + records_.pages();
  }
  bool is_zero(Hpa frame) const {
    return has_zero_ && frame >= zero_block_ && frame.value - zero_block_.value < bytes(PageRun::block);
  }

 private:
  struct Freed;  // frames to be released behind the fence

  Outcome unshare_page(Arch& arch, PagePool& pool, Vm& vm, Gpa at, StageTwoTable::Leaf leaf);
  bool unshare_block(Arch& arch, PagePool& pool, Vm& vm, const StageTwoTable::Leaf& leaf);
  bool map_run(Arch& arch, PagePool& pool, Vm& vm, Gpa at, PageRun run);
  bool map_leaf(Arch& arch, PagePool& pool, Vm& vm, Gpa at, Hpa frame, PageRun run, LeafRight right);
  bool are_zero(Arch& arch, const Vm& vm, Gpa block, const PageSet& pages) const;
  void share_leaf(Arch& arch, Vm& vm, const StageTwoTable::Leaf& leaf, Freed& freed);
  void fence_before_release(Arch& arch, const Vm& vm, std::uint64_t page) const;
  void settle_frames(Arch& arch, PagePool& pool, Vm& vm, Freed& freed);
  void note_merged(Arch& arch, Vm& vm);
  void count_change(Arch& arch, Vm& vm, std::int64_t shared, std::int64_t merged, std::int64_t own);

  SharingSettings settings_{};
  Hpa zero_block_{};
  bool has_zero_ = false;
  FrameRecords records_;
};

}  // namespace hv
