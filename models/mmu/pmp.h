// Physical memory protection: which physical accesses M-mode lets through (privileged manual, "PMP").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::mmu {

class Pmp {
 public:
  // As after reset: sixteen entries, all OFF, so that S- and U-mode may access nothing.
  Pmp() = default;

  // pmpcfg (a byte per entry) and pmpaddr as the CSRs hold them. No entries at all: no PMP, all is allowed.
  void update(std::span<const std::uint8_t> cfg, std::span<const std::uint64_t> addr);

  // The lowest-numbered entry that matches any byte decides, and must match all bytes.
  bool allows(isa::Hpa address, unsigned bytes, isa::Access access, isa::Privilege privilege) const {
    const std::uint64_t first = address.value, last = first + (bytes - 1);
    if (first >= open_.first && first <= open_.last && last <= open_.last) [[likely]]
      return true;
    if (entries_.empty() && privilege == isa::Privilege::machine) return true;
    return look_up(address, bytes, access, privilege);
  }

  // Whether all accesses by this privilege within a range are let through; false: that is not known.
  bool opens(isa::Hpa first, std::uint64_t bytes, isa::Privilege privilege) const {
    if (entries_.empty()) return privilege == isa::Privilege::machine;
    return first.value >= open_.first && first.value + (bytes - 1) <= open_.last;
  }

  // Whether every access within the 4 KiB page gets the same answer, so that it may be kept per page.
  bool page_is_uniform(isa::Hpa page) const {
    const std::uint64_t first = page.value & ~isa::kPageMask, last = first | isa::kPageMask;
    if (entries_.empty() || (first >= open_.first && last <= open_.last)) [[likely]]
      return true;
    return lies_in_one_entry(first, last);
  }

  // Changes whenever an answer may have changed.
  std::uint64_t generation() const { return generation_; }

 private:
  struct Entry {
    std::uint64_t first, last;  // bytes, inclusive
    std::uint8_t cfg;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  bool lies_in_one_entry(std::uint64_t first, std::uint64_t last) const;
  bool look_up(isa::Hpa address, unsigned bytes, isa::Access access, isa::Privilege privilege) const;

  std::vector<Entry> entries_;  // those that are not OFF, by number
  // The first of them, if it lets everybody do everything; kernels open all of memory so. Else an empty
  // range.
  static constexpr Entry kNowhere{~std::uint64_t{0}, 0, 0};
  Entry open_ = kNowhere;
  bool implemented_ = true;
  std::uint64_t generation_ = 0;
};

}  // namespace hvsim::mmu
