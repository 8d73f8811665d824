// Page walks as results show them: rows with names.
#pragma once

#include <string>
#include <vector>

#include "models/statistics/walk_statistics.h"
#include "sim/distribution.h"

namespace hvsim::sim {

struct WalkKindRow {
  std::string kind;  // one-stage, G-stage, two-stage
  std::uint64_t faults = 0, pte_reads = 0;
  Distribution cycles;
};

struct PteRow {
  std::string stage;  // first, G
  unsigned level = 0;
  std::string serves;  // of the G-stage: "level 2" (the guest's PTE there) or "page"; else "-"
  std::string access;  // read, write
  std::string source;  // L1D, L2, other L1D, LLC, memory, walker; "-" in a run without time
  std::uint64_t count = 0;
  isa::Cycles cycles = 0;
};

struct WalkPageRow {
  std::string first_page, g_page;  // "4 KiB" and so on; "-" where the stage is Bare
  std::uint64_t walks = 0;
  isa::Cycles cycles = 0;
};

struct WalkSpaceRow {
  std::string virtualized;  // no, yes; "other": all address spaces that have no row of their own
  unsigned vmid = 0, asid = 0;
  std::uint64_t walks = 0, faults = 0, pte_reads_first = 0, pte_reads_g = 0;
  isa::Cycles cycles = 0;
};

struct WalkResults {
  std::vector<WalkKindRow> kinds;
  std::vector<PteRow> ptes;
  std::vector<WalkPageRow> pages;
  std::vector<WalkSpaceRow> spaces;
};

WalkResults walk_results(const statistics::WalkStatistics& walks);

template <>
struct Described<WalkKindRow> {
  using T = WalkKindRow;
  static constexpr auto fields =
      std::tuple{Field{"kind", &T::kind, Unit::none, "one-stage, G-stage (vsatp is Bare) or two-stage"},
                 Field{"faults", &T::faults, Unit::count, "of them ended in a fault"},
                 Field{"pte_reads", &T::pte_reads, Unit::count, "PTEs read, needless ones left out"},
                 Field{"cycles", &T::cycles, Unit::none, "from the first PTE access to the end of the last"}};
};

template <>
struct Described<PteRow> {
  using T = PteRow;
  static constexpr auto fields = std::tuple{
      Field{"stage", &T::stage, Unit::none, "whose table: first (satp, vsatp) or G (hgatp)"},
      Field{"level", &T::level, Unit::none, "of the PTE; 0 maps 4 KiB"},
      Field{"serves", &T::serves, Unit::none, "what a G-stage PTE was read for: a guest's PTE, or the page"},
      Field{"access", &T::access, Unit::none, "read, or write (the walker set A or D)"},
      Field{"source", &T::source, Unit::none,
            "who served it: L1D, L2, other L1D (of another hart), LLC, memory; walker: the G-stage TLB or a "
            "walk cache made it needless"},
      Field{"count", &T::count, Unit::count, "accesses"},
      Field{"cycles", &T::cycles, Unit::cycles, "spent on them"}};
};

template <>
struct Described<WalkPageRow> {
  using T = WalkPageRow;
  static constexpr auto fields = std::tuple{
      Field{"first_page", &T::first_page, Unit::none, "page size of the first stage, - if it is Bare"},
      Field{"g_page", &T::g_page, Unit::none, "page size of the G-stage, - if there is none"},
      Field{"walks", &T::walks, Unit::count, "that found such pages"},
      Field{"cycles", &T::cycles, Unit::cycles, "spent on them"}};
};

template <>
struct Described<WalkSpaceRow> {
  using T = WalkSpaceRow;
  static constexpr auto fields =
      std::tuple{Field{"virtualized", &T::virtualized, Unit::none, "V=1; other: spaces beyond the first 256"},
                 Field{"vmid", &T::vmid, Unit::none, "of hgatp"},
                 Field{"asid", &T::asid, Unit::none, "of satp or vsatp"},
                 Field{"walks", &T::walks, Unit::count, "page walks"},
                 Field{"faults", &T::faults, Unit::count, "of them ended in a fault"},
                 Field{"pte_reads_first", &T::pte_reads_first, Unit::count, "PTEs read in the first stage"},
                 Field{"pte_reads_g", &T::pte_reads_g, Unit::count, "PTEs read in the G-stage"},
                 Field{"cycles", &T::cycles, Unit::cycles, "spent on these walks"}};
};

template <>
struct Described<WalkResults> {
  using T = WalkResults;
  static constexpr auto fields = std::tuple{
      Field{"kinds", &T::kinds, Unit::none, "how many and how long"},
      Field{"ptes", &T::ptes, Unit::none, "PTE accesses by stage, level, purpose and who served them"},
      Field{"pages", &T::pages, Unit::none, "by the sizes of the pages found"},
      Field{"spaces", &T::spaces, Unit::none, "by VMID and ASID"}};
};

}  // namespace hvsim::sim
