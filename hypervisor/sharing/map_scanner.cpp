// Shares free pages by the VMs' memory maps, in the order of the claims, in bounded steps.
#include "hypervisor/sharing/map_scanner.h"

#include <algorithm>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/bits.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

using PageSet = GuestFrames::PageSet;
using hvsim::isa::kPageBytes;

constexpr std::uint64_t kBlockPages = 512;

Gpa address(std::uint64_t page) { return Gpa{abi::kGuestMemoryBase + page * kPageBytes}; }

void put(PageSet& pages, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t page = first; page < first + count; ++page)
    pages[page / 64] |= std::uint64_t{1} << page % 64;
}

std::uint64_t count(const PageSet& pages) {
  std::uint64_t sum = 0;
  for (const std::uint64_t word : pages) sum += count_bits(word);
  return sum;
}

// Takes up to `most` pages out of the set, the first ones.
void take_out(PageSet& pages, std::uint64_t& most) {
  for (std::uint64_t& word : pages)
    for (; word != 0 && most != 0; --most) word &= word - 1;
}

}  // namespace

void MapScanner::begin(Arch& arch, const GuestFrames& frames, Vm& vm) {
  free_ = 0;
  reserve_ = asked_end_ != 0 ? 0 : frames.settings().reserve_pages;
  if (frames.settings().source != MapSource::cooperative) return;  // introspection fills in the layout
  const auto layout = published_layout(arch, vm);
  vm.sharing.map = layout.value_or(MapLayout{});
}

// C1 and R. The reserve comes out of blocks that are not wholly free: that is where small allocations go.
void MapScanner::first_look(Arch& arch, PagePool& pool, GuestFrames& frames, Vm& vm) {
  MapReader reader(arch, vm, vm.sharing.map);
  PageSet free{};
  reader.look(page_, [&](std::uint64_t first, std::uint64_t pages, std::uint64_t) {
    put(free, first - page_, pages);
  });
  leave_unshared(vm, free);
  const std::uint64_t found = count(free);
  free_ += found;
  vm.sharing[SharingCounter::first_free_pages] += found;
  vm.sharing[SharingCounter::scanned_pages] += kBlockPages;
  const SharingSettings& settings = frames.settings();
  if (found != kBlockPages) take_out(free, reserve_);
  if (settings.ablation == SharingAblation::scan_only || count(free) == 0) return;
  frames.mark(arch, pool, vm, address(page_), free, found >= settings.splinter_free_pages);
}

// C2 and sharing.
void MapScanner::second_look(Arch& arch, PagePool& pool, GuestFrames& frames, Vm& vm) {
  const SharingSettings& settings = frames.settings();
  const PageSet marked = frames.marked(arch, vm, address(page_));
  PageSet still{};
  if (settings.ablation == SharingAblation::no_second_check) {
    still = marked;
  } else {
    MapReader reader(arch, vm, vm.sharing.map);
    const std::uint64_t now = arch.ticks();
    reader.look(page_, [&](std::uint64_t first, std::uint64_t pages, std::uint64_t since) {
      PageSet run{};
      put(run, first - page_, pages);
      for (std::size_t i = 0; i < run.size(); ++i) still[i] |= run[i] &= marked[i];
      if (since != 0) vm.sharing.note_detected(count(run), now - since);
    });
    vm.sharing[SharingCounter::scanned_pages] += kBlockPages;
  }
  if (count(still) == kBlockPages && reserve_ != 0) {  // what small stretches could not provide
    reserve_ -= std::min(reserve_, kBlockPages);
    still = {};
  }
  vm.sharing[SharingCounter::second_free_pages] += count(still);
  if (settings.ablation == SharingAblation::splinter_only) still = {};
  shared_ += frames.share(arch, pool, vm, address(page_), still);
  frames.unmark(arch, vm, address(page_), marked);
}

// What the guest wants to keep frames for.
void MapScanner::leave_unshared(const Vm& vm, PageSet& pages) const {
  if (!vm.hints.ever(PageHints::Kind::unshared)) return;
  for (std::uint64_t page = 0; page < kBlockPages; ++page)
    if ((pages[page / 64] >> page % 64 & 1) != 0 &&
        vm.hints.at(PageHints::Kind::unshared, address(page_ + page)))
      pages[page / 64] &= ~(std::uint64_t{1} << page % 64);
}

// A round over all VMs, or before that one over the pages that a guest asked to be looked at: of one guest at
// a time, so that nobody can keep others from their round by asking.
void MapScanner::begin_round(Arch& arch, std::span<Vm> vms) {
  phase_ = Phase::first;
  shared_ = 0;
  const bool all_are_due = asked_end_ != 0;
  for (std::size_t i = 0; i < vms.size() && !all_are_due; ++i) {
    vm_ = asked_vm_ = (asked_vm_ + 1) % static_cast<std::uint32_t>(vms.size());
    VmSharing& sharing = vms[vm_].sharing;
    const Locked locked(arch, sharing.lock);
    const AskedPages asked = sharing.asked_map;
    sharing.asked_map = {};
    if (!asked.any()) continue;
    page_ = first_ = asked.first / kBlockPages * kBlockPages;
    asked_end_ = asked.end;
    return;
  }
  vm_ = 0;
  page_ = first_ = asked_end_ = 0;
}

std::uint64_t MapScanner::end_of(const Vm& vm) const {
  return asked_end_ == 0 ? vm.guest_pages() : std::min(vm.guest_pages(), asked_end_);
}

bool MapScanner::next_vm(std::size_t count) {
  if (asked_end_ != 0) {
    phase_ = Phase::between;
    return false;
  }
  phase_ = Phase::first;
  page_ = 0;
  if (++vm_ < count) return false;
  phase_ = Phase::between;
  vm_ = 0;
  return true;
}

bool MapScanner::step(Arch& arch, PagePool& pool, GuestFrames& frames, std::span<Vm> vms) {
  if (phase_ == Phase::between) begin_round(arch, vms);
  Vm& vm = vms[vm_];
  const Locked locked(arch, vm.sharing.lock);
  if (vm.state != Vm::State::alive) return next_vm(vms.size());
  const Cycles start = arch.cycles();
  if (phase_ == Phase::first && page_ == first_) begin(arch, frames, vm);
  if (vm.sharing.map.present == 0) {
    if (frames.settings().source == MapSource::cooperative) ++vm.sharing[SharingCounter::declined];
    return next_vm(vms.size());
  }
  if (phase_ == Phase::fence) {
    if (frames.settings().ablation != SharingAblation::no_remote_fence) frames.fence(arch, vm);
    phase_ = Phase::second;
    page_ = first_;
  } else {
    const std::uint64_t end =
        std::min(end_of(vm), page_ + std::max<std::uint64_t>(frames.settings().step_pages, kBlockPages));
    for (; page_ < end; page_ += kBlockPages)
      phase_ == Phase::first ? first_look(arch, pool, frames, vm) : second_look(arch, pool, frames, vm);
  }
  vm.sharing[SharingCounter::scan_cycles] += arch.cycles() - start;
  if (phase_ == Phase::second && page_ >= end_of(vm)) {
    if (asked_end_ == 0) {
      vm.sharing[SharingCounter::free_pages] = free_;
      ++vm.sharing[SharingCounter::rounds];
    }
    return next_vm(vms.size());
  }
  if (phase_ == Phase::first && page_ >= end_of(vm)) {
    phase_ = Phase::fence;
    if (frames.settings().ablation == SharingAblation::scan_only) {
      // nothing was marked, so nobody needs a fence; the second look costs what it costs
      phase_ = Phase::second;
      page_ = first_;
    }
  }
  return false;
}

}  // namespace hv
