// What a walk rarely needs: PTEs with bits of Svnapot and Svpbmt.
#include "models/mmu/walk.h"

namespace hvsim::mmu::steps {

namespace pte = isa::pte;
using Why = TranslationFault::Why;

// Chapters "Svnapot" and "Svpbmt": in pointers, N and PBMT are reserved always.
std::optional<Why> malformed_high_bits(std::uint64_t entry, unsigned level, PteFormat format, bool leaf) {
  if ((entry & (leaf ? pte::reserved : kHighBits)) != 0) return Why::reserved_bits;
  const std::uint64_t memory_type = (entry & pte::pbmt) >> pte::pbmt_shift;
  if (memory_type == pte::pbmt_reserved || (memory_type != 0 && !format.pbmt)) return Why::memory_type;
  const bool is_64k = level == 0 && (entry >> pte::ppn_shift & pte::napot_mask) == pte::napot_64k;
  if ((entry & pte::n) != 0 && !(format.napot && is_64k)) return Why::napot_size;
  return std::nullopt;
}

}  // namespace hvsim::mmu::steps
