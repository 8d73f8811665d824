// Which frame lies behind each page of a VM, and how that changes.
#include "hypervisor/sharing/guest_frames.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/bits.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;
using Leaf = StageTwoTable::Leaf;
using PageSet = GuestFrames::PageSet;

constexpr std::uint64_t kBlockPages = static_cast<std::uint64_t>(PageRun::block);

constexpr bool has(const PageSet& pages, std::uint64_t page) {
  return (pages[page / 64] >> page % 64 & 1) != 0;
}
constexpr void put(PageSet& pages, std::uint64_t page) { pages[page / 64] |= std::uint64_t{1} << page % 64; }
constexpr bool all(const PageSet& pages) {
  for (const std::uint64_t word : pages)
    if (word != ~std::uint64_t{0}) return false;
  return true;
}

// How many of the 512 pages at `block` the guest may have shared.
std::uint64_t pages_of(const Vm& vm, Gpa block) {
  const std::uint64_t first = (block.value - abi::kGuestMemoryBase) / kPageBytes;
  return std::min(kBlockPages, vm.guest_pages() - first);
}

constexpr std::size_t kCopyPiece = 256;

void copy_frame(Arch& arch, Hpa to, Hpa from) {
  std::byte piece[kCopyPiece];
  for (std::uint64_t done = 0; done < kPageBytes; done += kCopyPiece) {
    arch.copy_in(piece, from + done, kCopyPiece);
    arch.copy_out(to + done, piece, kCopyPiece);
  }
}

}  // namespace

// What leaves stopped to map, until no translation can reach it any more.
struct GuestFrames::Freed {
  std::array<Hpa, kBlockPages> pages;
  std::uint64_t count = 0;
  Hpa block{}, table{};
  bool has_block = false, has_table = false;
};

bool GuestFrames::create(Arch& arch, PagePool& pool, const SharingSettings& settings) {
  settings_ = settings;
  if (!settings.shares()) return true;
  const auto block = pool.allocate(arch, PageRun::block);
  if (!block) return false;
  arch.zero(*block, bytes(PageRun::block));
  zero_block_ = *block;
  has_zero_ = true;
  return !(settings.any_policy || scans_content(settings.policy)) || records_.create(arch, pool);
}

// A 2 MiB leaf keeps a page for the table that it takes to split it: that can never fail for want of one.
bool GuestFrames::map_leaf(Arch& arch, PagePool& pool, Vm& vm, Gpa at, Hpa frame, PageRun run,
                           LeafRight right) {
  const std::uint64_t tables = settings_.shares() && run == PageRun::block ? 1 : 0;
  if (!pool.keep(arch, tables)) return false;
  if (vm.table.map(arch, pool, at, frame, run, right)) return true;
  pool.keep_no_more(arch, tables);
  return false;
}

// The frames of shared pages are the zero block's: the k-th page of a block could map its k-th frame, but all
// 4 KiB leaves map its first one, so that "one and the same physical page" is meant literally.
bool GuestFrames::map_run(Arch& arch, PagePool& pool, Vm& vm, Gpa at, PageRun run) {
  const auto pages = static_cast<std::int64_t>(run);
  if (settings_.demand) {
    if (!map_leaf(arch, pool, vm, at, zero_block_, run, LeafRight::shared)) return false;
    count_change(arch, vm, pages, 0, 0);
    return true;
  }
  const auto frame = pool.allocate(arch, run);
  if (!frame) return false;
  arch.zero(*frame, bytes(run));
  if (!map_leaf(arch, pool, vm, at, *frame, run, LeafRight::write)) {
    pool.release(arch, *frame, run);
    return false;
  }
  count_change(arch, vm, 0, 0, pages);
  return true;
}

// In 2 MiB blocks as far as they go, and zeroed, so that nothing of earlier users shows.
bool GuestFrames::populate(Arch& arch, PagePool& pool, Vm& vm) {
  vm.sharing[SharingCounter::memory_pages] = vm.memory_bytes / kPageBytes;
  vm.sharing.since = arch.ticks();
  for (std::uint64_t offset = 0; offset < vm.memory_bytes;) {
    const Gpa at{abi::kGuestMemoryBase + offset};
    const bool fits =
        vm.memory_bytes - offset >= bytes(PageRun::block) && offset % bytes(PageRun::block) == 0;
    PageRun run = fits && settings_.block_leaves ? PageRun::block : PageRun::page;
    if (!map_run(arch, pool, vm, at, run)) {
      if (run == PageRun::page || !map_run(arch, pool, vm, at, run = PageRun::page)) return false;
    }
    offset += bytes(run);
  }
  return true;
}

void GuestFrames::count_change(Arch& arch, Vm& vm, std::int64_t shared, std::int64_t merged,
                               std::int64_t own) {
  VmSharing& sharing = vm.sharing;
  sharing.settle(arch.ticks());
  sharing[SharingCounter::shared_pages] += static_cast<std::uint64_t>(shared);
  sharing[SharingCounter::merged_pages] += static_cast<std::uint64_t>(merged);
  sharing[SharingCounter::private_pages] += static_cast<std::uint64_t>(own);
  sharing.note_peak();
}

// The PTE is written before the mask is read, and a hart is in the mask before it walks: whoever is not in
// it sees the new PTE.
void GuestFrames::fence(Arch& arch, const Vm& vm, std::uint64_t page) const {
  order_all();
  const std::uint64_t harts = load_acquire(vm.sharing.seen_harts);
  if (harts != 0) arch.fence({GuestFence::Kind::g_stage, vm.hgatp(), harts, page});
}

// The second fence of sharing: no translation may reach a frame that somebody else gets.
void GuestFrames::fence_before_release(Arch& arch, const Vm& vm, std::uint64_t page) const {
  if (settings_.ablation != SharingAblation::no_second_fence) fence(arch, vm, page);
}

GuestFrames::Outcome GuestFrames::make_writable(Arch& arch, PagePool& pool, Vm& vm, Gpa at) {
  const Locked locked(arch, vm.sharing.lock);
  return make_writable_locked(arch, pool, vm, at);
}

GuestFrames::Outcome GuestFrames::make_writable_locked(Arch& arch, PagePool& pool, Vm& vm, Gpa at) {
  const auto leaf = vm.table.leaf(arch, at);
  const std::uint64_t page = at.value & ~(kPageBytes - 1);
  if (!leaf) return Outcome::outside;
  switch (leaf->right) {
    case LeafRight::write:  // another VCPU was faster, or an old translation was used
      fence(arch, vm, page);
      return Outcome::writable;
    case LeafRight::marked:
      vm.table.set(arch, *leaf, leaf->frame, LeafRight::write);
      ++vm.sharing[SharingCounter::marked_writes];
      fence(arch, vm, page);
      return Outcome::writable;
    case LeafRight::shared:
      break;
  }
  const Cycles start = arch.cycles();
  const Outcome outcome = unshare_page(arch, pool, vm, at, *leaf);
  vm.sharing[SharingCounter::unshare_cycles] += arch.cycles() - start;
  return outcome;
}

GuestFrames::Outcome GuestFrames::unshare_page(Arch& arch, PagePool& pool, Vm& vm, Gpa at, Leaf leaf) {
  const bool block = leaf.run() == PageRun::block;
  if (block && settings_.unshare_blocks && unshare_block(arch, pool, vm, leaf)) return Outcome::writable;
  if (!is_zero(leaf.frame) && records_.claim(arch, leaf.frame)) {  // the last page that maps it keeps it
    vm.table.set(arch, leaf, leaf.frame, LeafRight::write);
    count_change(arch, vm, 0, -1, 1);
    ++vm.sharing[SharingCounter::unshared_pages];
    fence(arch, vm, at.value & ~(kPageBytes - 1));
    return Outcome::writable;
  }
  const auto frame = pool.allocate(arch, PageRun::page);
  if (!frame) return Outcome::starved;
  if (block) {
    if (!vm.table.split(arch, pool, leaf, true)) {
      pool.release(arch, *frame, PageRun::page);
      return Outcome::starved;
    }
    ++vm.sharing[SharingCounter::splintered_blocks];
    leaf = *vm.table.leaf(arch, at);
  }
  const bool zero = is_zero(leaf.frame);
  if (zero)
    arch.zero(*frame, kPageBytes);  // before it is mapped: nothing of its last owner shows
  else
    copy_frame(arch, *frame, leaf.frame);
  order();
  vm.table.set(arch, leaf, *frame, LeafRight::write);
  count_change(arch, vm, zero ? -1 : 0, zero ? 0 : -1, 1);
  ++vm.sharing[SharingCounter::unshared_pages];
  fence(arch, vm, block ? GuestFence::kWhole : at.value & ~(kPageBytes - 1));
  if (!zero) drop_reference(arch, pool, leaf.frame);
  return Outcome::writable;
}

bool GuestFrames::unshare_block(Arch& arch, PagePool& pool, Vm& vm, const Leaf& leaf) {
  const auto frame = pool.allocate(arch, PageRun::block);
  if (!frame) return false;
  arch.zero(*frame, bytes(PageRun::block));
  order();
  vm.table.set(arch, leaf, *frame, LeafRight::write);
  constexpr auto pages = static_cast<std::int64_t>(kBlockPages);
  count_change(arch, vm, -pages, 0, pages);
  ++vm.sharing[SharingCounter::unshared_blocks];
  fence(arch, vm);
  return true;
}

bool GuestFrames::begin_sharing(Arch& arch, PagePool& pool, Vm& vm, Gpa at) {
  auto leaf = vm.table.leaf(arch, at);
  const bool block = leaf->level == 1;
  if (block) {
    if (!vm.table.split(arch, pool, *leaf, false)) return false;
    ++vm.sharing[SharingCounter::splintered_blocks];
    leaf = vm.table.leaf(arch, at);
  }
  vm.table.set(arch, *leaf, leaf->frame, LeafRight::marked);
  fence(arch, vm, block ? GuestFence::kWhole : at.value);
  return true;
}

void GuestFrames::end_sharing(Arch& arch, Vm& vm, Gpa at, bool shared) {
  const auto leaf = vm.table.leaf(arch, at);
  vm.table.set(arch, *leaf, leaf->frame, shared ? LeafRight::shared : LeafRight::write);
  if (shared) note_merged(arch, vm);
}

void GuestFrames::note_merged(Arch& arch, Vm& vm) {
  count_change(arch, vm, 0, 1, -1);
  ++vm.sharing[SharingCounter::merges];
}

// A frame that one page less maps. Whoever could reach it has been fenced.
void GuestFrames::drop_reference(Arch& arch, PagePool& pool, Hpa frame) {
  if (records_.exist() && !records_.drop(arch, frame)) return;
  pool.release(arch, frame, PageRun::page);
}

void GuestFrames::release(Arch& arch, PagePool& pool, Vm& vm) {
  vm.table.for_each_leaf(arch, [&](Gpa, const Leaf& leaf) {
    if (settings_.shares() && leaf.run() == PageRun::block) pool.keep_no_more(arch, 1);
    if (is_zero(leaf.frame)) return;
    if (leaf.run() == PageRun::block)
      pool.release(arch, leaf.frame, PageRun::block);
    else
      drop_reference(arch, pool, leaf.frame);
  });
  vm.table.release_tables(arch, pool);
  VmSharing& sharing = vm.sharing;
  sharing.settle(arch.ticks());
  sharing[SharingCounter::shared_pages] = sharing[SharingCounter::merged_pages] = 0;
  sharing[SharingCounter::private_pages] = 0;
}

PageSet GuestFrames::mark(Arch& arch, PagePool& pool, Vm& vm, Gpa block, const PageSet& pages,
                          bool may_splinter) {
  auto first = vm.table.leaf(arch, block);
  PageSet marked{};
  if (!first) return marked;
  if (first->level == 1) {
    if (first->right == LeafRight::shared) return marked;
    if (all(pages)) {
      vm.table.set(arch, *first, first->frame, LeafRight::marked);
      return pages;
    }
    if (!may_splinter || !vm.table.split(arch, pool, *first, false)) return marked;
    ++vm.sharing[SharingCounter::splintered_blocks];
    first = vm.table.leaf(arch, block);
  }
  for (std::uint64_t page = 0; page < kBlockPages; ++page) {
    if (!has(pages, page)) continue;
    const Leaf leaf = vm.table.sibling(arch, *first, page);
    if (leaf.right == LeafRight::shared && is_zero(leaf.frame)) continue;
    if (leaf.right == LeafRight::write) vm.table.set(arch, leaf, leaf.frame, LeafRight::marked);
    put(marked, page);
  }
  return marked;
}

PageSet GuestFrames::marked(Arch& arch, const Vm& vm, Gpa block) const {
  const auto first = vm.table.leaf(arch, block);
  PageSet marked{};
  if (!first) return marked;
  if (first->level == 1) {
    if (first->right == LeafRight::marked) marked.fill(~std::uint64_t{0});
    return marked;
  }
  const std::uint64_t pages = pages_of(vm, block);
  for (std::uint64_t page = 0; page < pages; ++page) {
    const Leaf leaf = vm.table.sibling(arch, *first, page);
    if (leaf.right == LeafRight::marked || (leaf.right == LeafRight::shared && !is_zero(leaf.frame)))
      put(marked, page);
  }
  return marked;
}

void GuestFrames::unmark(Arch& arch, Vm& vm, Gpa block, const PageSet& pages) {
  const auto first = vm.table.leaf(arch, block);
  if (!first) return;
  if (first->level == 1) {
    if (first->right == LeafRight::marked) vm.table.set(arch, *first, first->frame, LeafRight::write);
    return;
  }
  for (std::uint64_t page = 0; page < kBlockPages; ++page) {
    if (!has(pages, page)) continue;
    const Leaf leaf = vm.table.sibling(arch, *first, page);
    if (leaf.right == LeafRight::marked) vm.table.set(arch, leaf, leaf.frame, LeafRight::write);
  }
}

void GuestFrames::share_leaf(Arch& arch, Vm& vm, const Leaf& leaf, Freed& freed) {
  const bool merged = leaf.right == LeafRight::shared;
  vm.table.set(arch, leaf, zero_block_, LeafRight::shared);
  freed.pages[freed.count++] = leaf.frame;
  count_change(arch, vm, 1, merged ? -1 : 0, merged ? 0 : -1);
}

std::uint64_t GuestFrames::share(Arch& arch, PagePool& pool, Vm& vm, Gpa block, const PageSet& pages) {
  const auto first = vm.table.leaf(arch, block);
  if (!first) return 0;
  Freed freed;
  std::uint64_t shared = 0;
  if (first->level == 1) {
    if (first->right != LeafRight::marked || !all(pages)) return 0;
    vm.table.set(arch, *first, zero_block_, LeafRight::shared);
    freed.block = first->frame;
    freed.has_block = true;
    shared = kBlockPages;
    count_change(arch, vm, kBlockPages, 0, -static_cast<std::int64_t>(kBlockPages));
  } else {
    std::uint64_t zero = 0;
    const std::uint64_t there = pages_of(vm, block);
    for (std::uint64_t page = 0; page < there; ++page) {
      const Leaf leaf = vm.table.sibling(arch, *first, page);
      const bool is_shared = leaf.right == LeafRight::shared && is_zero(leaf.frame);
      if (has(pages, page) && !is_shared && leaf.right != LeafRight::write) {
        share_leaf(arch, vm, leaf, freed);
        ++shared;
        ++zero;
      } else if (is_shared) {
        ++zero;
      }
    }
    if (zero == kBlockPages && settings_.block_leaves) {
      if (const auto table = vm.table.join(arch, block, zero_block_, LeafRight::shared)) {
        freed.table = *table;
        freed.has_table = true;
        ++vm.sharing[SharingCounter::joined_blocks];
      }
    }
  }
  settle_frames(arch, pool, vm, freed);
  return shared;
}

void GuestFrames::settle_frames(Arch& arch, PagePool& pool, Vm& vm, Freed& freed) {
  if (freed.count == 0 && !freed.has_block && !freed.has_table) return;
  fence_before_release(arch, vm, GuestFence::kWhole);
  for (std::uint64_t i = 0; i < freed.count; ++i) drop_reference(arch, pool, freed.pages[i]);
  if (freed.has_block) pool.release(arch, freed.block, PageRun::block);
  if (freed.has_table) pool.release_and_keep(arch, freed.table);  // of a 2 MiB leaf now
}

bool GuestFrames::give_back(Arch& arch, PagePool& pool, Vm& vm, Gpa at, unsigned order) {
  const std::uint64_t count = std::uint64_t{1} << order;
  const std::uint64_t first = (at.value - abi::kGuestMemoryBase) / kPageBytes;
  if (!has_zero_ || order > 9 || at.value < abi::kGuestMemoryBase || at.value % (count * kPageBytes) != 0 ||
      first >= vm.guest_pages() || vm.guest_pages() - first < count)
    return false;
  const Gpa block{at.value & ~(bytes(PageRun::block) - 1)};
  PageSet pages{};
  for (std::uint64_t page = 0; page < count; ++page) put(pages, (at.value - block.value) / kPageBytes + page);
  const Locked locked(arch, vm.sharing.lock);
  const PageSet marked = mark(arch, pool, vm, block, pages, true);
  vm.sharing[SharingCounter::released_pages] += share(arch, pool, vm, block, marked);
  return are_zero(arch, vm, block, pages);
}

bool GuestFrames::are_zero(Arch& arch, const Vm& vm, Gpa block, const PageSet& pages) const {
  const auto first = vm.table.leaf(arch, block);
  const auto is_shared = [&](const Leaf& leaf) {
    return leaf.right == LeafRight::shared && is_zero(leaf.frame);
  };
  if (!first || first->level == 1) return first && is_shared(*first);
  for (std::uint64_t page = 0; page < kBlockPages; ++page)
    if (has(pages, page) && !is_shared(vm.table.sibling(arch, *first, page))) return false;
  return true;
}

bool GuestFrames::own(Arch& arch, PagePool& pool, Vm& vm, Gpa at, std::uint64_t pages) {
  const Locked locked(arch, vm.sharing.lock);
  std::uint64_t left = kMostAhead;
  for (const Gpa end = at + pages * kPageBytes; at < end; at = at + kPageBytes) {
    const auto leaf = vm.table.leaf(arch, at);
    if (!leaf) return false;
    if (leaf->level == 1 && leaf->right == LeafRight::write) return true;  // 2 MiB at most, aligned
    if (leaf->right == LeafRight::write) continue;
    if (left-- == 0 || make_writable_locked(arch, pool, vm, at) != Outcome::writable) return false;
  }
  return true;
}

}  // namespace hv
