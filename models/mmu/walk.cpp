// The single steps of the page-table walk.
#include "models/mmu/walk.h"

namespace hvsim::mmu {

namespace pte = isa::pte;

namespace {

constexpr unsigned kIndexBits = 9;
constexpr std::uint64_t kPteBytes = 8;

constexpr unsigned shift_of(unsigned level) { return isa::kPageShift + kIndexBits * level; }
constexpr std::uint64_t ones(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

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

std::optional<TranslationFault::Why> malformed(std::uint64_t entry) {
  using Why = TranslationFault::Why;
  if ((entry & pte::v) == 0) return Why::not_valid;
  // Svnapot and Svpbmt are not implemented, so N and PBMT are reserved too.
  if ((entry & (pte::reserved | pte::pbmt | pte::n)) != 0) return Why::reserved_encoding;
  if ((entry & (pte::r | pte::w)) == pte::w) return Why::reserved_encoding;
  // In pointers to the next level D, A and U are reserved.
  if (!points_to_leaf(entry) && (entry & (pte::d | pte::a | pte::u)) != 0) return Why::reserved_encoding;
  return std::nullopt;
}

bool misaligned_superpage(std::uint64_t entry, unsigned level) {
  return (entry >> pte::ppn_shift & ones(kIndexBits * level)) != 0;
}

bool permits(std::uint64_t entry, isa::Access access, const Asker& asker) {
  const bool of_user = (entry & pte::u) != 0;
  if (asker.privilege == isa::Privilege::user && !of_user) return false;
  if (asker.privilege == isa::Privilege::supervisor && of_user &&
      (!asker.sum || access == isa::Access::fetch))
    return false;
  switch (access) {
    case isa::Access::fetch:
    case isa::Access::execute_read:
      return (entry & pte::x) != 0;
    case isa::Access::load:
      return (entry & pte::r) != 0 || (asker.mxr && (entry & pte::x) != 0);
    case isa::Access::store:
      return (entry & pte::w) != 0;
  }
  return false;
}

std::uint64_t missing_accessed_dirty(std::uint64_t entry, isa::Access access) {
  const std::uint64_t needed = access == isa::Access::store ? pte::a | pte::d : pte::a;
  return needed & ~entry;
}

std::uint64_t output_address(std::uint64_t entry, std::uint64_t address, unsigned level) {
  const std::uint64_t page = (entry & pte::ppn_mask) >> pte::ppn_shift << isa::kPageShift;
  const std::uint64_t offset = ones(shift_of(level));
  return (page & ~offset) | (address & offset);
}

}  // namespace hvsim::mmu
