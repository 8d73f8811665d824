// One bit per cache line of RAM: geometry and storage.
#include "models/mem/presence_mask.h"

#include <algorithm>
#include <bit>

namespace hvsim::mem {

PresenceGeometry PresenceGeometry::of(unsigned line_bytes) {
  const auto lines = static_cast<unsigned>(isa::kPageBytes) / line_bytes;
  return {.line_shift = static_cast<unsigned>(std::countr_zero(line_bytes)),
          .lines_per_page = lines,
          .words_per_page = std::max(1U, lines / 64)};
}

isa::Result<PresenceMask, std::string> PresenceMask::create(MemoryRange range, unsigned line_bytes) {
  const PresenceGeometry geometry = PresenceGeometry::of(line_bytes);
  const std::uint64_t pages = (range.bytes + isa::kPageMask) >> isa::kPageShift;
  auto memory = AnonymousMemory::create(pages * geometry.words_per_page * sizeof(std::uint64_t));
  if (!memory) return isa::Failure{"line presence masks: " + memory.error()};
  return PresenceMask(range, geometry, std::move(memory.value()));
}

}  // namespace hvsim::mem
