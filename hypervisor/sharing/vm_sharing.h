// What sharing knows about one VM: who may hold its translations, and what happened to its pages.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "arch.h"
#include "hypervisor/abi/kernel_symbols.h"
#include "hypervisor/atomics.h"
#include "hypervisor/sharing/counters.h"
#include "hypervisor/sharing/map_layout.h"

namespace hv {

// Pages that a guest wishes to be looked at first, from one number up to another.
struct AskedPages {
  std::uint64_t first = 0, end = 0;
  bool any() const { return first < end; }
  void add(std::uint64_t from, std::uint64_t to) {
    first = any() ? std::min(first, from) : from;
    end = std::max(end, to);
  }
};

struct VmSharing {
  Arch::Lock lock{};             // of the stage-two table
  std::uint64_t seen_harts = 0;  // atomic: harts that may hold translations of this VM
  std::uint64_t since = 0;       // ticks up to which shared_page_ticks is summed
  std::uint32_t given_up = 0;    // atomic: it waits for memory, and there will be none
  MapLayout map;
  AskedPages asked_map, asked_content;  // by the scan that is to look
  enum class MapSearch : std::uint8_t { open, found, declined } search = MapSearch::open;
  std::optional<abi::KernelSymbols> symbols;  // for introspection, if the configuration gave them
  std::uint32_t search_failures = 0;          // of introspection
  std::uint64_t search_again = 0;             // ticks
  std::array<std::uint64_t, kSharingCounters> counters{};

  // Under the lock, but for counters of VCPUs that only one of them changes.
  std::uint64_t& operator[](SharingCounter counter) { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t operator[](SharingCounter counter) const {
    return counters[static_cast<std::size_t>(counter)];
  }

  std::uint64_t saved_pages() const {
    return (*this)[SharingCounter::shared_pages] + (*this)[SharingCounter::merged_pages];
  }
  // Before shared_pages or merged_pages changes: what was saved until now is summed up.
  void settle(std::uint64_t now) {
    (*this)[SharingCounter::shared_page_ticks] += saved_pages() * (now - since);
    since = now;
  }
  void note_detected(std::uint64_t pages, std::uint64_t ticks) {
    if (pages == 0) return;
    (*this)[SharingCounter::detected_pages] += pages;
    (*this)[SharingCounter::detect_ticks] += pages * ticks;
    std::uint64_t& longest = (*this)[SharingCounter::longest_detect_ticks];
    if (ticks > longest) longest = ticks;
  }
  // Afterwards.
  void note_peak() {
    std::uint64_t& peak = (*this)[SharingCounter::peak_shared_pages];
    if (saved_pages() > peak) peak = saved_pages();
  }
};

}  // namespace hv
