// A VM's guest-physical to host-physical mapping: Sv39x4 tables with 4 KiB and 2 MiB leaves.
#include "hypervisor/stage_two_table.h"

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
constexpr unsigned entries(unsigned level) { return level == kTopLevel ? 2048 : 512; }

constexpr std::uint64_t index(Gpa guest, unsigned level) {
  return (guest.value >> (kPageShift + level * kIndexBits)) & (entries(level) - 1);
}
constexpr Hpa target(std::uint64_t entry) {
  return Hpa{((entry & pte::ppn_mask) >> pte::ppn_shift) << kPageShift};
}
constexpr bool is_leaf(std::uint64_t entry) { return (entry & (pte::r | pte::w | pte::x)) != 0; }
constexpr std::uint64_t pointer(Hpa to) { return (to.value >> kPageShift) << pte::ppn_shift; }

// U: the G-stage treats every access as user mode. A and D are set, so hardware need not update them.
constexpr std::uint64_t kGuestRam = pte::v | pte::r | pte::w | pte::x | pte::u | pte::a | pte::d;

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

bool StageTwoTable::map(Arch& arch, PagePool& pool, Gpa guest, Hpa host, PageRun run) {
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
  arch.write_word(entry, pointer(host) | kGuestRam);
  return true;
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

void StageTwoTable::release_table(Arch& arch, PagePool& pool, Hpa table, unsigned level) const {
  for (unsigned i = 0; i < entries(level); ++i) {
    const std::uint64_t entry = arch.read_word(table + 8 * std::uint64_t{i});
    if ((entry & pte::v) == 0) continue;
    if (!is_leaf(entry))
      release_table(arch, pool, target(entry), level - 1);
    else
      pool.release(arch, target(entry), level == 1 ? PageRun::block : PageRun::page);
  }
  pool.release(arch, table, level == kTopLevel ? PageRun::root_table : PageRun::page);
}

void StageTwoTable::release(Arch& arch, PagePool& pool) {
  if (!exists_) return;
  release_table(arch, pool, root_, kTopLevel);
  exists_ = false;
}

std::uint64_t StageTwoTable::hgatp(std::uint16_t vmid) const {
  return (csr::kModeSv39 << csr::kAtpModeShift) | (std::uint64_t{vmid} << csr::kVmidShift) |
         (root_.value >> kPageShift);
}

}  // namespace hv
