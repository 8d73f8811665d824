// The host-physical pages that VMs and their tables are made of: one bit per free 4 KiB page.
#include "hypervisor/page_pool.h"

#include <algorithm>

#include "hypervisor/bits.h"
#include "hypervisor/locked.h"

namespace hv {

using hvsim::isa::kPageBytes;
using hvsim::isa::kPageShift;

void PagePool::add(Hpa base, std::uint64_t size) {
  base_ = Hpa{base.value & ~(bytes(PageRun::block) - 1)};
  const std::uint64_t first = (base.value - base_.value + kPageBytes - 1) >> kPageShift;
  pages_ = std::min(kMaxPoolPages, (base.value - base_.value + size) >> kPageShift);
  if (first < pages_) set_run(first, pages_ - first, true);
}

void PagePool::reserve(Hpa base, std::uint64_t size) {
  if (size == 0) return;
  const std::uint64_t start = std::max(base.value, base_.value);
  const std::uint64_t end = base.value + size < base.value ? ~std::uint64_t{0} : base.value + size;
  if (end <= start) return;
  const std::uint64_t first = (start - base_.value) >> kPageShift;
  const std::uint64_t last = std::min(pages_, ((end - 1 - base_.value) >> kPageShift) + 1);
  for (std::uint64_t page = first; page < last; ++page)
    if (run_is(page, 1, true)) set_run(page, 1, false);
}

std::optional<Hpa> PagePool::allocate(Arch& arch, PageRun run) {
  const Locked locked(arch, lock_);
  const auto pages = static_cast<std::uint64_t>(run);
  if (pages_to_give() < pages) return std::nullopt;
  const auto first = run == PageRun::block ? find_block() : find_small(pages);
  if (!first) return std::nullopt;
  take(arch, *first, pages);
  return base_ + (*first << kPageShift);
}

std::optional<Hpa> PagePool::take_kept(Arch& arch) {
  const Locked locked(arch, lock_);
  const auto first = find_small(1);
  if (!first) return std::nullopt;
  if (kept_pages_ != 0) --kept_pages_;
  take(arch, *first, 1);
  return base_ + (*first << kPageShift);
}

void PagePool::take(Arch& arch, std::uint64_t first, std::uint64_t pages) {
  arch.charge(Work::pool_call, 1);
  arch.charge(Work::pool_page, pages);
  set_run(first, pages, false);
  least_free_pages_ = std::min(least_free_pages_, free_pages_);
}

bool PagePool::release(Arch& arch, Hpa at, PageRun run) {
  if (at < base_ || at.value % bytes(run) != 0) return false;
  const Locked locked(arch, lock_);
  return put_back(arch, at, static_cast<std::uint64_t>(run));
}

bool PagePool::release_and_keep(Arch& arch, Hpa table) {
  if (table < base_ || table.value % kPageBytes != 0) return false;
  const Locked locked(arch, lock_);
  const bool taken = put_back(arch, table, 1);
  kept_pages_ += taken ? 1 : 0;
  return taken;
}

bool PagePool::put_back(Arch& arch, Hpa at, std::uint64_t pages) {
  const std::uint64_t first = (at.value - base_.value) >> kPageShift;
  if (first >= pages_ || pages_ - first < pages || !run_is(first, pages, false)) return false;
  arch.charge(Work::pool_call, 1);
  arch.charge(Work::pool_page, pages);
  set_run(first, pages, true);
  top_word_ = std::max(top_word_, (first + pages - 1) / 64);
  return true;
}

bool PagePool::keep(Arch& arch, std::uint64_t pages) {
  const Locked locked(arch, lock_);
  if (pages_to_give() < pages) return false;
  kept_pages_ += pages;
  return true;
}

void PagePool::keep_no_more(Arch& arch, std::uint64_t pages) {
  const Locked locked(arch, lock_);
  kept_pages_ -= std::min(pages, kept_pages_);
}

bool PagePool::is_free(Hpa page) const {
  if (page < base_) return false;
  const std::uint64_t number = (page.value - base_.value) >> kPageShift;
  return number < pages_ && run_is(number, 1, true);
}

bool PagePool::run_is(std::uint64_t first, std::uint64_t pages, bool free) const {
  for (std::uint64_t page = first; page < first + pages; ++page)
    if (((free_[page / 64] >> (page % 64)) & 1) != (free ? 1u : 0u)) return false;
  return true;
}

void PagePool::set_run(std::uint64_t first, std::uint64_t pages, bool free) {
  for (std::uint64_t page = first; page < first + pages; ++page) {
    const std::uint64_t bit = std::uint64_t{1} << (page % 64);
    free_[page / 64] = free ? free_[page / 64] | bit : free_[page / 64] & ~bit;
  }
  free_pages_ = free ? free_pages_ + pages : free_pages_ - pages;
}

std::optional<std::uint64_t> PagePool::find_block() const {
  constexpr std::uint64_t words_per_block = 512 / 64;
  for (std::uint64_t word = 0; word + words_per_block <= (pages_ + 63) / 64; word += words_per_block) {
    bool all = true;
    for (std::uint64_t i = 0; i < words_per_block && all; ++i) all = free_[word + i] == ~std::uint64_t{0};
    if (all) return word * 64;
  }
  return std::nullopt;
}

// Highest aligned run of 1 or 4 free pages; such a run never crosses a word.
std::optional<std::uint64_t> PagePool::find_small(std::uint64_t pages) {
  constexpr std::uint64_t every_fourth = 0x1111111111111111;
  while (top_word_ != 0 && free_[top_word_] == 0) --top_word_;
  for (std::uint64_t word = top_word_ + 1; word-- != 0;) {
    std::uint64_t starts = free_[word];
    if (pages == 4) starts &= (starts >> 1) & (starts >> 2) & (starts >> 3) & every_fourth;
    if (starts != 0) return word * 64 + highest_bit(starts);
  }
  return std::nullopt;
}

bool PagePool::audit(Arch& arch) {
  const Locked locked(arch, lock_);
  std::uint64_t free = 0;
  for (std::uint64_t word = 0; word < (pages_ + 63) / 64; ++word)
    for (std::uint64_t left = free_[word]; left != 0; left &= left - 1) ++free;
  return free == free_pages_ && kept_pages_ <= free;
}

}  // namespace hv
