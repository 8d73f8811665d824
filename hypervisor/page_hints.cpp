// What a guest says about its own pages by hypercalls, and what the hypervisor does about it.
#include "hypervisor/page_hints.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"

namespace hv {

using hvsim::isa::kPageBytes;

void PageHints::configure(Gpa base, std::uint64_t bytes) {
  base_ = base;
  pages_ = bytes / kPageBytes;
  granule_pages_ = std::max<std::uint64_t>(1, (pages_ + kGranules - 1) / kGranules);
}

PageHints::Range PageHints::range_of(Gpa at, std::uint64_t pages, Rounding rounding) const {
  if (at.value % kPageBytes != 0 || at < base_) return {};
  const std::uint64_t first = (at.value - base_.value) / kPageBytes;
  if (pages == 0 || pages > pages_ || first > pages_ - pages) return {};
  const std::uint64_t end = first + pages, whole = granule_pages_ - 1;
  if (rounding == Rounding::outwards) return {first / granule_pages_, (end + whole) / granule_pages_, true};
  // The last granule may reach beyond the memory: it ends with it.
  const std::uint64_t last = end == pages_ ? end + whole : end;
  return {(first + whole) / granule_pages_, last / granule_pages_, true};
}

void PageHints::write(Kind kind, Range range, bool value) {
  auto& words = bits_[static_cast<std::size_t>(kind)];
  for (std::uint64_t granule = range.first; granule < range.end;) {
    const std::uint64_t count = std::min<std::uint64_t>(64 - granule % 64, range.end - granule);
    const std::uint64_t ones = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    std::uint64_t& word = words[granule / 64];
    if (value)
      add_bits(word, ones << granule % 64);
    else
      remove_bits(word, ones << granule % 64);
    granule += count;
  }
}

bool PageHints::set(Kind kind, Gpa at, std::uint64_t pages) {
  const Range range = range_of(at, pages, Rounding::inwards);
  write(kind, range, true);
  return range.good;
}

bool PageHints::clear(Kind kind, Gpa at, std::uint64_t pages) {
  const Range range = range_of(at, pages, Rounding::outwards);
  write(kind, range, false);
  return range.good;
}

bool PageHints::set_touched(Kind kind, Gpa at, std::uint64_t pages) {
  const Range range = range_of(at, pages, Rounding::outwards);
  write(kind, range, true);
  return range.good;
}

std::uint64_t PageHints::words(Gpa at, std::uint64_t pages) const {
  const Range range = range_of(at, pages, Rounding::outwards);
  return range.good ? (range.end + 63) / 64 - range.first / 64 : 0;
}

bool PageHints::at(Kind kind, Gpa at) const {
  const Range range = range_of(Gpa{at.value & ~hvsim::isa::kPageMask}, 1, Rounding::outwards);
  if (!range.good) return false;
  return (load_acquire(bits_[static_cast<std::size_t>(kind)][range.first / 64]) >> range.first % 64 & 1) != 0;
}

std::uint64_t PageHints::count(Kind kind) const {
  std::uint64_t count = 0;
  for (const std::uint64_t& word : bits_[static_cast<std::size_t>(kind)])
    for (std::uint64_t left = load_acquire(word); left != 0; left &= left - 1) ++count;
  return count;
}

// The one place where page hints arrive, whatever delivered them. Policies that take pages back act on
// `page_release`; of the others only the bits are kept, which no policy reads yet.
std::int64_t Hypervisor::page_hint(Arch& arch, Vm& vm, abi::Hypercall call, Gpa at, std::uint64_t order) {
  if (order > PageHints::kMaxOrder) return abi::kErrorInvalidParameter;
  const std::uint64_t pages = std::uint64_t{1} << order;
  if (at.value % (pages * kPageBytes) != 0) return abi::kErrorInvalidParameter;
  bool inside = false;
  switch (call) {
    case abi::Hypercall::page_release:
      inside = vm.hints.set(PageHints::Kind::released, at, pages);
      if (inside && takes_back(load_relaxed(settings_.sharing.policy))) take_back(arch, vm, at, order);
      break;
    case abi::Hypercall::page_claim:
      inside = vm.hints.clear(PageHints::Kind::released, at, pages);
      break;
    case abi::Hypercall::share:
      inside = vm.hints.set(PageHints::Kind::shareable, at, pages);
      break;
    case abi::Hypercall::unshare:
      inside = vm.hints.clear(PageHints::Kind::shareable, at, pages);
      break;
    default:
      return abi::kErrorNotSupported;
  }
  return inside ? abi::kSuccess : abi::kErrorInvalidAddress;
}

std::int64_t Hypervisor::dirty_log_update(Vm& vm, Gpa at, std::uint64_t pages) {
  const bool inside = vm.hints.set_touched(PageHints::Kind::dirty, at, pages);
  return inside ? abi::kSuccess : abi::kErrorInvalidAddress;
}

}  // namespace hv
