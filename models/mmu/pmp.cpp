// Physical memory protection: address matching and the permission check of the privileged manual.
#include "models/mmu/pmp.h"

#include <algorithm>
#include <bit>

namespace hvsim::mmu {

namespace {

namespace cfg_bit {
constexpr unsigned r = 1, w = 2, x = 4, l = 0x80;
}
enum class Matching : std::uint8_t { off = 0, tor = 1, na4 = 2, napot = 3 };

constexpr std::uint64_t kAddrMask = (std::uint64_t{1} << 54) - 1;  // pmpaddr holds address bits 55:2

Matching matching(std::uint8_t cfg) { return static_cast<Matching>(cfg >> 3 & 3); }

unsigned needed(isa::Access access) {
  switch (access) {
    case isa::Access::fetch:
      return cfg_bit::x;
    case isa::Access::load:
      return cfg_bit::r;
    case isa::Access::store:
      return cfg_bit::w;
    case isa::Access::execute_read:
      return cfg_bit::r | cfg_bit::x;
  }
  return ~0U;
}

// The base of a NAPOT range is pmpaddr without its trailing ones and the zero above them.
void napot_range(std::uint64_t addr, std::uint64_t& first, std::uint64_t& last) {
  const auto ones = static_cast<unsigned>(std::countr_one(addr));
  const std::uint64_t size = std::uint64_t{8} << ones;
  first = (addr << 2) & ~(size - 1);
  last = first + size - 1;
}

}  // namespace

void Pmp::update(std::span<const std::uint8_t> cfg, std::span<const std::uint64_t> addr) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < std::min(cfg.size(), addr.size()); ++i) {
    const std::uint64_t here = addr[i] & kAddrMask;
    Entry entry{0, 0, cfg[i]};
    switch (matching(cfg[i])) {
      case Matching::off:
        continue;
      case Matching::tor: {
        const std::uint64_t below = i == 0 ? 0 : addr[i - 1] & kAddrMask;
        if (below >= here) continue;  // an empty range matches nothing
        entry.first = below << 2;
        entry.last = (here << 2) - 1;
        break;
      }
      case Matching::na4:
        entry.first = here << 2;
        entry.last = entry.first + 3;
        break;
      case Matching::napot:
        napot_range(here, entry.first, entry.last);
        break;
    }
    entries.push_back(entry);
  }
  const bool implemented = !cfg.empty();
  if (implemented == implemented_ && entries == entries_) return;
  entries_ = std::move(entries);
  constexpr unsigned all = cfg_bit::r | cfg_bit::w | cfg_bit::x;
  open_ = !entries_.empty() && (entries_.front().cfg & all) == all ? entries_.front() : kNowhere;
  implemented_ = implemented;
  ++generation_;
}

bool Pmp::look_up(isa::Hpa address, unsigned bytes, isa::Access access, isa::Privilege privilege) const {
  const bool machine = privilege == isa::Privilege::machine;
  const std::uint64_t first = address.value, last = first + bytes - 1;
  for (const Entry& entry : entries_) {
    if (last < entry.first || first > entry.last) continue;
    if (first < entry.first || last > entry.last) return false;  // irrespective of L, R, W and X
    if (machine && (entry.cfg & cfg_bit::l) == 0) return true;
    return (entry.cfg & needed(access)) == needed(access);
  }
  return machine || !implemented_;
}

// Or in none.
bool Pmp::lies_in_one_entry(std::uint64_t first, std::uint64_t last) const {
  for (const Entry& entry : entries_) {
    if (last < entry.first || first > entry.last) continue;
    return first >= entry.first && last <= entry.last;
  }
  return true;
}

}  // namespace hvsim::mmu
