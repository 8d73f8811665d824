// A VM's guest-physical to host-physical mapping: Sv39x4 tables with 4 KiB and 2 MiB leaves.
#include "hypervisor/stage_two_table.h"

#include "hypervisor/atomics.h"
#include "hypervisor/inspection.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
namespace pte = hvsim::isa::pte;
using hvsim::isa::kPageShift;

constexpr unsigned kTopLevel = 2, kIndexBits = 9, kGuestBits = 41;

// The root of Sv39x4 has 2048 entries: its index takes two bits more (H extension, "Guest Physical
// Addresses").
constexpr std::uint64_t index(Gpa guest, unsigned level) {
  const std::uint64_t mask = level == kTopLevel ? 2047 : 511;
  return (guest.value >> (kPageShift + level * kIndexBits)) & mask;
}
constexpr Hpa target(std::uint64_t entry) {
  return Hpa{((entry & pte::ppn_mask) >> pte::ppn_shift) << kPageShift};
}
constexpr bool is_leaf(std::uint64_t entry) { return (entry & (pte::r | pte::w | pte::x)) != 0; }
constexpr std::uint64_t pointer(Hpa to) { return (to.value >> kPageShift) << pte::ppn_shift; }

// U: the G-stage treats every access as user mode. A and D are set, so hardware need not update them.
constexpr std::uint64_t kReadOnly = pte::v | pte::r | pte::x | pte::u | pte::a | pte::d;

constexpr std::uint64_t rights(LeafRight right) {
  switch (right) {
    case LeafRight::write:
      return kReadOnly | pte::w;
    case LeafRight::marked:
      return kReadOnly;
    case LeafRight::shared:
      return kReadOnly | kSharedLeaf;
  }
  return 0;
}
constexpr LeafRight right_of(std::uint64_t entry) {
  if ((entry & pte::w) != 0) return LeafRight::write;
  return (entry & kSharedLeaf) != 0 ? LeafRight::shared : LeafRight::marked;
}

}  // namespace

bool StageTwoTable::create(Arch& arch, PagePool& pool) {
  const auto root = pool.allocate(arch, PageRun::root_table);
  if (!root) return false;
  arch.zero(*root, bytes(PageRun::root_table));
  root_ = *root;
  exists_ = true;
  return true;
}

// The table that the entry at `entry` points to, made if there is none. Empty: a leaf is there, or no memory.
std::optional<Hpa> StageTwoTable::table_below(Arch& arch, PagePool& pool, Hpa entry) const {
  const std::uint64_t old = arch.read_word(entry);
  if ((old & pte::v) != 0) return is_leaf(old) ? std::nullopt : std::optional{target(old)};
  const auto table = pool.allocate(arch, PageRun::page);
  if (!table) return std::nullopt;
  arch.zero(*table, bytes(PageRun::page));
  arch.write_word(entry, pointer(*table) | pte::v);
  return table;
}

bool StageTwoTable::map(Arch& arch, PagePool& pool, Gpa guest, Hpa host, PageRun run, LeafRight right) {
  const bool aligned = guest.value % bytes(run) == 0 && host.value % bytes(run) == 0;
  if (!exists_ || !aligned || run == PageRun::root_table || (guest.value >> kGuestBits) != 0) return false;
  const unsigned leaf_level = run == PageRun::block ? 1 : 0;
  Hpa table = root_;
  for (unsigned level = kTopLevel; level > leaf_level; --level) {
    const auto below = table_below(arch, pool, table + 8 * index(guest, level));
    if (!below) return false;
    table = *below;
  }
  const Hpa entry = table + 8 * index(guest, leaf_level);
  if ((arch.read_word(entry) & pte::v) != 0) return false;
  arch.write_word(entry, pointer(host) | rights(right));
  return true;
}

StageTwoTable::Leaf StageTwoTable::as_leaf(Hpa entry, std::uint64_t value, unsigned level) {
  return {entry, target(value), level, right_of(value)};
}

std::optional<StageTwoTable::Leaf> StageTwoTable::leaf(Arch& arch, Gpa guest) const {
  if (!exists_ || (guest.value >> kGuestBits) != 0) return std::nullopt;
  Hpa table = root_;
  for (unsigned level = kTopLevel;; --level) {
    const Hpa entry = table + 8 * index(guest, level);
    const std::uint64_t value = arch.read_word(entry);
    if ((value & pte::v) == 0) return std::nullopt;
    if (is_leaf(value)) return as_leaf(entry, value, level);
    if (level == 0) return std::nullopt;
    table = target(value);
  }
}

void StageTwoTable::set(Arch& arch, const Leaf& leaf, Hpa frame, LeafRight right) {
  arch.write_word(leaf.entry, pointer(frame) | rights(right));
}

bool StageTwoTable::split(Arch& arch, PagePool& pool, const Leaf& block, bool one_frame) {
  const auto table = pool.take_kept(arch);
  if (!table) return false;
  for (std::uint64_t i = 0; i < 512; ++i)
    arch.write_word(*table + 8 * i,
                    pointer(block.frame + (one_frame ? 0 : i << kPageShift)) | rights(block.right));
  order();  // the entries are there before the pointer to them
  arch.write_word(block.entry, pointer(*table) | pte::v);
  return true;
}

// The entry for `guest` in the table of `level`, if the walk gets there through tables.
std::optional<Hpa> StageTwoTable::entry_at(Arch& arch, Gpa guest, unsigned level) const {
  if (!exists_ || (guest.value >> kGuestBits) != 0) return std::nullopt;
  Hpa table = root_;
  for (unsigned at = kTopLevel; at > level; --at) {
    const std::uint64_t value = arch.read_word(table + 8 * index(guest, at));
    if ((value & pte::v) == 0 || is_leaf(value)) return std::nullopt;
    table = target(value);
  }
  return table + 8 * index(guest, level);
}

std::optional<Hpa> StageTwoTable::join(Arch& arch, Gpa guest, Hpa frame, LeafRight right) {
  const auto entry = entry_at(arch, guest, 1);
  if (!entry) return std::nullopt;
  const std::uint64_t old = arch.read_word(*entry);
  if ((old & pte::v) == 0 || is_leaf(old)) return std::nullopt;
  arch.write_word(*entry, pointer(frame) | rights(right));
  return target(old);
}

std::uint64_t StageTwoTable::count_tables(Arch& arch, Hpa table, unsigned level) const {
  std::uint64_t pages = level == kTopLevel ? static_cast<std::uint64_t>(PageRun::root_table) : 1;
  for (unsigned i = 0; level != 0 && i < entries(level); ++i) {
    const std::uint64_t entry = arch.read_word(table + 8 * std::uint64_t{i});
    if ((entry & pte::v) != 0 && !is_leaf(entry)) pages += count_tables(arch, target(entry), level - 1);
  }
  return pages;
}

std::uint64_t StageTwoTable::table_pages(Arch& arch) const {
  return exists_ ? count_tables(arch, root_, kTopLevel) : 0;
}

std::optional<StageTwoTable::Mapping> StageTwoTable::lookup(Arch& arch, Gpa guest) const {
  if (!exists_ || (guest.value >> kGuestBits) != 0) return std::nullopt;
  Hpa table = root_;
  for (unsigned level = kTopLevel;; --level) {
    const std::uint64_t entry = arch.read_word(table + 8 * index(guest, level));
    if ((entry & pte::v) == 0) return std::nullopt;
    if (is_leaf(entry)) {
      const std::uint64_t size = std::uint64_t{1} << (kPageShift + level * kIndexBits);
      const std::uint64_t offset = guest.value & (size - 1);
      return Mapping{target(entry) + offset, size - offset};
    }
    if (level == 0) return std::nullopt;
    table = target(entry);
  }
}

void StageTwoTable::release_table(Arch& arch, PagePool& pool, Hpa table, unsigned level, bool leaves) const {
  for (unsigned i = 0; i < entries(level); ++i) {
    const std::uint64_t entry = arch.read_word(table + 8 * std::uint64_t{i});
    if ((entry & pte::v) == 0) continue;
    if (!is_leaf(entry))
      release_table(arch, pool, target(entry), level - 1, leaves);
    else if (leaves)
      pool.release(arch, target(entry), level == 1 ? PageRun::block : PageRun::page);
  }
  pool.release(arch, table, level == kTopLevel ? PageRun::root_table : PageRun::page);
}

void StageTwoTable::release(Arch& arch, PagePool& pool) {
  if (!exists_) return;
  release_table(arch, pool, root_, kTopLevel, true);
  exists_ = false;
}

void StageTwoTable::release_tables(Arch& arch, PagePool& pool) {
  if (!exists_) return;
  release_table(arch, pool, root_, kTopLevel, false);
  exists_ = false;
}

std::uint64_t StageTwoTable::hgatp(std::uint16_t vmid) const {
  return (csr::kModeSv39 << csr::kAtpModeShift) | (std::uint64_t{vmid} << csr::kVmidShift) |
         (root_.value >> kPageShift);
}

}  // namespace hv
