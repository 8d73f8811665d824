// What a guest says about its own pages by hypercalls, and what the hypervisor does about it.
#include "hypervisor/page_hints.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

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
  if (value) store_release(ever_[static_cast<std::size_t>(kind)], std::uint32_t{1});
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

bool PageHints::holds(Gpa at, std::uint64_t pages) const {
  return range_of(at, pages, Rounding::outwards).good;
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

bool PageHints::ends_with(Gpa at) const {
  const std::uint64_t next = (at.value - base_.value) / kPageBytes + 1;
  return next % granule_pages_ == 0 || next == pages_;
}

namespace {

// So that no call takes much longer than the longest routine: it cannot be interrupted.
std::uint64_t max_order(abi::Hypercall call) {
  constexpr std::uint64_t most_released = 10;
  if (call == abi::Hypercall::page_release) return most_released;
  return call == abi::Hypercall::share ? PageHints::kMaxOrder : PageHints::kMaxFrameOrder;
}

}  // namespace

// The one place where page hints arrive, whatever delivered them; abi/hypercall.h says what they mean.
std::int64_t Hypervisor::page_hint(Arch& arch, Vm& vm, abi::Hypercall call, Gpa at, std::uint64_t order) {
  if (order > max_order(call)) return abi::kErrorInvalidParameter;
  const std::uint64_t pages = std::uint64_t{1} << order;
  if (at.value % (pages * kPageBytes) != 0) return abi::kErrorInvalidParameter;
  if (!vm.hints.holds(at, pages)) return abi::kErrorInvalidAddress;
  switch (call) {
    case abi::Hypercall::page_release:
      if (!frames_.has_zero()) return abi::kErrorNotSupported;
      return take_back(arch, vm, at, order) ? abi::kSuccess : abi::kErrorFailed;
    case abi::Hypercall::share:
      return ask_to_share(arch, vm, at, pages);
    case abi::Hypercall::unshare:
      vm.hints.set(PageHints::Kind::unshared, at, pages);  // first, so that no scan shares it again
      break;
    case abi::Hypercall::page_claim:
      break;
    default:
      return abi::kErrorNotSupported;
  }
  return frames_.own(arch, pool_, vm, at, pages) ? abi::kSuccess : abi::kErrorFailed;
}

std::int64_t Hypervisor::ask_to_share(Arch& arch, Vm& vm, Gpa at, std::uint64_t pages) {
  vm.hints.clear(PageHints::Kind::unshared, at, pages);
  const SharingPolicy policy = load_relaxed(settings_.sharing.policy);
  if (!scans_maps(policy) && !scans_content(policy)) return abi::kErrorNotSupported;
  const std::uint64_t first = (at.value - abi::kGuestMemoryBase) / kPageBytes;
  const Locked locked(arch, vm.sharing.lock);
  if (scans_maps(policy)) vm.sharing.asked_map.add(first, first + pages);
  if (scans_content(policy)) vm.sharing.asked_content.add(first, first + pages);
  return abi::kSuccess;
}

std::int64_t Hypervisor::dirty_log_update(Vm& vm, Gpa at, std::uint64_t pages) {
  const bool inside = vm.hints.set_touched(PageHints::Kind::dirty, at, pages);
  return inside ? abi::kSuccess : abi::kErrorInvalidAddress;
}

}  // namespace hv
