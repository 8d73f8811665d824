// Page-table geometry and PTE bits as data (privileged manual, chapters "Sv39".."Sv57", "Sv39x4"..).
#pragma once

#include <array>
#include <cstdint>

namespace hvsim::isa {

// One page-table scheme. Level numbers count down to 0, as in the manual's walk algorithm.
struct PagingScheme {
  std::uint8_t atp_mode;         // MODE field of satp/vsatp/hgatp
  std::uint8_t levels;           // LEVELS of the walk
  std::uint8_t va_bits;          // width of a canonical input address
  std::uint8_t root_extra_bits;  // 2 for the x4 schemes: the root table is 16 KiB
};

inline constexpr std::array<PagingScheme, 3> kFirstStageSchemes{
    {{8, 3, 39, 0}, {9, 4, 48, 0}, {10, 5, 57, 0}}};
inline constexpr std::array<PagingScheme, 3> kGStageSchemes{{{8, 3, 41, 2}, {9, 4, 50, 2}, {10, 5, 59, 2}}};

constexpr const PagingScheme* find_scheme(const std::array<PagingScheme, 3>& schemes, unsigned atp_mode) {
  for (const auto& scheme : schemes)
    if (scheme.atp_mode == atp_mode) return &scheme;
  return nullptr;
}

namespace pte {
inline constexpr std::uint64_t v = 1, r = 2, w = 4, x = 8, u = 16, g = 32, a = 64, d = 128;
inline constexpr unsigned ppn_shift = 10;
inline constexpr std::uint64_t ppn_mask = ((std::uint64_t{1} << 44) - 1) << ppn_shift;
inline constexpr std::uint64_t reserved = std::uint64_t{0x7F} << 54;  // bits 60:54
inline constexpr unsigned pbmt_shift = 61;
inline constexpr std::uint64_t pbmt = std::uint64_t{3} << pbmt_shift;  // Svpbmt
inline constexpr std::uint64_t n = std::uint64_t{1} << 63;             // Svnapot

// PBMT: 0 leaves the memory type to the PMAs, 1 is NC, 2 is IO.
inline constexpr std::uint64_t pbmt_reserved = 3;

// The one NAPOT size: 16 base pages, told by these low bits of the PPN.
inline constexpr unsigned napot_bits = 4;
inline constexpr std::uint64_t napot_mask = (1U << napot_bits) - 1, napot_64k = 8;
}  // namespace pte

// Width of the offset into the page or the NAPOT range that a leaf maps.
constexpr unsigned leaf_shift(unsigned level, std::uint64_t leaf) {
  constexpr unsigned base = 12, per_level = 9;
  return (leaf & pte::n) != 0 ? base + pte::napot_bits : base + per_level * level;
}

}  // namespace hvsim::isa
