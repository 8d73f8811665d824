// The single steps of the page-table walk.
#include "models/mmu/walk.h"

namespace hvsim::mmu {

namespace pte = isa::pte;
using Why = TranslationFault::Why;

namespace {

constexpr unsigned kIndexBits = 9;
constexpr std::uint64_t kPteBytes = 8;

constexpr unsigned shift_of(unsigned level) { return isa::kPageShift + kIndexBits * level; }
constexpr std::uint64_t ones(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

// Any of these lets the access through. HLVX takes X in R's place, whatever MXR says.
constexpr std::uint64_t rights_for(isa::Access access, bool mxr) {
  switch (access) {
    case isa::Access::fetch:
    case isa::Access::execute_read:
      return pte::x;
    case isa::Access::load:
      return mxr ? pte::r | pte::x : pte::r;
    case isa::Access::store:
      break;
  }
  return pte::w;
}

constexpr std::uint64_t kHighBits = pte::reserved | pte::pbmt | pte::n;

// Chapters "Svnapot" and "Svpbmt": in pointers, N and PBMT are reserved always.
std::optional<Why> malformed_high_bits(std::uint64_t entry, unsigned level, PteFormat format, bool leaf) {
  if ((entry & (leaf ? pte::reserved : kHighBits)) != 0) return Why::reserved_bits;
  const std::uint64_t memory_type = (entry & pte::pbmt) >> pte::pbmt_shift;
  if (memory_type == pte::pbmt_reserved || (memory_type != 0 && !format.pbmt)) return Why::memory_type;
  const bool is_64k = level == 0 && (entry >> pte::ppn_shift & pte::napot_mask) == pte::napot_64k;
  if ((entry & pte::n) != 0 && !(format.napot && is_64k)) return Why::napot_size;
  return std::nullopt;
}

}  // namespace

bool address_fits(const isa::PagingScheme& scheme, Stage stage, std::uint64_t address) {
  if (stage == Stage::g_stage) return address >> scheme.va_bits == 0;
  const unsigned unused = 64U - scheme.va_bits;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << unused) >> unused) == address;
}

std::uint64_t pte_address(const isa::PagingScheme& scheme, std::uint64_t table, std::uint64_t address,
                          unsigned level) {
  const bool root = level + 1U == scheme.levels;
  const unsigned index_bits = kIndexBits + (root ? scheme.root_extra_bits : 0U);
  return table + (address >> shift_of(level) & ones(index_bits)) * kPteBytes;
}

std::optional<Why> malformed(std::uint64_t entry, unsigned level, PteFormat format) {
  if ((entry & pte::v) == 0) return Why::not_valid;
  if ((entry & (pte::r | pte::w)) == pte::w) return Why::reserved_encoding;
  const bool leaf = points_to_leaf(entry);
  if (!leaf && (entry & (pte::d | pte::a | pte::u)) != 0) return Why::reserved_encoding;
  if ((entry & kHighBits) == 0) return std::nullopt;
  return malformed_high_bits(entry, level, format, leaf);
}

bool misaligned_superpage(std::uint64_t entry, unsigned level) {
  return (entry >> pte::ppn_shift & ones(kIndexBits * level)) != 0;
}

std::optional<Why> forbidden(std::uint64_t entry, isa::Access access, const Asker& asker) {
  const bool of_user = (entry & pte::u) != 0;
  const bool supervisor_may = !of_user || (asker.sum && access != isa::Access::fetch);
  if (asker.privilege == isa::Privilege::user ? !of_user : !supervisor_may) return Why::privilege;
  if ((entry & rights_for(access, asker.mxr)) == 0) return Why::permission;
  return std::nullopt;
}

std::uint64_t missing_accessed_dirty(std::uint64_t entry, isa::Access access) {
  const std::uint64_t needed = access == isa::Access::store ? pte::a | pte::d : pte::a;
  return needed & ~entry;
}

std::uint64_t output_address(std::uint64_t entry, std::uint64_t address, unsigned level) {
  const std::uint64_t page = (entry & pte::ppn_mask) >> pte::ppn_shift << isa::kPageShift;
  const std::uint64_t offset = ones(isa::leaf_shift(level, entry));
  return (page & ~offset) | (address & offset);
}

}  // namespace hvsim::mmu
