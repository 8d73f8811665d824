// Looks at a VM's memory map: which pages of a 2 MiB block are free.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "arch.h"
#include "hypervisor/sharing/map_layout.h"
#include "hypervisor/stage_two_table.h"
#include "hypervisor/vm.h"

namespace hv {

// The layout that the guest published, if it makes sense; the guest may have written anything.
std::optional<MapLayout> published_layout(Arch& arch, const Vm& vm);

// A guest-virtual address through the guest's own tables (Sv39, Sv48, Sv57), read-only. Empty: not mapped.
std::optional<Gpa> guest_translate(Arch& arch, const StageTwoTable& table, std::uint64_t satp,
                                   std::uint64_t address);

// For the length of one look, under vm.sharing.lock.
class MapReader {
 public:
  static constexpr unsigned kMaxOrder = 18;
  struct Run {
    std::uint64_t first = 0, pages = 0;  // page numbers from abi::kGuestMemoryBase
    std::uint64_t since = 0;             // ticks; 0: not told
  };

  MapReader(Arch& arch, const Vm& vm, const MapLayout& layout) : arch_(arch), vm_(vm), layout_(layout) {}

  // The run that begins with this page; empty: none does.
  std::optional<Run> run_at(std::uint64_t page);
  // Calls `visit(first, pages, since)` for each free stretch of the 512 pages at `block`, a multiple of 512.
  template <class Visit>
  void look(std::uint64_t block, Visit visit) {
    const std::uint64_t end = std::min(block + 512, vm_.guest_pages());
    std::uint64_t page = block;
    if (const auto run = run_around(block)) {
      const std::uint64_t stop = std::min(end, run->first + run->pages);
      visit(page, stop - page, run->since);
      page = stop;
    }
    while (page < end) {
      const auto run = run_at(page);
      if (!run) {
        ++page;
        continue;
      }
      const std::uint64_t stop = std::min(end, page + run->pages);
      visit(page, stop - page, run->since);
      page = stop;
    }
  }

 private:
  // The run that began before this page and goes beyond it.
  std::optional<Run> run_around(std::uint64_t page);
  bool read_entry(std::uint64_t page);

  Arch& arch_;
  const Vm& vm_;
  const MapLayout& layout_;
  std::uint64_t cached_page_ = ~std::uint64_t{0};  // of the address space of the entries
  Hpa cached_at_{};
  std::array<std::byte, 64> entry_{};
};

}  // namespace hv
