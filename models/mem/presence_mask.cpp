// One bit per cache line of RAM: geometry and storage.
#include "models/mem/presence_mask.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hvsim::mem {

PresenceGeometry PresenceGeometry::of(unsigned line_bytes) {
  const auto lines = static_cast<unsigned>(isa::kPageBytes) / line_bytes;
  return {.line_shift = static_cast<unsigned>(std::countr_zero(line_bytes)),
          .lines_per_page = lines,
          .words_per_page = std::max(1U, lines / 64)};
}

PresenceMask::PresenceMask(MemoryRange range, PresenceGeometry geometry, AnonymousMemory memory)
    : range_(range),
      geometry_(geometry),
      memory_(std::move(memory)),
      first_line_(range.base.value >> geometry.line_shift),
      lines_(range.bytes >> geometry.line_shift),
      bit_mask_(std::min(geometry.lines_per_page, 64U) - 1),
      word_shift_(static_cast<unsigned>(std::countr_one(bit_mask_))) {}

isa::Result<PresenceMask, std::string> PresenceMask::create(MemoryRange range, unsigned line_bytes) {
  const PresenceGeometry geometry = PresenceGeometry::of(line_bytes);
  const std::uint64_t pages = (range.bytes + isa::kPageMask) >> isa::kPageShift;
  auto memory = AnonymousMemory::create(pages * geometry.words_per_page * sizeof(std::uint64_t));
  if (!memory) return isa::Failure{"line presence masks: " + memory.error()};
  return PresenceMask(range, geometry, std::move(memory.value()));
}

bool PresenceMask::covers_many(std::uint64_t first, std::uint64_t last) const {
  if (first >= lines_ || last >= lines_ || first > last) return false;
  std::uint64_t line = first;
  for (; last - line >= kMostAbsent; line += kMostAbsent)
    if (absent_at(line, kMostAbsent) != 0) return false;
  return absent_at(line, static_cast<unsigned>(last - line) + 1) == 0;
}

std::uint64_t PresenceMask::absent_one_by_one(std::uint64_t first, unsigned count) const {
  std::uint64_t absent = 0;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t line = first + i;
    const bool present = line < lines_ && (words()[line >> word_shift_] & bit(line)) != 0;
    absent |= std::uint64_t{!present} << i;
  }
  return absent;
}

}  // namespace hvsim::mem
